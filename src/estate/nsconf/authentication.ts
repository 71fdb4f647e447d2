import { define, reportIncomplete, type Draft, type StatementKinds } from "./draft.ts";
import { policyBinding } from "./policies.ts";
import type { Statement } from "./statements.ts";
import { isAddress, KeyReader, portOf } from "./values.ts";

/** Authentication (AAA) vservers and the profiles by which other vservers refer to them. */
export const authenticationStatements: StatementKinds = {
  definitions: new Map([
    ["add authentication vserver", addVserver],
    ["add authentication authnprofile", addProfile],
  ]),
  changes: new Map([
    ["set authentication vserver", setVserver],
    ["bind authentication vserver", bindVserver],
  ]),
};

function addVserver(statement: Statement, draft: Draft): void {
  const [name, , address, portWord] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "authentication vserver");
    return;
  }
  const port = portOf(portWord ?? "");
  const addressable = address !== undefined && isAddress(address) && address !== "0.0.0.0";
  const vserver = {
    name,
    address: addressable ? address : null,
    port: port === 0 ? null : port,
    domain: statement.keys.get("authenticationdomain")?.[0] ?? null,
    policies: [],
    line: statement.line,
  };
  define(draft.authenticationVservers, name, vserver, statement, draft);
}

function setVserver(statement: Statement, draft: Draft): void {
  const vserver = draft.authenticationVservers.get(statement.words[0] ?? "");
  if (vserver !== undefined) {
    vserver.domain = statement.keys.get("authenticationdomain")?.[0] ?? vserver.domain;
  }
}

function addProfile(statement: Statement, draft: Draft): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "authnProfile");
    return;
  }
  const keys = new KeyReader(statement, draft, name);
  const profile = {
    vserver: keys.text("authnvsname") ?? null,
    host: keys.text("authenticationhost") ?? null,
  };
  define(draft.authenticationProfiles, name, profile, statement, draft);
}

function bindVserver(statement: Statement, draft: Draft): void {
  const binding = policyBinding(statement);
  if (binding !== null) {
    draft.authenticationVservers.get(statement.words[0] ?? "")?.policies.push(binding);
  }
}
