import { counted } from "../lib/counted.ts";
import { printableLine } from "../lib/printable.ts";
import { pasteLines } from "./change.ts";
import type { FindingGroup } from "./group.ts";
import { GRAVITY } from "./lint.ts";
import type { Rule } from "./rule.ts";

/** Maximum number of objects and commands per cause; the rest is counted, and `--format json` contains everything. */
const MAX_OBJECTS = 12;
const MAX_COMMANDS = 24;
/** Few causes, or few objects per cause, fit on one screen and need no summary. */
const FEW_CAUSES = 6;
const SOME_CAUSES = 16;
const FEW_OBJECTS = 24;

/**
 * Findings as text: a summary, then each cause with its objects and commands, sorted by severity, and the notes. The last
 * line also says how many lines of a session or a page were passed over because they are no commands.
 */
export function renderText(
  groups: readonly FindingGroup[],
  rules: readonly Rule[],
  notes: readonly string[] = [],
  passedOver = 0,
): string {
  const rest =
    passedOver === 0
      ? ""
      : `; ${counted(passedOver, "line is no command", "lines are no commands")}`;
  const parts = [
    ...(isLong(groups) ? [summary(groups, rules), ""] : []),
    ...groups.map(renderGroup),
    ...notes.map((note) => `note: ${printableLine(note)}`),
    `${groups.length === 0 ? "nothing found" : total(groups)}${rest}`,
  ];
  return `${parts.join("\n")}\n`;
}

function isLong(groups: readonly FindingGroup[]): boolean {
  return (
    groups.length >= SOME_CAUSES ||
    (groups.length >= FEW_CAUSES && objectsOf(groups) >= FEW_OBJECTS)
  );
}

function objectsOf(groups: readonly FindingGroup[]): number {
  return groups.reduce((sum, { objects }) => sum + objects.length, 0);
}

function summary(groups: readonly FindingGroup[], rules: readonly Rule[]): string {
  const counts = new Map<string, { severity: FindingGroup["severity"]; objects: number }>();
  for (const { rule, severity, objects } of groups) {
    const known = counts.get(rule);
    counts.set(rule, {
      severity: known?.severity ?? severity,
      objects: (known?.objects ?? 0) + objects.length,
    });
  }
  const meanings = new Map(rules.map(({ id, meaning }) => [id, meaning]));
  const width = Math.max(...[...counts.keys()].map((rule) => rule.length));
  return [...counts]
    .sort(([, a], [, b]) => GRAVITY[a.severity] - GRAVITY[b.severity] || b.objects - a.objects)
    .map(([rule, { severity, objects }]) =>
      [
        severity.padEnd(7),
        String(objects).padStart(5),
        rule.padEnd(width),
        meanings.get(rule) ?? "",
      ].join("  "),
    )
    .join("\n");
}

/** UNCONFIRMED for a question mark within quotes; Citrix's wiki, "Quotation Syntax", calls it special at the prompt. */
const QUESTION_MARK =
  'with "?", which the prompt may take as a request for help: use batch -fileName, or check what was saved';

function renderGroup({
  rule,
  severity,
  objects,
  message,
  commands,
  incomplete,
}: FindingGroup): string {
  const named = objects
    .slice(0, MAX_OBJECTS)
    .map(({ name, line }) => (line === null ? name : `${name} (line ${String(line)})`));
  const more = objects.length - named.length;
  const list = more > 0 ? `${named.join(", ")} and ${String(more)} more` : named.join(", ");
  return [
    `${severity}: ${printableLine(list)}: ${printableLine(message)} (${rule})`,
    ...(commands.some((command) => command.includes("?")) ? [`    # ${QUESTION_MARK}`] : []),
    ...pasteLines({ commands: commands.slice(0, MAX_COMMANDS), incomplete }).map(
      (line) => `    ${line}`,
    ),
    ...(commands.length > MAX_COMMANDS
      ? [
          `    # ${String(commands.length - MAX_COMMANDS)} more: ${incomplete === null ? "--write-fixes, or " : ""}--format json`,
        ]
      : []),
  ].join("\n");
}

function total(groups: readonly FindingGroup[]): string {
  return `${counted(groups.length, "finding")} at ${counted(objectsOf(groups), "object")}`;
}

/** The location of a rule's examples and fix in the docs. */
export function ruleDocumentation(id: string): string {
  return `docs/lint.md#${id}`;
}

/** `lint --explain RULE`. */
export function renderRule({ id, severity, meaning }: Rule): string {
  return [
    `${id} (${severity})`,
    meaning,
    `An example, a near miss and the fix: ${ruleDocumentation(id)}.`,
    `To switch it off: "lint:ignore ${id}" in the object's -comment, or behind its line as "# lint:ignore ${id}";`,
    "or lint.ignore of a configuration, which --config names.",
    "",
  ].join("\n");
}
