import type { Firmware } from "../model.ts";
import { define, reportIncomplete, type Draft, type StatementKinds } from "./draft.ts";
import type { Statement } from "./statements.ts";
import { isAddress, KeyReader } from "./values.ts";

/** The ADC's own addresses and global parameters. */
export const systemStatements: StatementKinds = {
  definitions: new Map([
    ["add ns ip", addIp],
    ["add ns ip6", addIp],
    ["add netprofile", addNetProfile],
  ]),
  changes: new Map([
    ["set ns config", setConfig],
    ["set lb parameter", setLbParameter],
    ["set cs parameter", setCsParameter],
    ["set tm sessionparameter", setSessionParameter],
    ["bind tm global", bindSessionPolicy],
  ]),
};

/** Reads the header that the ADC writes above its saved configuration: `#NS13.1 Build 37.38`. */
export function firmwareOf(text: string): Firmware | null {
  const [, label, major, minor] =
    /^\uFEFF?\s*#\s*(NS(\d{1,3})\.(\d{1,3})(?:[: ]+Build [\w.]{1,20})?)/m.exec(
      text.slice(0, 4_096),
    ) ?? [];
  return label === undefined ? null : { major: Number(major), minor: Number(minor), text: label };
}

/** A subnet address unless another type is given. */
function addIp(statement: Statement, draft: Draft): void {
  const address = (statement.words[0] ?? "").replace(/\/\d+$/, "");
  const type = (statement.keys.get("type")?.[0] ?? "SNIP").toUpperCase();
  if (!isAddress(address)) {
    return;
  }
  if (type === "NSIP") {
    draft.nsip ??= address;
  } else if (type === "SNIP" || type === "MIP") {
    draft.snips.push(address);
  }
}

function addNetProfile(statement: Statement, draft: Draft): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "netProfile");
    return;
  }
  const keys = new KeyReader(statement, draft, name);
  const proxyProtocol = keys.flag("proxyprotocol");
  const profile = {
    name,
    sourceIp: keys.text("srcip") ?? null,
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    line: statement.line,
  };
  define(draft.netProfiles, name, profile, statement, draft);
}

function setConfig(statement: Statement, draft: Draft): void {
  const address = statement.keys.get("ipaddress")?.[0];
  if (address !== undefined && isAddress(address)) {
    draft.nsip = address;
  }
}

function setLbParameter(statement: Statement, draft: Draft): void {
  const close = statement.keys.get("monitorconnectionclose")?.[0]?.toUpperCase();
  if (close === "FIN" || close === "RESET") {
    draft.parameters.monitorConnectionClose = close;
  }
}

function setCsParameter(statement: Statement, draft: Draft): void {
  const keys = new KeyReader(statement, draft, "cs parameter");
  draft.parameters.csStateUpdate = keys.flag("stateupdate") ?? draft.parameters.csStateUpdate;
}

function setSessionParameter(statement: Statement, draft: Draft): void {
  const keys = new KeyReader(statement, draft, "tm sessionParameter");
  const sso = keys.flag("sso");
  const action = keys.text("defaultauthorizationaction")?.toUpperCase();
  if (sso !== undefined) {
    draft.parameters.sessionSso = sso;
  }
  if (action === "ALLOW" || action === "DENY") {
    draft.parameters.sessionDeniesByDefault = action === "DENY";
  }
}

function bindSessionPolicy({ keys }: Statement, draft: Draft): void {
  const known = draft.parameters.globalSessionPolicies ?? [];
  draft.parameters.globalSessionPolicies = [...known, ...(keys.get("policyname") ?? [])];
}
