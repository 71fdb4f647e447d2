import { ACL_FIELDS, ACL_KINDS, aclAction, aclKey, readAcl } from "../acls.ts";
import { wholeNumber } from "../field-types.ts";
import { readFields } from "../fields.ts";
import type { Firmware } from "../../model/estate.ts";
import type { AclKind, PolicyBinding } from "../../model/policy.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  SESSION_PARAMETER_FIELDS,
} from "../vserver-fields.ts";
import {
  define,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
  type StatementReader,
  isAddress,
  statementSource,
} from "./draft.ts";
import type { Statement } from "./statements.ts";
import { policyName } from "./policies.ts";

/** The ADC's own addresses and global parameters. */
export const systemStatements: StatementKinds = {
  definitions: new Map([
    ["add ns ip", addIp],
    ["add ns ip6", addIp],
    ["add ipset", addIpSet],
    ...ACL_KINDS.map((kind) => [`add ns ${kind}`, aclAdder(kind)] as const),
  ]),
  changes: new Map([
    ["set ns config", setConfig],
    ["set ns acl", aclSetter("acl")],
    ["set ns acl6", aclSetter("acl6")],
    [
      "bind responder global",
      globalBinder(({ globalResponderPolicies }) => globalResponderPolicies),
    ],
    ["bind appfw global", globalBinder(({ globalFirewallPolicies }) => globalFirewallPolicies)],
    ["bind ipset", bindIpSet],
    ["set lb parameter", setLbParameter],
    ["set cs parameter", setCsParameter],
    ["set tm sessionparameter", setSessionParameter],
    ["bind tm global", bindSessionPolicy],
    ["bind aaa group", bindGroupPolicy],
    ["bind aaa user", bindGroupPolicy],
  ]),
};

/** Reads the header that the ADC writes at the top of its saved configuration: `#NS13.1 Build 37.38`. */
export function firmwareOf(text: string): Firmware | null {
  const [, label, major, minor] =
    /^\uFEFF?[ \t]*#[ \t]*(NS(\d{1,3})\.(\d{1,3})(?:[: ]+Build [\w.]{1,20})?)/m.exec(
      text.slice(0, 4_096),
    ) ?? [];
  return label === undefined ? null : { major: Number(major), minor: Number(minor), text: label };
}

/** A subnet address unless another type is set. */
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

/** A net profile's `-srcIP` may name a set of the ADC's addresses. */
function addIpSet({ words: [name] }: Statement, draft: Draft): void {
  if (name !== undefined && !draft.ipSets.has(name)) {
    draft.ipSets.set(name, []);
  }
}

function bindIpSet({ words: [name = "", ...addresses] }: Statement, draft: Draft): void {
  draft.ipSets.get(name)?.push(...addresses.filter(isAddress));
}

/** `add ns acl NAME DENY -srcIP = 10.0.0.1-10.0.0.9 …`: the packet filter, evaluated before any vserver. */
function aclAdder(kind: AclKind): StatementReader {
  return (statement, draft) => {
    const [name, written = ""] = statement.words;
    const action = aclAction.read([written]);
    if (name === undefined || action === undefined) {
      reportIncomplete(draft, statement, name ?? kind);
      return;
    }
    const source = statementSource(statement, draft, name);
    const acl = readAcl(kind, { name, action, line: statement.line }, source);
    define(draft.acls, aclKey(acl), acl, statement, draft);
  };
}

function aclSetter(kind: "acl" | "acl6"): StatementReader {
  return (statement, draft) => {
    const [name = ""] = statement.words;
    const acl = draft.acls.get(aclKey({ kind, name }));
    if (acl === undefined) {
      reportMissing(draft, statement, kind, name);
      return;
    }
    Object.assign(acl, readFields(ACL_FIELDS[kind], statementSource(statement, draft, name)));
  };
}

/** `bind responder global POLICY 100 END -type REQ_DEFAULT`: evaluated before the policies of any vserver. */
function globalBinder(
  table: (draft: Draft) => PolicyBinding[],
): (statement: Statement, draft: Draft) => void {
  return (statement, draft) => {
    const [policy, priority, goto = null] = statement.words;
    if (policy !== undefined) {
      table(draft).push({
        policy: policyName(policy, draft),
        priority: wholeNumber(priority ?? ""),
        goto,
        bindPoint: null,
        line: statement.line,
      });
    }
  };
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

function setSessionParameter(statement: Statement, draft: Draft): void {
  const source = statementSource(statement, draft, "tm sessionParameter");
  Object.assign(draft.parameters, readFields(SESSION_PARAMETER_FIELDS, source));
}

function bindSessionPolicy({ keys }: Statement, draft: Draft): void {
  const known = draft.parameters.globalSessionPolicies ?? [];
  const bound = keys.get("policyname")?.map((policy) => policyName(policy, draft)) ?? [];
  draft.parameters.globalSessionPolicies = [...known, ...bound];
}

/** The same command binds its members and addresses, which are not needed here. */
function bindGroupPolicy({ keys }: Statement, draft: Draft): void {
  const bound = keys.get("policy")?.map((policy) => policyName(policy, draft)) ?? [];
  if (bound.length > 0) {
    const known = draft.parameters.groupPolicies ?? [];
    draft.parameters.groupPolicies = [...known, ...bound];
  }
}
