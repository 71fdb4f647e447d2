import type { Estate } from "../model/estate.ts";
import { nameMatcher } from "../lib/glob.ts";
import type { Finding } from "./finding.ts";
import type { LintIgnore } from "./settings.ts";

const IGNORE = /lint:ignore\s+([\w*-]+(?:\s*,\s*[\w*-]+)*)/gi;

/** The rules that a comment switches off: `lint:ignore tcp_only`, several separated by commas, `*` for all. */
function ignoredRules(comment: string | null | undefined): ReadonlySet<string> {
  const rules = [...(comment ?? "").matchAll(IGNORE)].flatMap(([, list = ""]) => list.split(","));
  return new Set(rules.map((rule) => rule.trim()).filter((rule) => rule !== ""));
}

/** Whether the `-comment` of the finding's object, or of a server behind it, switches the rule off. */
export function isIgnored(
  estate: Estate,
  { object, rule }: Pick<Finding, "object" | "rule">,
): boolean {
  const { services, lbVservers, csVservers, servers } = estate;
  const named = [services, lbVservers, csVservers, servers].map((table) => table.get(object));
  return named.some(
    (one) =>
      one?.comment !== undefined && one.comment !== null && names(ignoredRules(one.comment), rule),
  );
}

/** Whether settings suppress a finding. */
export function ignoredBy(
  ignore: readonly LintIgnore[],
): (finding: Pick<Finding, "object" | "rule">) => boolean {
  const silent = ignore.map(({ rule, objects }) => ({ rule, matches: nameMatcher(objects) }));
  return ({ object, rule }) =>
    silent.some((one) => (one.rule === "*" || one.rule === rule) && one.matches(object));
}

function names(rules: ReadonlySet<string>, rule: string): boolean {
  return rules.has(rule) || rules.has("*");
}

/** The rules switched off by comments in the file: after a command for its line, alone on a line for the whole file. */
export interface FileIgnores {
  readonly everywhere: ReadonlySet<string>;
  readonly byLine: ReadonlyMap<number, ReadonlySet<string>>;
}

/** Reads `# lint:ignore RULE` in a configuration's text. */
export function fileIgnores(text: string): FileIgnores {
  const everywhere = new Set<string>();
  const byLine = new Map<number, ReadonlySet<string>>();
  if (!/lint:ignore/i.test(text)) {
    return { everywhere, byLine };
  }
  text.split("\n").forEach((line, at) => {
    const comment = commentOf(line);
    const rules = ignoredRules(comment);
    if (/^\s*#/.test(line)) {
      rules.forEach((rule) => everywhere.add(rule));
    } else if (rules.size > 0) {
      byLine.set(at + 1, rules);
    }
  });
  return { everywhere, byLine };
}

export function isIgnoredInFile(ignores: FileIgnores, { line, rule }: Finding): boolean {
  const own = line === null ? undefined : ignores.byLine.get(line);
  return names(ignores.everywhere, rule) || (own !== undefined && names(own, rule));
}

/** The text after the first `#` at the beginning of a word. */
function commentOf(line: string): string | undefined {
  for (let at = line.indexOf("#"); at !== -1; at = line.indexOf("#", at + 1)) {
    if (at === 0 || /\s/.test(line.charAt(at - 1))) {
      return line.slice(at + 1);
    }
  }
  return undefined;
}
