import type { PolicyAction } from "../policy.ts";
import { defineForFeature, reportIncomplete, type Draft, type StatementKinds } from "./draft.ts";
import type { Statement } from "./statements.ts";
import { writeWord } from "./writer.ts";

/** Actions of the features whose effect a probe or a reader must know. */
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

/** `add responder action NAME redirect EXPRESSION`: what it answers with is both its target and its expression. */
function addResponderAction(statement: Statement, draft: Draft): void {
  const [, type = "", expression = null] = statement.words;
  add(statement, draft, {
    feature: "responder",
    type: type.toLowerCase(),
    target: expression,
    expression,
  });
}

/** Keys of single-sign-on and login actions that a reader must know; none of them is a secret. */
const TELLING_KEYS = [
  "sso",
  "kcdaccount",
  "formssoaction",
  "ssodomain",
  "defaultauthorizationaction",
  "actionurl",
  "domain",
  "ntlmpath",
  "serverip",
  "servername",
];

function addKeyedAction(
  feature: string,
  type: string,
): (statement: Statement, draft: Draft) => void {
  return (statement, draft) => {
    const told = TELLING_KEYS.flatMap((key) => {
      const values = statement.keys.get(key);
      return values === undefined ? [] : [[`-${key}`, ...values.map(writeWord)].join(" ")];
    });
    add(statement, draft, { feature, type, target: null, expression: told.join(" ") });
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
