import { readFields, readWhole } from "../fields.ts";
import { AUTHENTICATION_PROFILE_FIELDS, AUTHENTICATION_VSERVER_FIELDS } from "../vserver-fields.ts";
import { define, reportIncomplete, type Draft, type StatementKinds } from "./draft.ts";
import { policyBinding } from "./policies.ts";
import type { Statement } from "./statements.ts";
import { isAddress, portOf, statementSource } from "./values.ts";

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
    ...readWhole(AUTHENTICATION_VSERVER_FIELDS, statementSource(statement, draft, name)),
    policies: [],
    line: statement.line,
  };
  define(draft.authenticationVservers, name, vserver, statement, draft);
}

function setVserver(statement: Statement, draft: Draft): void {
  const vserver = draft.authenticationVservers.get(statement.words[0] ?? "");
  if (vserver !== undefined) {
    const source = statementSource(statement, draft, vserver.name);
    Object.assign(vserver, readFields(AUTHENTICATION_VSERVER_FIELDS, source));
  }
}

function addProfile(statement: Statement, draft: Draft): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "authnProfile");
    return;
  }
  const profile = readWhole(AUTHENTICATION_PROFILE_FIELDS, statementSource(statement, draft, name));
  define(draft.authenticationProfiles, name, profile, statement, draft);
}

function bindVserver(statement: Statement, draft: Draft): void {
  const binding = policyBinding(statement, draft);
  if (binding !== null) {
    draft.authenticationVservers.get(statement.words[0] ?? "")?.policies.push(binding);
  }
}
