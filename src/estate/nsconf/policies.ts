import { readWhole } from "../fields.ts";
import type { Policy, PolicyBinding } from "../policy.ts";
import { classicRule, ruleLiterals } from "../rule-literals.ts";
import { POLICY_BINDING_FIELDS } from "../vserver-fields.ts";
import {
  defineForFeature,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
} from "./draft.ts";
import type { Statement } from "./statements.ts";
import { statementSource } from "./values.ts";

/**
 * Policies of every feature (`add cs policy`, `add rewrite policy`, `add tm trafficPolicy`, `add authentication
 * ldapPolicy` …) have one shape: a name, a rule and an action, given by position or by key. True when it was one.
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
  const action =
    keys.get("action")?.[0] ??
    keys.get("reqaction")?.[0] ??
    keys.get("resaction")?.[0] ??
    keys.get("profilename")?.[0] ??
    actionWord;
  const policy: Policy = {
    name,
    feature: featureOf(statement),
    rule: rule ?? "",
    action: action ?? null,
    literals: ruleLiterals(rule ?? ""),
    line: statement.line,
  };
  defineForFeature(draft.policies, policy, statement, draft);
  return true;
}

/** `set cs policy P -rule R -action A`, and the same for the features whose rules count here. */
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
  const action = keys.get("action")?.[0] ?? known.action;
  draft.policies.set(known.name, { ...known, rule, action, literals: ruleLiterals(rule) });
}

function featureOf(statement: Statement): string {
  const group = statement.group.toLowerCase();
  const object = (statement.object ?? "").toLowerCase().replace(/policy$/, "");
  return group === "tm" ? `tm ${object}` : group;
}

/** `-policyName P -priority n …` of any bind statement; null when it binds no policy. */
export function policyBinding(statement: Statement, draft: Draft): PolicyBinding | null {
  const policy = boundPolicy(statement);
  return policy === null
    ? null
    : {
        policy,
        ...readWhole(POLICY_BINDING_FIELDS, statementSource(statement, draft, policy)),
        line: statement.line,
      };
}

/** The policy that a bind or unbind statement names; null when there is none. */
export function boundPolicy({ keys }: Statement): string | null {
  return keys.get("policyname")?.[0] ?? keys.get("policy")?.[0] ?? null;
}
