import type { PolicyAction, Policy, PolicyBinding } from "../../model/policy.ts";
import {
  defineForFeature,
  reportIncomplete,
  type Draft,
  type StatementKinds,
  define,
  report,
  reportClash,
  reportMissing,
  isAddress,
  portOf,
  statementSource,
  type BoundPolicy,
} from "./draft.ts";
import { type Statement, writeWord } from "./statements.ts";
import { readFields, readWhole } from "../fields.ts";
import {
  AUTHENTICATION_PROFILE_FIELDS,
  AUTHENTICATION_VSERVER_FIELDS,
  POLICY_BINDING_FIELDS,
  LOGIN_ACTION_KEYS,
} from "../vserver-fields.ts";
import { classicRule, ruleLiterals } from "../rule-expression.ts";

/** Actions of the features that affect probes, or that the reader has to know. */
export const actionStatements: StatementKinds = {
  definitions: new Map([
    ["add cs action", addCsAction],
    ["add rewrite action", addRewriteAction],
    ["add responder action", addResponderAction],
    ["add tm trafficaction", addKeyedAction("tm traffic", "traffic")],
    ["add tm sessionaction", addKeyedAction("tm session", "session")],
    ["add tm formssoaction", addKeyedAction("tm formsso", "formSSO")],
    ["add authentication negotiateaction", addKeyedAction("authentication", "negotiate")],
    ["add authentication ldapaction", addKeyedAction("authentication", "ldap")],
  ]),
  changes: new Map(),
};

function addCsAction(statement: Statement, draft: Draft): void {
  const { keys } = statement;
  add(statement, draft, {
    feature: "cs",
    type: "forward",
    target: keys.get("targetlbvserver")?.[0] ?? keys.get("targetvserver")?.[0] ?? null,
    expression: keys.get("targetvserverexpr")?.[0] ?? null,
  });
}

/** `add rewrite action NAME replace TARGET EXPRESSION`. */
function addRewriteAction(statement: Statement, draft: Draft): void {
  const [, type = "", target, expression] = statement.words;
  add(statement, draft, {
    feature: "rewrite",
    type: type.toLowerCase(),
    target: target ?? null,
    expression: expression ?? null,
  });
}

/** `add responder action NAME redirect EXPRESSION`: the response is both its target and its expression. */
function addResponderAction(statement: Statement, draft: Draft): void {
  const [, type = "", expression = null] = statement.words;
  add(statement, draft, {
    feature: "responder",
    type: type.toLowerCase(),
    target: expression,
    expression,
  });
}

function addKeyedAction(
  feature: string,
  type: string,
): (statement: Statement, draft: Draft) => void {
  return (statement, draft) => {
    const written = LOGIN_ACTION_KEYS.flatMap((key) => {
      const values = statement.keys.get(key);
      return values === undefined ? [] : [[`-${key}`, ...values.map(writeWord)].join(" ")];
    });
    add(statement, draft, { feature, type, target: null, expression: written.join(" ") });
  };
}

function add(
  statement: Statement,
  draft: Draft,
  action: Omit<PolicyAction, "name" | "line">,
): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "action");
    return;
  }
  defineForFeature(draft.actions, { name, line: statement.line, ...action }, statement, draft);
}

/** Authentication (AAA) vservers and the profiles with which other vservers refer to them. */
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
    certKeys: [],
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
  const [name = ""] = statement.words;
  const vserver = draft.authenticationVservers.get(name);
  if (vserver === undefined) {
    draft.absentLogins.add(name);
    reportMissing(draft, statement, "authentication vserver", name);
    return;
  }
  const binding = policyBinding(statement, draft);
  if (binding !== null) {
    bindPolicy(vserver.policies, binding, statement, draft);
  }
}

/**
 * Policies of all features (`add cs policy`, `add rewrite policy`, `add tm trafficPolicy`, `add authentication
 * ldapPolicy` …) have the same form: a name, a rule and an action, positional or as options. True if the statement was
 * one.
 */
export function readPolicy(statement: Statement, draft: Draft): boolean {
  if (statement.verb !== "add" || !/policy$/i.test(statement.object ?? "")) {
    return false;
  }
  const [name, ruleWord, actionWord] = statement.words;
  const { keys } = statement;
  const rule =
    keys.get("rule")?.[0] ?? classicRule(keys.get("url")?.[0], keys.get("domain")?.[0]) ?? ruleWord;
  if (name === undefined) {
    reportIncomplete(draft, statement, "policy");
    return true;
  }
  reportBrokenRule(statement, name, rule ?? "", draft);
  const action =
    keys.get("action")?.[0] ??
    keys.get("reqaction")?.[0] ??
    keys.get("resaction")?.[0] ??
    keys.get("profilename")?.[0] ??
    actionWord;
  const logAction = keys.get("logaction")?.[0];
  const policy: Policy = {
    name,
    feature: featureOf(statement),
    rule: rule ?? "",
    action: action ?? null,
    ...(logAction === undefined ? null : { logAction }),
    literals: ruleLiterals(rule ?? ""),
    line: statement.line,
  };
  defineForFeature(draft.policies, policy, statement, draft);
  return true;
}

/** `-rule "HTTP.REQ.URL.CONTAINS("/ews")"` ends at its second quote, as the ADC reads it, and the rest is no rule. */
function reportBrokenRule(statement: Statement, name: string, rule: string, draft: Draft): void {
  const isSplit = (statement.keys.get("rule")?.length ?? 1) > 1 || !isBalanced(rule);
  if (isSplit && !statement.broken && DECIDING.test(featureOf(statement))) {
    const message =
      "The rule is cut off at a quote or a space: it needs quotes around the whole value, and backslashes before those " +
      "inside. The ADC refuses the command.";
    report(draft, statement, "error", "unreadable_value", name, message);
  }
}

/** Features that decide where a client's request goes. */
const DECIDING = /^(cs|responder|rewrite|authorization|tm .*)$/;

/** Whether every quote and parenthesis is closed; a regular expression may contain either. */
function isBalanced(rule: string): boolean {
  if (/\b(?:re|xp|s)[/!#%~=@|{]/i.test(rule)) {
    return true;
  }
  const bare = rule.replace(/\\./g, "").replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "");
  const opened = bare.replace(/[^(]/g, "").length;
  return !/["'`]/.test(bare) && opened === bare.replace(/[^)]/g, "").length;
}

/** `set cs policy P -rule R -action A`, and the same for other features whose rules matter here. */
export const policyStatements: StatementKinds = {
  definitions: new Map(),
  changes: new Map([
    ["set cs policy", setPolicy],
    ["set rewrite policy", setPolicy],
    ["set responder policy", setPolicy],
  ]),
};

function setPolicy(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const known = draft.policies.get(name);
  if (known === undefined) {
    reportMissing(draft, statement, "policy", name);
    return;
  }
  const { keys } = statement;
  const rule =
    keys.get("rule")?.[0] ??
    classicRule(keys.get("url")?.[0], keys.get("domain")?.[0]) ??
    known.rule;
  reportBrokenRule(statement, name, rule, draft);
  const unset = statement.verb === "unset" && keys.has("action");
  const action = unset ? null : (keys.get("action")?.[0] ?? known.action);
  draft.policies.set(known.name, { ...known, rule, action, literals: ruleLiterals(rule) });
}

function featureOf(statement: Statement): string {
  const group = statement.group.toLowerCase();
  const object = (statement.object ?? "").toLowerCase().replace(/policy$/, "");
  return group === "tm" || OWN_BANK.test(object) ? `${group} ${object}` : group;
}

/** Beside the authentication policies of a vserver, it has other lists of policies. */
const OWN_BANK = /^(?:loginschema|samlidp|oauthidp)$/;

/** `-policyName P -priority n …` of any bind statement; null if it binds no policy. */
export function policyBinding(statement: Statement, draft: Draft): PolicyBinding | null {
  const policy = boundPolicy(statement);
  return policy === null
    ? null
    : {
        policy: policyName(policy, draft),
        ...readWhole(POLICY_BINDING_FIELDS, statementSource(statement, draft, policy)),
        ...(statement.keys.has("invoke") ? { invoke: statement.keys.get("invoke") ?? [] } : null),
        line: statement.line,
      };
}

/**
 * Adds a policy to those that are bound to one object. Two advanced policies of one feature cannot have the same priority
 * at one bind point (NITRO error 3041); classic ones of the same priority are evaluated in the order of their binding.
 */
export function bindPolicy<B extends BoundPolicy>(
  bound: B[],
  binding: B,
  statement: Statement,
  draft: Draft,
): void {
  const rival = draft.byPriority
    .at(bound, String(binding.priority))
    .find(
      (one) =>
        one.priority !== null &&
        one.bindPoint === binding.bindPoint &&
        one.policy !== binding.policy &&
        shareOneBank(one.policy, binding.policy, draft),
    );
  const [name = ""] = statement.words;
  if (rival !== undefined) {
    reportClash(draft, statement, rival.line, {
      severity: "warning",
      rule: "duplicate_priority",
      object: name,
      message: `${name} has ${rival.policy} and ${binding.policy} bound with the same priority: the ADC rejects the second (error 3041).`,
    });
  }
  draft.byPriority.push(bound, binding);
}

function shareOneBank(one: string, other: string, { policies }: Draft): boolean {
  const [first, second] = [policies.get(one), policies.get(other)];
  return (
    first !== undefined &&
    first.feature === second?.feature &&
    ONE_BANK.test(first.feature) &&
    [first, second].every(({ rule }) => ADVANCED.test(rule))
  );
}

/** Features with one list of policies for each object and direction. */
const ONE_BANK = /^(?:cs|responder|rewrite|appfw|authentication(?: loginschema)?)$/;

/** The beginning of an advanced expression, as opposed to a classic one (`ns_true`, `REQ.HTTP.URL == /a`). */
const ADVANCED =
  /^[!(\s]{0,9}(?:(?:true|false)$|(?:HTTP|CLIENT|SERVER|SYS|AAA|TARGET|ANALYTICS)\.)/i;

/** The policy's name as configured. */
export function policyName(written: string, draft: Draft): string {
  return draft.policies.get(written)?.name ?? written;
}

/** The policy that a bind or unbind statement names; null if there is none. */
export function boundPolicy({ keys }: Statement): string | null {
  return keys.get("policyname")?.[0] ?? keys.get("policy")?.[0] ?? null;
}
