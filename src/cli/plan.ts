import { errorMessage } from "../lib/error-code.ts";
import { planJson, planRow, type PlanRow } from "../agent/plan/plan-json.ts";
import { planProbes } from "../agent/plan/plan.ts";
import type { PlannedProbe } from "../agent/plan/planned-probe.ts";
import { BARE_SETTINGS, planSettings } from "../agent/plan/settings.ts";
import { importOnce, resolveOnce, networkOf } from "../agent/import-once.ts";
import type { Estate } from "../model/estate.ts";
import { parseNsConf, MAX_NS_CONF_BYTES } from "../adc/nsconf/import.ts";
import { printableLine } from "../lib/printable.ts";
import { readTextUpTo } from "../lib/bounded-file.ts";
import { readConfig } from "./read-config.ts";
import { columns, type Output } from "./output.ts";
import { untilInterrupted } from "./run.ts";

export interface PlanOptions {
  readonly nsConf: string | null;
  readonly config: string | null;
  readonly json: boolean;
}

/** `plan`: every probe that would run, and every monitor that cannot be repeated. 0; 1 if the input could not be read. */
export async function runPlan(options: PlanOptions, output: Output): Promise<number> {
  const read =
    options.nsConf !== null
      ? await fromNsConf(options.nsConf, output)
      : await fromConfig(options.config ?? "", output);
  if (read === null) {
    return 1;
  }
  const { plan, estates } = read;
  if (options.json) {
    output.out(`${JSON.stringify(planJson(plan, estates), null, 1)}\n`);
    return 0;
  }
  output.out(`${planTable(plan)}\n`);
  for (const diagnostic of estates.flatMap((estate) => estate.diagnostics)) {
    const where = diagnostic.line === null ? "" : `line ${String(diagnostic.line)}: `;
    const { severity, message, rule } = diagnostic;
    output.out(`${printableLine(`${severity}: ${where}${message} (${rule})`)}\n`);
  }
  return 0;
}

interface ReadPlan {
  readonly plan: readonly PlannedProbe[];
  readonly estates: readonly Estate[];
}

async function fromNsConf(file: string, output: Output): Promise<ReadPlan | null> {
  let text: string;
  try {
    text = await readTextUpTo(file, MAX_NS_CONF_BYTES);
  } catch (error) {
    output.err(`${file}: ${errorMessage(error)}\n`);
    return null;
  }
  const estate = parseNsConf(text, { adc: "adc" });
  return { plan: planProbes(estate, BARE_SETTINGS), estates: [estate] };
}

async function fromConfig(file: string, output: Output): Promise<ReadPlan | null> {
  const config = await readConfig(file, output);
  if (config === null) {
    return null;
  }
  const plan: PlannedProbe[] = [];
  const estates: Estate[] = [];
  const resolved = await resolveOnce(config, networkOf(config));
  for (const adc of config.adcs) {
    const imported = await untilInterrupted((interrupted) => importOnce(config, adc, interrupted));
    if (imported.kind === "failed") {
      output.err(`${printableLine(`${adc.name}: ${imported.message}`)}\n`);
      return null;
    }
    estates.push(imported.estate);
    plan.push(...planProbes(imported.estate, planSettings(config, adc, resolved)));
  }
  return { plan, estates };
}

function planTable(plan: readonly PlannedProbe[]): string {
  const rows = plan
    .map(planRow)
    .map((row) => [
      row.vantage,
      row.vservers.join(",") || "-",
      row.server ?? "-",
      `${row.address ?? "-"}:${String(row.port ?? "-")}`,
      row.monitor ?? row.transaction ?? "-",
      row.type,
      seconds(row.interval_ms),
      row.supported ? whatItSends(row) : `not repeated: ${row.unsupported_reason ?? ""}`,
    ]);
  return columns([
    ["VANTAGE", "VSERVERS", "SERVER", "ADDRESS", "PROBE", "TYPE", "EVERY", "WHAT"],
    ...rows,
  ]);
}

function whatItSends(row: PlanRow): string {
  const parts = [
    row.secure ? "TLS" : null,
    row.request ?? (row.send === null ? null : JSON.stringify(row.send)),
    row.recv === null ? null : `expects ${JSON.stringify(row.recv)}`,
    row.resp_codes === null ? null : `expects ${row.resp_codes.join(" ")}`,
    row.reverse ? "reversed" : null,
    row.note,
  ];
  return parts.filter((part) => part !== null).join(", ");
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${String(ms / 1000)}s` : `${String(ms)}ms`;
}
