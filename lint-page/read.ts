import { planProbes } from "../src/agent/plan/plan.ts";
import { createMonitorReader, planRow } from "../src/agent/plan/planned-probe.ts";
import { BARE_SETTINGS } from "../src/agent/plan/settings.ts";
import { createPlanSummary, requestWords } from "../src/cli/plan-text.ts";
import { holdsNothing, MAX_NS_CONF_BYTES, parseNsConf } from "../src/adc/nsconf/import.ts";
import { counted } from "../src/lib/counted.ts";
import { withPort } from "../src/lib/ip.ts";
import { printableLine } from "../src/lib/printable.ts";
import { pasteLines } from "../src/lint/change.ts";
import type { Finding } from "../src/lint/finding.ts";
import { fixBatch } from "../src/lint/fix-batch.ts";
import { notesOf } from "../src/lint/notes.ts";
import { groupFindings, type FindingGroup } from "../src/lint/group.ts";
import { fileIgnores, isIgnoredInFile } from "../src/lint/ignore.ts";
import { ALL_RULES, lint } from "../src/lint/lint.ts";

/** The results for a file in the order of delivery: the first is shown while the others are computed. */
export type Answer = Refusal | Findings | Plan | Fixes;

/** The file holds nothing that could be read. */
export interface Refusal {
  readonly kind: "refusal";
  readonly message: string;
}

export interface Findings {
  readonly kind: "findings";
  /** What was read: `["12 services", …]`, with the firmware first if the file names it. */
  readonly facts: readonly string[];
  readonly causes: readonly Cause[];
}

/** One cause with all that has it, ready to be shown: no text steers the reader's screen. */
export interface Cause {
  readonly rule: string;
  readonly severity: Finding["severity"];
  readonly meaning: string;
  readonly message: string;
  readonly objects: readonly { readonly name: string; readonly line: number | null }[];
  /** As they may be pasted: those that need something from the reader are comments, with what that is above them. */
  readonly commands: readonly string[];
}

export interface Plan {
  readonly kind: "plan";
  readonly totals: string;
  /** Members that a bare port decides for, in a sentence. */
  readonly bare: string | null;
  readonly rows: readonly PlanLine[];
}

/** The cells of a row in the order of {@link PLAN_COLUMNS}, and whether the probe would run. */
export interface PlanLine {
  readonly cells: readonly string[];
  readonly runs: boolean;
}

export const PLAN_COLUMNS = [
  "From",
  "Service",
  "Vservers",
  "Server",
  "Address",
  "Probe",
  "Type",
  "Every",
  "What it sends, or why it does not run",
] as const;

/** The batch of the complete fixes and its undo. */
export interface Fixes {
  readonly kind: "fixes";
  readonly commands: readonly string[];
  readonly undo: readonly string[];
}

/** Reads a configuration; between two answers others may run. Never throws for anything that a file may hold. */
export function* read(text: string): Generator<Answer, void, undefined> {
  if (text.length > MAX_NS_CONF_BYTES) {
    yield refusal("The file is larger than 64 MiB, which no saved configuration is.");
    return;
  }
  const estate = parseNsConf(text, { adc: "adc" });
  if (holdsNothing(estate)) {
    yield refusal("No NetScaler command was found in this file. It should be a saved ns.conf.");
    return;
  }
  const ignores = fileIgnores(text);
  const wanted = (finding: Finding): boolean => !isIgnoredInFile(ignores, finding);
  const findings = lint(estate).filter(wanted);
  const { firmware, services, monitors, lbVservers, csVservers } = estate;
  const members = [...services.values()].reduce((sum, service) => sum + service.members.length, 0);
  yield {
    kind: "findings",
    facts: [
      ...(firmware === null ? [] : [printableLine(firmware.text)]),
      counted(members, "member"),
      counted(services.size, "service"),
      counted(monitors.size, "monitor"),
      counted(lbVservers.size + csVservers.size, "vserver"),
      ...notesOf(estate).map(printableLine),
    ],
    causes: groupFindings(findings).map(causeOf),
  };
  const plan = planProbes(estate, BARE_SETTINGS);
  const reader = createMonitorReader();
  const summary = createPlanSummary();
  const rows = plan.map((probe): PlanLine => {
    const row = planRow(probe, reader);
    summary.add(probe, row);
    return {
      runs: row.supported,
      cells: [
        row.vantage,
        row.adc_service ?? "",
        row.vservers.join(", "),
        row.server ?? "",
        row.supported ? withPort(row.address ?? "", row.port ?? "") : (row.address ?? ""),
        row.monitor ?? row.transaction ?? "",
        row.type,
        `${String(row.interval_ms / 1_000)} s`,
        row.unsupported_reason ?? requestWords(probe, row),
      ].map(printableLine),
    };
  });
  yield { kind: "plan", totals: summary.totals(), bare: summary.bareMembers(), rows };
  yield { kind: "fixes", ...fixBatch(text, findings, wanted) };
}

function refusal(message: string): Refusal {
  return { kind: "refusal", message };
}

const MEANINGS: ReadonlyMap<string, string> = new Map(
  ALL_RULES.map(({ id, meaning }) => [id, meaning]),
);

function causeOf(group: FindingGroup): Cause {
  const { rule, severity, message, objects } = group;
  return {
    rule,
    severity,
    meaning: MEANINGS.get(rule) ?? rule,
    message: printableLine(message),
    objects: objects.map(({ name, line }) => ({ name: printableLine(name), line })),
    commands: pasteLines(group),
  };
}
