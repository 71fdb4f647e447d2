import { importOnce, networkOf, resolveOnce } from "../agent/import-once.ts";
import { ownAddressesTowards } from "../agent/own-addresses.ts";
import { eachPlanned, idleSettings, type PlannedEstate } from "../agent/plan/plan.ts";
import { planSettings } from "../agent/plan/settings.ts";
import { formatProblem } from "../config/problems.ts";
import { printableLine } from "../lib/printable.ts";
import type { PlannedProbe } from "../agent/plan/planned-probe.ts";
import type { Estate } from "../model/estate.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";

export interface ReadPlan {
  /** Created while it is read, so it can be read only once. */
  readonly plan: Iterable<PlannedProbe>;
  readonly estates: readonly Estate[];
  /** What the configuration selects that does not exist, one sentence each: the plan is shown anyway. */
  readonly idle: readonly string[];
}

/** The plan of every ADC that a configuration names; null when one cannot be read. */
export async function planOfConfig(file: string, output: Output): Promise<ReadPlan | null> {
  const config = await readConfig(file, output);
  if (config === null) {
    return null;
  }
  const planned: PlannedEstate[] = [];
  const network = networkOf(config);
  const resolved = await resolveOnce(config, network);
  for (const adc of config.adcs) {
    const imported = await untilInterrupted((interrupted) => importOnce(config, adc, interrupted));
    if (imported.kind === "failed") {
      output.err(`${printableLine(`${adc.name}: ${imported.message}`)}\n`);
      return null;
    }
    const own = await ownAddressesTowards(imported.estate, config, network);
    const settings = planSettings(config, adc, resolved, own);
    planned.push({ estate: imported.estate, settings });
  }
  const idle = idleSettings(config, planned).map(formatProblem);
  for (const problem of idle) {
    output.err(`${printableLine(`error: ${problem}`)}\n`);
  }
  return {
    plan: eachPlanned(planned),
    estates: planned.map(({ estate }) => estate),
    idle,
  };
}
