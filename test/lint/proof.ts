import fc from "fast-check";
import { expect } from "vitest";
import { differences, readWith, stepFailures } from "./proof-steps.ts";
import { randomEstate } from "./random-estate.ts";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import type { PlanRow } from "../../src/agent/plan/plan-answer.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { readStatements } from "../../src/adc/nsconf/statements.ts";
import type { Finding } from "../../src/lint/finding.ts";
import { fixBatch } from "../../src/lint/fix-batch.ts";
import { groupFindings } from "../../src/lint/group.ts";
import { ALL_RULES, lint } from "../../src/lint/lint.ts";
import { renderText } from "../../src/lint/render-text.ts";
import { SHALLOW_MONITOR_RULES } from "../../src/lint/shallow-monitors.ts";

/**
 * Applies each finding's commands to the configuration that it was made from, reads that again, and says what is not as it
 * must be: the finding gone, nothing new that hurts, every other probe the same, no command refused or leaving a service
 * without a monitor on the way, the same result if it is pasted twice, and the undo restoring every object.
 */
export function proofFailures(text: string): string[] {
  const before = read(text);
  const findings = lint(before);
  const rows = planOf(before);
  return [
    ...findings.flatMap((finding) =>
      failuresOf(text, before, findings, rows, finding).map(
        (failure) =>
          `${finding.rule} ${finding.object}: ${failure}\n${finding.commands.join("\n")}`,
      ),
    ),
    ...asPrinted(text, findings),
    ...wholeOutput(text, before, findings),
    ...together(text, findings, rows),
  ];
}

function read(text: string): Estate {
  return parseNsConf(text, { adc: "test" });
}

function key({ rule, object }: Finding): string {
  return `${rule} ${object}`;
}

function failuresOf(
  text: string,
  before: Estate,
  findings: readonly Finding[],
  rows: readonly PlanRow[],
  finding: Finding,
): string[] {
  const { commands, complete, undo } = finding;
  if (commands.length === 0) {
    return [];
  }
  if (!complete) {
    return incompleteFailures(text, before, commands);
  }
  const failures: string[] = [];
  if (commands.some((command) => /<[a-z][^>]*>/i.test(command) && !text.includes("<"))) {
    failures.push("a complete fix holds a blank");
  }
  const after = readWith(text, commands);
  const found = lint(after);
  failures.push(...stepFailures(text, commands), ...reachesOthers(before, commands));
  failures.push(
    ...differences(after, readWith(text, [...commands, ...commands])).map(
      (one) => `pasted twice: ${one}`,
    ),
  );
  const same = (one: Finding): boolean =>
    key(one) === key(finding) && one.message === finding.message;
  if (found.filter(same).length >= findings.filter(same).length) {
    failures.push("the finding is still there");
  }
  failures.push(...newTrouble(findings, found, commands));
  const touched = touchedNames(commands);
  failures.push(...changedRows(rows, planOf(after), touched));
  if (!undo.some((command) => command.startsWith("#"))) {
    const back = readWith(text, [...commands, ...undo]);
    failures.push(
      ...changedRows(rows, planOf(back), new Set()).map((one) => `after the undo ${one}`),
      ...differences(before, back).map((one) => `not undone: ${one}`),
      ...stepFailures(text, undo, commands).map((one) => `in the undo ${one}`),
    );
  }
  return failures;
}

/**
 * All complete fixes pasted as they are printed, without reading the configuration again between them: none is refused,
 * and no service has a mistake that none of its monitors had.
 */
function asPrinted(text: string, findings: readonly Finding[]): string[] {
  const commands = findings
    .filter(({ complete }) => complete)
    .flatMap((finding) => finding.commands);
  const before = read(text);
  const after = readWith(text, commands);
  const had = new Set(findings.map(key));
  const worse = lint(after)
    // A built-in may be right for one of its services and wrong for another.
    .filter(
      ({ severity, object }) =>
        severity === "error" && after.monitors.get(object)?.builtIn === false,
    )
    .flatMap(({ rule, object }) =>
      [...after.services.values()]
        .filter(({ monitors }) => monitors.some(({ monitor }) => monitor === object))
        .filter(
          ({ name }) =>
            before.services
              .get(name)
              ?.monitors.some(({ monitor }) => had.has(`${rule} ${monitor}`)) !== true,
        )
        .map(({ name }) => `${name} now has ${rule} by ${object}`),
    );
  return [...stepFailures(text, commands), ...worse].map(
    (one) => `all pasted: ${one}\n${commands.join("\n")}`,
  );
}

/**
 * All that `lint` prints below its findings, pasted unread: what is incomplete changes nothing, so that the result is that of
 * the complete commands alone.
 */
function wholeOutput(text: string, before: Estate, findings: readonly Finding[]): string[] {
  const groups = groupFindings(findings);
  const printed = renderText(groups, ALL_RULES)
    .split("\n")
    .filter((line) => line.startsWith("    "));
  const meant = new Set(
    groups.filter(({ complete }) => complete).flatMap(({ commands }) => commands),
  );
  const run = printed.map((line) => line.trim()).filter((line) => !line.startsWith("#"));
  const after = readWith(text, printed);
  return [
    ...run.filter((line) => !meant.has(line)).map((line) => `runs although incomplete: ${line}`),
    ...differences(after, readWith(text, run)).map((one) => `a comment changes ${one}`),
    ...(run.length === 0 ? differences(before, after) : []),
    ...newDiagnostics(before, after),
  ].map((one) => `the whole output pasted: ${one}\n${printed.join("\n")}`);
}

/** What the importer complains about only after these commands. */
function newDiagnostics(before: Estate, after: Estate): string[] {
  const known = new Set(before.diagnostics.map(({ rule, line }) => `${rule} ${String(line)}`));
  return after.diagnostics
    .filter(
      ({ rule, line }) =>
        ["broken_line", "incomplete_statement", "stray_words", "unreadable_value"].includes(rule) &&
        !known.has(`${rule} ${String(line)}`),
    )
    .map(({ message }) => `not read: ${message}`);
}

/** All complete fixes one after the other, as `--write-fixes` writes them, and all of them taken back. */
function together(text: string, findings: readonly Finding[], rows: readonly PlanRow[]): string[] {
  const { commands, undo } = fixBatch(text, findings, () => true);
  const names = commands.flatMap(
    (command) => /^add lb monitor (".*?"|\S+)/.exec(command)?.[1] ?? [],
  );
  const after = readWith(text, commands);
  const restored = readWith(text, [...commands, ...undo]);
  const back = undo.some((command) => command.startsWith("#"))
    ? []
    : [
        ...changedRows(rows, planOf(restored), new Set()),
        ...differences(read(text), restored).map((one) => `not undone: ${one}`),
      ];
  const failures = [
    ...(new Set(names).size < names.length ? ["two fixes add a monitor of one name"] : []),
    ...stepFailures(text, commands),
    ...newTrouble(findings, lint(after), commands),
    ...back.map((one) => `after the undo ${one}`),
  ];
  return failures.map(
    (one) => `all together: ${one}\n${commands.join("\n")}\n--\n${undo.join("\n")}`,
  );
}

const JUDGES_WHAT_DECIDES: ReadonlySet<string> = new Set([
  ...SHALLOW_MONITOR_RULES.map(({ id }) => id),
  "monitor_of_another_directory",
]);

/**
 * A monitor that takes another's place inherits what else was wrong with it, and one that is switched on is judged from then
 * on: neither is new.
 */
function newTrouble(
  before: readonly Finding[],
  after: readonly Finding[],
  commands: readonly string[],
): string[] {
  const known = new Set(before.map(key));
  const statements = [...readStatements(commands.join("\n"))];
  const placed = new Set(
    statements
      .filter(({ verb }) => verb === "bind")
      .flatMap(({ keys }) => keys.get("monitorname") ?? []),
  );
  const switchedOn = statements.some(
    ({ verb, keys }) => verb === "enable" || keys.get("state")?.[0] === "ENABLED",
  );
  const replaced = new Set(
    statements
      .filter(({ verb }) => verb === "unbind")
      .flatMap(({ keys }) => keys.get("monitorname") ?? []),
  );
  const inherited = new Set(
    before.filter(({ object }) => replaced.has(object)).map(({ rule }) => rule),
  );
  return after
    .filter((one) => one.severity !== "info" && !known.has(key(one)))
    .filter((one) => !(placed.has(one.object) && inherited.has(one.rule)))
    .filter((one) => !(switchedOn && JUDGES_WHAT_DECIDES.has(one.rule)))
    .map((one) => `new: ${one.severity} ${key(one)} (${one.message})`);
}

/** How often a monitor asks is its own matter; what it asks, and where, must not change for GSLB and routes. */
const OWN_MATTERS: ReadonlySet<string> = new Set(
  "interval resptimeout retries failureretries lrtm".split(" "),
);

function reachesOthers(before: Estate, commands: readonly string[]): string[] {
  const elsewhere = new Set([
    ...(before.monitorsUsedElsewhere ?? []),
    ...[...before.gslb.services.values()].flatMap(({ monitors }) =>
      monitors.map(({ monitor }) => monitor),
    ),
  ]);
  return [...readStatements(commands.join("\n"))]
    .filter(({ verb, object, words: [name = ""] }) => {
      return verb === "set" && object === "monitor" && elsewhere.has(name);
    })
    .flatMap(({ keys, words: [name = ""] }) =>
      [...keys.keys()]
        .filter((option) => !OWN_MATTERS.has(option))
        .map((option) => `-${option} of ${name} changes for a GSLB service or a route, too`),
    );
}

/** Nothing that works is taken away; with its blanks filled the command is one that the importer reads. */
function incompleteFailures(text: string, before: Estate, commands: readonly string[]): string[] {
  const taking = commands.filter((command) => /^(unbind|rm|disable) /.test(command));
  const filled = commands.map((command) => command.replace(/<[^<>]+>/g, "1"));
  const after = readWith(text, filled);
  const lost = [...before.services.values()].flatMap(({ name, monitors }) =>
    monitors.filter(
      ({ monitor, synthesised }) =>
        !synthesised &&
        after.services.get(name)?.monitors.some((one) => one.monitor === monitor) !== true,
    ),
  );
  return [
    ...taking.map((command) => `incomplete, and yet: ${command}`),
    ...newDiagnostics(before, after),
    ...lost.map(({ monitor }) => `incomplete, and ${monitor} is unbound`),
  ];
}

function touchedNames(commands: readonly string[]): ReadonlySet<string> {
  const statements = [...readStatements(commands.join("\n"))];
  return new Set(
    statements.flatMap(({ words, keys }) => [
      ...words,
      ...(keys.get("monitorname") ?? []),
      ...(keys.get("policyname") ?? []),
    ]),
  );
}

function planOf(estate: Estate): PlanRow[] {
  return [...planJson(planProbes(estate, BARE_SETTINGS), [estate]).probes];
}

function rowKey(row: PlanRow): string {
  return [
    row.vantage,
    row.vservers,
    row.adc_service,
    row.server,
    row.port,
    row.monitor,
    row.transaction,
  ].join("|");
}

/** Rows of before that are gone or different, but for those about an object that the commands name. */
function changedRows(
  before: readonly PlanRow[],
  after: readonly PlanRow[],
  touched: ReadonlySet<string>,
): string[] {
  const now = new Map(after.map((row) => [rowKey(row), row]));
  // What a vserver is asked follows from the monitors behind it.
  const behind = new Set(
    before
      .filter(
        ({ adc_service, monitor }) => touched.has(adc_service ?? "") || touched.has(monitor ?? ""),
      )
      .flatMap(({ vservers }) => vservers),
  );
  return before.flatMap((row) => {
    const about = [row.adc_service, row.monitor, ...row.vservers];
    if (row.vantage === "vip" && row.vservers.some((name) => behind.has(name))) {
      return [];
    }
    if (about.some((name) => name !== null && touched.has(name)) || row.kind === "transaction") {
      return [];
    }
    const same = now.get(rowKey(row));
    if (same === undefined) {
      return [`the probe ${rowKey(row)} is gone`];
    }
    // A remark may be about another monitor of its type; what is asked is not in it.
    const asked = (one: PlanRow): string => JSON.stringify({ ...one, note: null });
    return asked(same) === asked(row) ? [] : [`the probe ${rowKey(row)} changed`];
  });
}

/** The same of so many estates that fast-check makes. */
export function proveRandomEstates(count: number): void {
  fc.assert(
    fc.property(randomEstate, (text) => {
      const failures = proofFailures(text);
      expect(failures, failures.join("\n\n")).toEqual([]);
    }),
    { numRuns: count, includeErrorInReport: true },
  );
}
