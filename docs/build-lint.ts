import type { Finding } from "../src/lint/finding.ts";
import type { Rule } from "../src/lint/rule.ts";
import { anchored } from "./markdown.ts";

/** A rule, with an example where one is short enough to print. */
export interface RuleEntry {
  readonly rule: Rule;
  readonly example: RuleExample | null;
}

/** A configuration that triggers a rule, a similar one that does not, and lint's finding for the first. */
export interface RuleExample {
  readonly fires: string;
  readonly misses: string;
  readonly finding: Finding;
}

const INTRODUCTION = `# What lint finds

\`adc-witness lint ns.conf\` reads a saved configuration, or a captured session, and sends nothing anywhere. It prints one
finding for each cause with the objects that have it, the worst first, each with the commands that mend it.

- **Commands** are made from the object that they mend and checked against the grammar of the command reference; a monitor
  that takes another's place keeps its destination, headers, intervals and profiles. Tests apply each of them to thousands
  of configurations and read those again: the finding is gone, nothing else has changed.
- *incomplete* marks what only you know, in angle brackets. Such commands add, and take nothing away.
- \`--write-fixes FILE\` writes the complete ones as a batch file, and \`FILE.undo\`, which takes them back.
- \`--severity warning\`, \`--rule tcp_only\`, \`--object 'svc*'\` show less; \`--explain RULE\` shows one rule;
  \`--format json|sarif|junit\` is for programs, and \`--explain RULE --json\` too.
- A part of a configuration is judged as one: what a session, a page or pasted commands name and do not hold is a note that
  says so, and no monitor is removed, as the rest may bind it. A name that is all but another stays an error.
- The exit status is 1 for errors and warnings, with \`--strict\` for notes too, 3 where the file cannot be read, or has no object as \`--object\`
  names.
- \`lint:ignore RULE\` switches a rule off: in the \`-comment\` of an object, as \`# lint:ignore RULE\` behind a line, or on a
  line of its own for the whole file. Several rules with commas; \`*\` is all of them.

\`error\`: clients are hurt, or a monitor is void. \`warning\`: failures go unseen. \`info\`: worth knowing.`;

/** docs/lint.md. */
export function lintPage(families: readonly (readonly [string, readonly RuleEntry[]])[]): string {
  const parts = families.flatMap(([title, examples]) => [
    `## ${title}`,
    "",
    ...examples.flatMap(section),
  ]);
  return `${[INTRODUCTION, "", ...parts].join("\n").trimEnd()}\n`;
}

function section({ rule, example }: RuleEntry): string[] {
  return [
    ...anchored(3, rule.id),
    `*${rule.severity}.* ${prose(rule.meaning)}`,
    "",
    ...(example === null ? [] : shown(example)),
  ];
}

function shown({ fires, misses, finding }: RuleExample): string[] {
  const fix =
    finding.commands.length === 0
      ? ["No command mends it: see the sentence above."]
      : [
          finding.complete ? "The fix:" : "The fix, incomplete:",
          "",
          ...block(finding.commands.join("\n")),
        ];
  return [
    ...block(fires),
    "",
    `${finding.object}: ${prose(finding.message)}`,
    "",
    ...fix,
    "",
    "Not found in:",
    "",
    ...block(misses),
    "",
  ];
}

function block(text: string): string[] {
  return ["```text", text, "```"];
}

function prose(text: string): string {
  return text.replace(/[<>*_`\\]/g, (character) => `\\${character}`);
}
