import { readFields, readWhole } from "../fields.ts";
import type { Firmware } from "../model.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  NET_PROFILE_FIELDS,
} from "../parameter-fields.ts";
import { define, reportIncomplete, type Draft, type StatementKinds } from "./draft.ts";
import type { Statement } from "./statements.ts";
import { isAddress, statementSource } from "./values.ts";

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
  const profile = {
    name,
    ...readWhole(NET_PROFILE_FIELDS, statementSource(statement, draft, name)),
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
  const source = statementSource(statement, draft, "lb parameter");
  Object.assign(draft.parameters, readFields(LB_PARAMETER_FIELDS, source));
}

function setCsParameter(statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, "cs parameter");
  Object.assign(draft.parameters, readFields(CS_PARAMETER_FIELDS, source));
}
