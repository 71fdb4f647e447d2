import type { RuleLiteral, RuleLiterals } from "./policy.ts";
import { parseRule, type RuleTree } from "./rule-expression.ts";

/**
 * The URL and host literals of a policy rule in order of appearance, advanced or classic syntax. `negated` counts every
 * NOT around a literal. `exact` is true only when the rule is one literal or several joined by OR, none negated, so
 * that a request built from any one of them matches.
 */
export function ruleLiterals(rule: string): RuleLiterals {
  const urls: RuleLiteral[] = [];
  const hosts: RuleLiteral[] = [];
  const tree = parseRule(rule);
  collect(tree, false, urls, hosts);
  return { urls, hosts, exact: isDisjunction(tree) };
}

function collect(
  tree: RuleTree,
  negated: boolean,
  urls: RuleLiteral[],
  hosts: RuleLiteral[],
): void {
  switch (tree.kind) {
    case "and":
    case "or":
      tree.parts.forEach((part) => {
        collect(part, negated, urls, hosts);
      });
      break;
    case "not":
      collect(tree.part, !negated, urls, hosts);
      break;
    case "url":
    case "host": {
      const literal = { ...tree.literal, negated: tree.literal.negated !== negated };
      (tree.kind === "url" ? urls : hosts).push(literal);
      break;
    }
    case "constant":
    case "other":
      break;
  }
}

function isDisjunction(tree: RuleTree): boolean {
  switch (tree.kind) {
    case "url":
    case "host":
      return !tree.literal.negated;
    case "or":
      return tree.parts.every(isDisjunction);
    case "and":
    case "not":
    case "constant":
    case "other":
      return false;
  }
}

/** Content-switching policies of old firmware have a URL or a domain instead of a rule; written here as one. */
export function classicRule(
  url: string | undefined,
  domain: string | undefined,
): string | undefined {
  const parts = [
    url === undefined ? [] : [`REQ.HTTP.URL == '${url}'`],
    domain === undefined ? [] : [`REQ.HTTP.HEADER Host == '${domain}'`],
  ].flat();
  return parts.length === 0 ? undefined : parts.join(" && ");
}
