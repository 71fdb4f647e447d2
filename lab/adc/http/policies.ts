import type { Estate } from "../../../src/model/estate.ts";
import type { Policy, PolicyAction, PolicyBinding } from "../../../src/model/policy.ts";
import { evaluate, holds, type ExpressionSubject } from "../expression.ts";
import { answer, redirect, type Answer } from "./answer.ts";

interface Bound {
  readonly policy: Policy;
  readonly action: PolicyAction | null;
}

/** Policies of one feature bound to a vserver, in order of priority. */
export function bindings(
  estate: Estate,
  bound: readonly PolicyBinding[],
  feature: string,
): Bound[] {
  return [...bound]
    .sort(
      (a, b) => (a.priority ?? Number.MAX_SAFE_INTEGER) - (b.priority ?? Number.MAX_SAFE_INTEGER),
    )
    .flatMap(({ policy: name }) => {
      const policy = estate.policies.get(name);
      if (policy?.feature !== feature) {
        return [];
      }
      return [
        {
          policy,
          action: policy.action === null ? null : (estate.actions.get(policy.action) ?? null),
        },
      ];
    });
}

/** The answer of the first matching responder policy that has one; null: continue with the request. */
export function respond(
  estate: Estate,
  bound: readonly PolicyBinding[],
  subject: ExpressionSubject,
): Answer | null {
  for (const { policy, action } of bindings(estate, bound, "responder")) {
    const expression = action?.target ?? action?.expression ?? null;
    if (action === null || expression === null || !holds(policy.rule, subject)) {
      continue;
    }
    const value = evaluate(expression, subject);
    if (typeof value !== "string") {
      continue;
    }
    if (action.type === "redirect") {
      return redirect(value);
    }
    if (action.type === "respondwith" || action.type === "respondwithhtmlpage") {
      return written(value);
    }
  }
  return null;
}

/** The URL after the first rewrite policy that replaces it; null when none does. */
export function rewriteUrl(
  estate: Estate,
  bound: readonly PolicyBinding[],
  subject: ExpressionSubject,
): string | null {
  for (const { policy, action } of bindings(estate, bound, "rewrite")) {
    const replaces = action?.type === "replace" && /^HTTP\.REQ\.URL\b/i.test(action.target ?? "");
    if (replaces && action.expression !== null && holds(policy.rule, subject)) {
      const value = evaluate(action.expression, subject);
      return typeof value === "string" ? value : null;
    }
  }
  return null;
}

/** `respondwith` gives a whole response as text. */
function written(value: string): Answer {
  const [head = "", ...body] = value.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? "200");
  return answer(status, [], body.join("\r\n\r\n"));
}
