import { printableLine } from "../lib/printable.ts";
import { jsonPieces, withJsonOnFailure, writePieces, type Output } from "./output.ts";
import type { ReadPlan } from "./plan-of-config.ts";
import { planRows, planText, selectProbes, WHOLE_PLAN, type PlanFilter } from "./plan-text.ts";
import { errorMessage } from "../lib/log.ts";
import { eachPlanned } from "../agent/plan/plan.ts";
import { BARE_SETTINGS } from "../agent/plan/settings.ts";
import { shownDiagnostic } from "../adc/diagnostic-list.ts";
import { parseNsConf, MAX_NS_CONF_BYTES } from "../adc/nsconf/import.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
import { decodedText } from "../lib/text-encoding.ts";
import { limitHeapGrowth } from "./heap-growth.ts";

export interface PlanOptions {
  readonly nsConf: string | null;
  readonly config: string | null;
  readonly json: boolean;
  /** Absent: the whole plan. */
  readonly filter?: PlanFilter;
}

/** `plan`: every probe that would run, and every monitor that cannot be repeated. 0; 1 if the input could not be read, or selects nothing where it should. */
export function runPlan(options: PlanOptions, output: Output): Promise<number> {
  return options.json
    ? withJsonOnFailure({}, output, (listening) => plan(options, listening))
    : plan(options, output);
}

async function plan(options: PlanOptions, output: Output): Promise<number> {
  const read =
    options.nsConf !== null
      ? await fromNsConf(options.nsConf, output)
      : await (await import("./plan-of-config.ts")).planOfConfig(options.config ?? "", output);
  if (read === null) {
    return 1;
  }
  const { estates } = read;
  const filter = options.filter ?? WHOLE_PLAN;
  const { probes, idle: unselected } = selectProbes(read.plan, filter);
  if (unselected !== null) {
    output.err(`${printableLine(`error: ${unselected}`)}\n`);
  }
  const idle = unselected === null ? read.idle : [...read.idle, unselected];
  const status = idle.length > 0 ? 1 : 0;
  if (options.json) {
    const error = idle.length > 0 ? idle.join("\n") : null;
    const diagnostics = estates.flatMap((estate) => estate.diagnostics.map(shownDiagnostic));
    writePieces(jsonPieces({ error }, ["probes", planRows(probes)], { diagnostics }), output);
    return status;
  }
  writePieces(planText(probes), output);
  for (const diagnostic of estates.flatMap((estate) => estate.diagnostics)) {
    const where = diagnostic.line === null ? "" : `line ${String(diagnostic.line)}: `;
    const { severity, object, message, rule } = diagnostic;
    const about = message.includes(object) ? "" : `${object}: `;
    output.out(`${printableLine(`${severity}: ${where}${about}${message} (${rule})`)}\n`);
  }
  return status;
}

async function fromNsConf(file: string, output: Output): Promise<ReadPlan | null> {
  let text: string;
  try {
    text = await readTextUpTo(file, MAX_NS_CONF_BYTES, decodedText);
  } catch (error) {
    output.err(`${file}: ${errorMessage(error)}\n`);
    return null;
  }
  limitHeapGrowth({ characters: text.length });
  const estate = parseNsConf(text, { adc: "adc" });
  // Each service has at least one probe. From here on the estate is live, and only the output becomes garbage.
  limitHeapGrowth({ probes: estate.services.size });
  const planned = eachPlanned([{ estate, settings: BARE_SETTINGS }]);
  return { plan: planned, estates: [estate], idle: [] };
}
