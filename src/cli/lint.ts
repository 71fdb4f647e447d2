import { writeFile } from "node:fs/promises";
import { errorMessage } from "../lib/log.ts";
import { holdsNothing, MAX_NS_CONF_BYTES, parseNsConf } from "../adc/nsconf/import.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
import { decodedText } from "../lib/text-encoding.ts";
import { nameMatcher } from "../lib/glob.ts";
import { printableLine } from "../lib/printable.ts";
import type { Estate } from "../model/estate.ts";
import type { Finding } from "../lint/finding.ts";
import { fixBatch } from "../lint/fix-batch.ts";
import { groupFindings } from "../lint/group.ts";
import { fileIgnores, ignoredBy, isIgnoredInFile } from "../lint/ignore.ts";
import { ALL_RULES, GRAVITY, lint } from "../lint/lint.ts";
import { notesOf } from "../lint/notes.ts";
import { renderMatrix, type BlindSpotMatrix } from "../lint/matrix.ts";
import { renderJunit, renderSarif } from "../lint/render-reports.ts";
import { renderRule, renderText, ruleDocumentation } from "../lint/render-text.ts";
import { limitHeapGrowth } from "./heap-growth.ts";
import type { Rule } from "../lint/rule.ts";
import type { LintIgnore } from "../lint/settings.ts";
import type { Answer } from "../web/api/shapes.ts";
import { jsonPieces, withJsonOnFailure, writePieces, type Output } from "./output.ts";
import type { lintAnswer, ruleAnswer } from "./lint-answer.ts";

export type LintFormat = "text" | "json" | "sarif" | "junit";

export interface LintOptions {
  readonly format: LintFormat;
  /** Measure the blind-spot matrix against the lab and print it as Markdown instead of the findings. */
  readonly matrix: boolean;
  /** Lowest severity to report. */
  readonly severity: Finding["severity"];
  /** Only these rules; empty: all. */
  readonly rules: readonly string[];
  /** Only objects of this name, with `*`; null: all. */
  readonly object: string | null;
  /** Configuration file whose `lint.ignore` applies; null: none. */
  readonly config: string | null;
  /** Notes affect the exit status too. */
  readonly strict: boolean;
  /** File for the commands of the complete fixes; the undo batch is written to `FILE.undo`. */
  readonly writeFixes: string | null;
}

/**
 * `lint FILE`: finds blind spots and mistakes of a configuration, each with the command that fixes it. Exit status 0: none, or
 * notes only; 1: errors or warnings, with `strict` notes too; 3: unreadable, or the fixes could not be written.
 */
export function runLint(file: string, options: LintOptions, output: Output): Promise<number> {
  return options.format === "json"
    ? withJsonOnFailure({}, output, (listening) => lintFile(file, options, listening))
    : lintFile(file, options, output);
}

async function lintFile(file: string, options: LintOptions, output: Output): Promise<number> {
  for (const name of options.rules) {
    if (ruleNamed(name, output) === null) {
      return 3;
    }
  }
  let text: string;
  try {
    text = await readTextUpTo(file, MAX_NS_CONF_BYTES, decodedText);
  } catch (error) {
    output.err(`${file}: ${errorMessage(error)}\n`);
    return 3;
  }
  limitHeapGrowth({ characters: text.length });
  const estate = parseNsConf(text, { adc: "adc" });
  if (holdsNothing(estate)) {
    output.err(`${file}: no NetScaler commands found\n`);
    return 3;
  }
  const config =
    options.config === null
      ? null
      : await (await import("./read-config.ts")).readConfig(options.config, output);
  if (config === null && options.config !== null) {
    return 3;
  }
  const wanted = filterOf(text, options, config?.lint.ignore ?? []);
  const found = lint(estate);
  if (options.object !== null && !hasObject(options.object, estate, found)) {
    output.err(`${printableLine(`${file}: it has no object ${options.object}`)}\n`);
    return 3;
  }
  const findings = found.filter(wanted);
  const notes = isFiltered(options) ? [] : notesOf(estate);
  const matrix = options.matrix ? await measuredMatrix(text, estate, findings) : null;
  const error =
    options.writeFixes === null
      ? null
      : await writeFixes(options.writeFixes, text, findings, wanted);
  if (options.format === "json") {
    const { findings: causes, ...more } = lintJson(findings, notes, matrix, estate.passedOver);
    writePieces(jsonPieces({ error }, ["findings", causes], more), output);
  } else {
    output.out(renderFindings(findings, notes, matrix, options.format, { file, estate }));
  }
  if (error !== null) {
    output.err(`${error}\n`);
    return 3;
  }
  const counted = findings.filter(({ severity }) => options.strict || severity !== "info");
  return counted.length === 0 ? 0 : 1;
}

/** `lint --explain RULE`, as text or JSON. Exit status 0, or 3 for an unknown rule. */
export function explainRule(name: string, format: LintFormat, output: Output): Promise<number> {
  const explained = (to: Output): Promise<number> => {
    const rule = ruleNamed(name, to);
    if (rule !== null) {
      to.out(format === "json" ? `${JSON.stringify(ruleJson(rule), null, 1)}\n` : renderRule(rule));
    }
    return Promise.resolve(rule === null ? 3 : 0);
  };
  return format === "json" ? withJsonOnFailure({}, output, explained) : explained(output);
}

/** Null, with a message on stderr, for an unknown rule. */
function ruleNamed(name: string, output: Output): Rule | null {
  const rule = ALL_RULES.find(({ id }) => id === name);
  if (rule === undefined) {
    output.err(`there is no rule ${name}; docs/lint.md lists them\n`);
    return null;
  }
  return rule;
}

function filterOf(
  text: string,
  { severity, rules, object }: LintOptions,
  ignore: readonly LintIgnore[],
): (finding: Finding) => boolean {
  const ignores = fileIgnores(text);
  const ignored = ignoredBy(ignore);
  const named = nameMatcher([object ?? "*"]);
  return (finding) =>
    GRAVITY[finding.severity] <= GRAVITY[severity] &&
    (rules.length === 0 || rules.includes(finding.rule)) &&
    named(finding.object) &&
    !isIgnoredInFile(ignores, finding) &&
    !ignored(finding);
}

/** Whether only some findings are wanted: the notes then say nothing about them. */
function isFiltered({ severity, rules, object }: LintOptions): boolean {
  return severity !== "info" || rules.length > 0 || object !== null;
}

/** Whether an object of the file, or a finding, matches the name. */
function hasObject(pattern: string, estate: Estate, found: readonly Finding[]): boolean {
  const isNamed = nameMatcher([pattern]);
  const { servers, services, monitors, lbVservers, csVservers, policies, actions, gslb } = estate;
  const { authenticationVservers, certKeys, sslProfiles, netProfiles, acls } = estate;
  return (
    [
      ...[servers, services, monitors, lbVservers, csVservers, policies, actions, acls, certKeys],
      ...[authenticationVservers, sslProfiles, netProfiles],
      ...[gslb.sites, gslb.services, gslb.vservers],
    ].some((table) => [...table.keys()].some(isNamed)) ||
    found.some(({ object }) => isNamed(object))
  );
}

/** Writes the fixes and the undo batch; returns an error or null. */
async function writeFixes(
  file: string,
  text: string,
  findings: readonly Finding[],
  wanted: (finding: Finding) => boolean,
): Promise<string | null> {
  const batch = fixBatch(text, findings, wanted);
  try {
    await writeFile(file, batchFile(batch.commands));
    await writeFile(`${file}.undo`, batchFile(batch.undo));
    return null;
  } catch (error) {
    return `${file}: ${errorMessage(error)}`;
  }
}

function ruleJson({ id, severity: usual, meaning }: Rule): Answer<typeof ruleAnswer> {
  const documentation = ruleDocumentation(id);
  return { error: null, rule: id, severity: usual, meaning, documentation };
}

function lintJson(
  findings: readonly Finding[],
  notes: string[],
  matrix: BlindSpotMatrix | null,
  passedOver = 0,
): Answer<typeof lintAnswer> {
  const groups = groupFindings(findings);
  const more = matrix === null ? {} : { matrix };
  return { findings: groups, notes, passed_over: passedOver, ...more };
}

function renderFindings(
  findings: readonly Finding[],
  notes: readonly string[],
  matrix: BlindSpotMatrix | null,
  format: Exclude<LintFormat, "json">,
  { file, estate }: { readonly file: string; readonly estate: Estate },
): string {
  const groups = groupFindings(findings);
  switch (format) {
    case "sarif":
      return renderSarif(groups, ALL_RULES, file, notes);
    case "junit":
      return renderJunit(groups, file, notes);
    case "text":
      return matrix === null
        ? renderText(groups, ALL_RULES, notes, estate.passedOver)
        : renderMatrix(matrix);
  }
}

function batchFile(commands: readonly string[]): string {
  return commands.map((command) => `${command}\n`).join("");
}

/**
 * Runs the configuration's monitors, and those proposed by lint, against the lab. Loads the lab only here, since nothing else
 * in lint opens a socket.
 */
async function measuredMatrix(
  text: string,
  estate: Estate,
  findings: readonly Finding[],
): Promise<BlindSpotMatrix> {
  const { measureBlindSpots } = await import("../../lab/blind-spots/measure.ts");
  const fixes = findings.flatMap(({ commands, complete }) => (complete ? commands : []));
  const advised = parseNsConf([text, ...fixes].join("\n"), { adc: estate.adc });
  return measureBlindSpots({ estate, advised });
}
