import { rangesOf, isIP } from "../lib/ip.ts";
import { compileGlob } from "../lib/glob.ts";
import type { RuleLiteral } from "../model/policy.ts";
import type { RuleTree } from "./rule-expression.ts";

/** The parts of a request that comparisons check; null if unknown. */
export interface RuleRequest {
  readonly path: string | null;
  readonly host: string | null;
  /** The client's address; absent: unknown. */
  readonly source?: string;
}

/** Whether a request matches a rule: null if that depends on something unknown. */
export function matchesRule(tree: RuleTree, request: RuleRequest): boolean | null {
  switch (tree.kind) {
    case "and":
      return all(tree.parts.map((part) => matchesRule(part, request)));
    case "or":
      return not(all(tree.parts.map((part) => not(matchesRule(part, request)))));
    case "not":
      return not(matchesRule(tree.part, request));
    case "url":
      return request.path === null ? null : matchesLiteral(tree.literal, request.path);
    case "host":
      return request.host === null ? null : matchesLiteral(tree.literal, request.host);
    case "source":
      return request.source === undefined
        ? null
        : isWithin(request.source, tree.range) !== tree.negated;
    case "constant":
      return tree.value;
    case "other":
      return null;
  }
}

function isWithin(address: string, range: string): boolean {
  return rangesOf([range]).check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** Whether a text satisfies a comparison, including its negation. */
function matchesLiteral(literal: RuleLiteral, text: string): boolean {
  const subject = literal.ignoreCase ? text.toLowerCase() : text;
  const value = literal.ignoreCase ? literal.value.toLowerCase() : literal.value;
  return compares(literal.operator, subject, value) !== literal.negated;
}

/**
 * Requests built from the rule's own literals that match it as far as can be known: certain matches first, then those
 * that depend on something unknown. Limited in number.
 */
export function requestsMatching(tree: RuleTree): RuleRequest[] {
  const candidates = conjunctions(tree, false).map(requestOf);
  const certain = candidates.filter((request) => matchesRule(tree, request) === true);
  const possible = candidates.filter((request) => matchesRule(tree, request) === null);
  return [...certain, ...possible];
}

function compares(operator: RuleLiteral["operator"], subject: string, value: string): boolean {
  switch (operator) {
    case "EQ":
      return subject === value;
    case "STARTSWITH":
      return subject.startsWith(value);
    case "CONTAINS":
      return subject.includes(value);
    case "ENDSWITH":
      return subject.endsWith(value);
    case "PATTERN":
      return compileGlob(value)(subject);
  }
}

function all(values: readonly (boolean | null)[]): boolean | null {
  return values.includes(false) ? false : values.includes(null) ? null : true;
}

function not(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

interface Atom {
  readonly kind: "url" | "host";
  readonly literal: RuleLiteral;
}

const MAX_CONJUNCTIONS = 64;

/**
 * The alternatives that satisfy a tree, each a list of comparisons that must all hold (disjunctive normal form,
 * limited).
 */
function conjunctions(tree: RuleTree, negated: boolean): (readonly Atom[])[] {
  switch (tree.kind) {
    case "not":
      return conjunctions(tree.part, !negated);
    case "url":
    case "host": {
      const literal = { ...tree.literal, negated: tree.literal.negated !== negated };
      return [[{ kind: tree.kind, literal }]];
    }
    case "constant":
      return tree.value !== negated ? [[]] : [];
    case "source":
    case "other":
      return [[]];
    case "and":
    case "or": {
      const parts = tree.parts.map((part) => conjunctions(part, negated));
      return (tree.kind === "or") !== negated
        ? parts.flat().slice(0, MAX_CONJUNCTIONS)
        : parts.reduce<(readonly Atom[])[]>(product, [[]]);
    }
  }
}

function product(left: (readonly Atom[])[], right: (readonly Atom[])[]): (readonly Atom[])[] {
  const joined: (readonly Atom[])[] = [];
  for (const first of left) {
    for (const second of right) {
      if (joined.length < MAX_CONJUNCTIONS) {
        joined.push([...first, ...second]);
      }
    }
  }
  return joined;
}

function requestOf(atoms: readonly Atom[]): RuleRequest {
  const path = compose(atoms.filter((atom) => atom.kind === "url").map((atom) => atom.literal));
  const host = compose(atoms.filter((atom) => atom.kind === "host").map((atom) => atom.literal));
  return { path: path === null || path.startsWith("/") ? path : `/${path}`, host };
}

/** A text that satisfies the positive comparisons: the whole of an equality, or else prefix, middle and suffix. */
function compose(literals: readonly RuleLiteral[]): string | null {
  const positive = literals.filter((literal) => !literal.negated);
  if (positive.length === 0) {
    return null;
  }
  const of = (operator: RuleLiteral["operator"]): string[] =>
    positive.filter((literal) => literal.operator === operator).map((literal) => literal.value);
  const whole = of("EQ")[0];
  if (whole !== undefined) {
    return whole;
  }
  const start = of("STARTSWITH").reduce((a, b) => (b.length > a.length ? b : a), "");
  const patterns = of("PATTERN").map((pattern) => pattern.replaceAll("*", ""));
  const inside = [...of("CONTAINS"), ...patterns].reduce(
    (text, value) => (text.toLowerCase().includes(value.toLowerCase()) ? text : text + value),
    start,
  );
  return of("ENDSWITH").reduce(
    (text, value) => (text.endsWith(value) ? text : text + value),
    inside,
  );
}
