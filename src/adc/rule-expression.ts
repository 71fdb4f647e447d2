import { isRange } from "../lib/ip.ts";
import type { RuleLiteral, RuleLiterals } from "../model/policy.ts";

/**
 * A policy rule as a tree of AND, OR and NOT over comparisons of URL, host name or the client's address. Everything
 * else (headers, pattern sets, named expressions) is `other`: whether it matches is unknown.
 */
export type RuleTree =
  | { readonly kind: "and" | "or"; readonly parts: readonly RuleTree[] }
  | { readonly kind: "not"; readonly part: RuleTree }
  | { readonly kind: "url" | "host"; readonly literal: RuleLiteral }
  | { readonly kind: "source"; readonly range: string; readonly negated: boolean }
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "other"; readonly text: string };

/**
 * Reads an advanced (`HTTP.REQ.URL.CONTAINS("/ews")`) or classic (`REQ.HTTP.URL == '/owa/*'`) rule. Total: anything not
 * understood becomes `other`. In NetScaler, `&&` binds tighter than `||`.
 */
export function parseRule(rule: string): RuleTree {
  return parse(rule, 0);
}

const MAX_DEPTH = 48;

function parse(text: string, depth: number): RuleTree {
  const trimmed = text.trim();
  if (depth > MAX_DEPTH || trimmed === "") {
    return { kind: "other", text: trimmed };
  }
  const alternatives = splitAt(trimmed, "||");
  if (alternatives.length > 1) {
    return { kind: "or", parts: alternatives.map((part) => parse(part, depth + 1)) };
  }
  const conditions = splitAt(trimmed, "&&");
  if (conditions.length > 1) {
    return { kind: "and", parts: conditions.map((part) => parse(part, depth + 1)) };
  }
  if (trimmed.startsWith("!")) {
    return { kind: "not", part: parse(trimmed.slice(1), depth + 1) };
  }
  const group = wholeGroup(trimmed);
  if (group !== null) {
    const inner = parse(group.inner, depth + 1);
    return group.negated ? { kind: "not", part: inner } : inner;
  }
  return (
    advancedComparison(trimmed) ??
    classicComparison(trimmed) ??
    sourceComparison(trimmed) ??
    constant(trimmed)
  );
}

/** Splits at an operator outside quotes and parentheses; a single part if there is none. */
export function splitAt(text: string, operator: "||" | "&&" | "+"): string[] {
  if (!text.includes(operator)) {
    return [text];
  }
  const parts: string[] = [];
  let from = 0;
  scan(text, (at, nesting) => {
    if (nesting === 0 && text.startsWith(operator, at) && at >= from) {
      parts.push(text.slice(from, at));
      from = at + operator.length;
    }
  });
  parts.push(text.slice(from));
  return parts;
}

/** `( … )` or `( … ).NOT` around the whole text. */
function wholeGroup(text: string): { readonly inner: string; readonly negated: boolean } | null {
  if (!text.startsWith("(")) {
    return null;
  }
  let end = -1;
  scan(text, (at, nesting) => {
    if (end < 0 && nesting === 1 && text[at] === ")") {
      end = at;
    }
  });
  if (end < 0) {
    return null;
  }
  const rest = text
    .slice(end + 1)
    .trim()
    .toUpperCase();
  return rest === "" || rest === ".NOT"
    ? { inner: text.slice(1, end), negated: rest === ".NOT" }
    : null;
}

/** Visits every character outside quotes with the depth of parentheses. */
function scan(text: string, visit: (at: number, nesting: number) => void): void {
  let quote: string | null = null;
  let nesting = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== null) {
      if (character === "\\") {
        at += 1;
      } else if (character === quote) {
        quote = null;
      }
    } else if (character === '"' || character === "'") {
      quote = character;
    } else {
      visit(at, nesting);
      if (character === "(") {
        nesting += 1;
      } else if (character === ")") {
        nesting = Math.max(0, nesting - 1);
      }
    }
  }
}

const ADVANCED =
  /^HTTP\.REQ\.(URL|HOSTNAME|HEADER\(\s*"host"\s*\))((?:\.[A-Z_]+(?:\([A-Z_]*\))?)*)\.(EQ|CONTAINS|STARTSWITH|ENDSWITH)\(\s*"((?:[^"\\]|\\.)*)"\s*\)(\.NOT)?$/is;

/** Steps between the subject and the comparison that do not change the text for our purpose. */
const TRANSPARENT_STEPS = new Set([
  "PATH",
  "PATH_AND_QUERY",
  "SERVER",
  "TO_LOWER",
  "SET_TEXT_MODE",
]);

function advancedComparison(text: string): RuleTree | null {
  const match = ADVANCED.exec(text);
  const [, subject, steps = "", operator, escaped = "", not] = match ?? [];
  if (subject === undefined || operator === undefined) {
    return null;
  }
  const words = steps
    .toUpperCase()
    .split(".")
    .filter((word) => word !== "");
  if (!words.every((word) => TRANSPARENT_STEPS.has(word.replace(/\(.*/s, "")))) {
    return null;
  }
  const kind = subject.toUpperCase() === "URL" ? "url" : "host";
  return {
    kind,
    literal: {
      operator: operatorOf(operator),
      value: escaped.replace(/\\(["\\])/g, "$1"),
      // Host names are compared without regard to case, whatever the rule says.
      ignoreCase:
        kind === "host" ||
        words.includes("SET_TEXT_MODE(IGNORECASE)") ||
        words.includes("TO_LOWER"),
      negated: not !== undefined,
    },
  };
}

function operatorOf(text: string): RuleLiteral["operator"] {
  switch (text.toUpperCase()) {
    case "CONTAINS":
      return "CONTAINS";
    case "STARTSWITH":
      return "STARTSWITH";
    case "ENDSWITH":
      return "ENDSWITH";
    default:
      return "EQ";
  }
}

const CLASSIC =
  /^REQ\.HTTP\.(URL|URLPATH|HEADER\s+Host)\s+(==|!=|EQ|NEQ|CONTAINS|NOTCONTAINS)\s+(?:"([^"]*)"|'([^']*)'|(\S+))$/i;

/** Classic rules use `*` as wildcard, and ignore case in URLs unless the vserver says otherwise. */
function classicComparison(text: string): RuleTree | null {
  const [, subject, operator, double, single, bare] = CLASSIC.exec(text) ?? [];
  if (subject === undefined || operator === undefined) {
    return null;
  }
  const value = double ?? single ?? bare ?? "";
  const contains = operator.toUpperCase().endsWith("CONTAINS");
  return {
    kind: subject.toUpperCase().startsWith("URL") ? "url" : "host",
    literal: {
      operator: contains ? "CONTAINS" : value.includes("*") ? "PATTERN" : "EQ",
      value,
      ignoreCase: true,
      negated: /^(!=|NEQ|NOTCONTAINS)$/i.test(operator),
    },
  };
}

const SOURCE =
  /^CLIENT\.IP(?:V6)?\.SRC\.(EQ|NE|IN_SUBNET)\(\s*"?([\da-f.:]{2,45}(?:\/\d{1,3})?)"?\s*\)(\.NOT)?$/i;
const CLASSIC_SOURCE =
  /^REQ\.IP\.SOURCEIP\s+(==|!=|EQ|NEQ)\s+([\d.]{7,15})(?:\s+-netmask\s+([\d.]{7,15}))?$/i;

/** A comparison of the client's address with an address or a subnet, in both syntaxes. */
function sourceComparison(text: string): RuleTree | null {
  const [, operator, range, not] = SOURCE.exec(text) ?? [];
  if (operator !== undefined && range !== undefined && isRange(range)) {
    const negated = (operator.toUpperCase() === "NE") !== (not !== undefined);
    return { kind: "source", range, negated };
  }
  const [, compares, address, mask] = CLASSIC_SOURCE.exec(text) ?? [];
  const prefix = mask === undefined ? 32 : prefixOf(mask);
  const classic = `${address ?? ""}/${String(prefix)}`;
  return compares === undefined || prefix === null || !isRange(classic)
    ? null
    : { kind: "source", range: classic, negated: /^(!=|NEQ)$/i.test(compares) };
}

/** The prefix length of a netmask; null if it is not valid. */
function prefixOf(mask: string): number | null {
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  const length = bits.indexOf("0");
  return /^1*0*$/.test(bits) && bits.length === 32 ? (length < 0 ? 32 : length) : null;
}

function constant(text: string): RuleTree {
  if (/^(true|ns_true|HTTP\.REQ\.IS_VALID)$/i.test(text)) {
    return { kind: "constant", value: true };
  }
  return /^(false|ns_false)$/i.test(text)
    ? { kind: "constant", value: false }
    : { kind: "other", text };
}

/**
 * The URL and host literals of a policy rule in order of appearance, in advanced or classic syntax. `negated` counts
 * every NOT around a literal. `exact` is true only if the rule is one literal, or several joined by OR, none negated,
 * so that a request built from any of them matches.
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
    case "source":
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
    case "source":
    case "constant":
    case "other":
      return false;
  }
}

/** Content-switching policies of old firmware have a URL or a domain instead of a rule; this converts it to a rule. */
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
