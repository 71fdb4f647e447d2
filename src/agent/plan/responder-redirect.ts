import type { Estate } from "../../estate/model.ts";
import type { Vserver } from "../../estate/vserver.ts";
import { parseRule } from "../../estate/rule-expression.ts";
import { matchesRule, type RuleRequest } from "../../estate/rule-match.ts";

/**
 * Where responder policies of the vservers on the way send a request for certain, in the order in which the ADC asks
 * them. Null: nowhere, or to a URL that is not written out but made of the request.
 */
export function responderRedirect(
  estate: Estate,
  onTheWay: readonly Vserver[],
  request: RuleRequest,
): string | null {
  for (const vserver of onTheWay) {
    const bound = [...vserver.policies].sort(
      (a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity),
    );
    for (const binding of bound) {
      const policy = estate.policies.get(binding.policy);
      if (policy?.feature !== "responder" || policy.action === null) {
        continue;
      }
      if (matchesRule(parseRule(policy.rule), request) !== true) {
        continue;
      }
      const action = estate.actions.get(policy.action);
      return action?.type === "redirect" ? literal(action.target ?? action.expression) : null;
    }
  }
  return null;
}

/** The text of an expression that is one literal: `"https://mail.example.com/owa"`. */
function literal(expression: string | null): string | null {
  return /^\s*"([^"]+)"\s*$/.exec(expression ?? "")?.[1] ?? null;
}
