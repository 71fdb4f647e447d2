import { pasteLines } from "../src/lint/change.ts";
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

\`adc-witness lint ns.conf\` reads a saved configuration or a captured session, and makes no connections. It prints one
finding for each cause with the objects that have it, sorted by severity, each with the commands that fix it.

- **Commands** are built from the object that they fix and checked against the grammar of the command reference. A monitor
  that replaces another keeps its destination, headers, intervals and profiles. Tests apply each fix to thousands of
  configurations and read them again: the finding is gone, and nothing else has changed.
- *incomplete*: the commands contain placeholders in angle brackets for values that only you know, or need a decision. They
  are printed as comments (\`# add lb monitor …\`), which the ADC passes over, so that nothing happens if they are pasted
  unread: fill in the placeholders, then remove the \`# \`. They only add or set something, and remove nothing. JSON and
  SARIF have them without \`# \`, with \`complete\` false and the reason in \`incomplete\`.
- \`--write-fixes FILE\` writes the complete fixes as a batch file, and \`FILE.undo\`, which undoes them.
- If two fixes conflict, only the first has commands; the other finding says to lint again after it. \`--write-fixes\` does
  that itself.
- A command that contains \`?\` belongs in a batch file (\`batch -fileName\`): at the prompt \`?\` may call the help.
- \`--severity warning\`, \`--rule tcp_only\`, \`--object 'svc*'\` filter the output; \`--explain RULE\` explains one rule.
  \`--format json|sarif|junit\` and \`--explain RULE --json\` are for programs.
- A partial configuration is treated as one. If a session, a page or pasted commands refer to objects that they do not
  contain, a note after the findings names those, and no removal of monitors is proposed, because the missing part may bind
  them. A name that is one typing mistake away from another stays an error, and one for which an unused object of the text
  may be meant stays a finding. Separate examples of one page, which begin anew with the same names, are no mistakes either.
- Notes are no findings: commands that the ADC rejected, statements about health that are not examined, values that a guide
  leaves to the reader, and other admin partitions. JSON has them under \`notes\`.
- The exit status is 1 for errors and warnings (with \`--strict\` also for information), and 3 if the file cannot be read or has no
  object that \`--object\` matches.
- \`lint:ignore RULE\` switches a rule off: in the \`-comment\` of an object, as \`# lint:ignore RULE\` after a command, or on a
  separate line for the whole file. Separate several rules with commas; \`*\` means all.

\`error\`: clients are affected, or a monitor has no effect. \`warning\`: failures go unnoticed. \`info\`: worth knowing.`;

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
      ? ["No command can fix it: see the text above."]
      : [
          finding.complete ? "The fix:" : "The fix, incomplete:",
          "",
          ...block(pasteLines(finding).join("\n")),
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
