import { planRow, type PlanRow, type PlannedProbe, planJson } from "../agent/plan/planned-probe.ts";
import { nameMatcher } from "../lib/glob.ts";
import { barePortSentence, deepest, type Depth } from "../model/observation.ts";
import { printableLine } from "../lib/printable.ts";
import { columns, type Output } from "./output.ts";
import { errorMessage } from "../lib/log.ts";
import { planProbes, idleSettings, type PlannedEstate } from "../agent/plan/plan.ts";
import { formatProblem } from "../config/problems.ts";
import { BARE_SETTINGS, planSettings } from "../agent/plan/settings.ts";
import { importOnce, resolveOnce, networkOf } from "../agent/import-once.ts";
import type { Estate } from "../model/estate.ts";
import { parseNsConf, MAX_NS_CONF_BYTES } from "../adc/nsconf/import.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
import { boundHeapGrowth } from "./heap-growth.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";

/** Which probes are shown: a name each, or a pattern with `*`; null: all. */
interface PlanFilter {
  readonly server: string | null;
  readonly adcService: string | null;
  readonly vserver: string | null;
  readonly monitor: string | null;
}

const WHOLE_PLAN: PlanFilter = {
  server: null,
  adcService: null,
  vserver: null,
  monitor: null,
};

/** The probes that every given pattern fits; `monitor` is a transaction's name too. */
function filteredPlan(
  plan: readonly PlannedProbe[],
  { server, adcService, vserver, monitor }: PlanFilter,
): readonly PlannedProbe[] {
  if (server === null && adcService === null && vserver === null && monitor === null) {
    return plan;
  }
  const fits = (pattern: string | null): ((names: readonly (string | null)[]) => boolean) => {
    const matches = pattern === null ? null : nameMatcher([pattern]);
    return (names) => matches === null || names.some((name) => name !== null && matches(name));
  };
  const [ofServer, ofService, ofVserver, ofMonitor] = [server, adcService, vserver, monitor].map(
    fits,
  );
  return plan.filter((probe) => {
    const row = planRow(probe);
    return (
      ofServer?.([row.server, row.member_address]) === true &&
      ofService?.([row.adc_service]) === true &&
      ofVserver?.(row.vservers) === true &&
      ofMonitor?.([row.monitor, row.transaction]) === true
    );
  });
}

/** A plan for a person: the probes that run, those that do not with their reasons, what a bare port decides, and totals. */
function planText(plan: readonly PlannedProbe[]): string {
  const rows = plan.map((probe) => ({ probe, row: planRow(probe) }));
  const running = rows.filter(({ row }) => row.supported);
  const resting = rows.filter(({ row }) => !row.supported).map(({ row }) => row);
  const table = running.map(({ probe, row }) => [
    row.vantage,
    row.adc_service ?? "-",
    row.vservers.join(",") || "-",
    row.server ?? "-",
    `${row.address ?? "-"}:${String(row.port ?? "-")}`,
    row.monitor ?? row.transaction ?? "-",
    row.type,
    seconds(row.interval_ms),
    whatItSends(probe, row),
  ]);
  const bare = bareMembers(rows.map(({ row }) => row));
  return [
    columns([
      ["VANTAGE", "SERVICE", "VSERVERS", "SERVER", "ADDRESS", "PROBE", "TYPE", "EVERY", "WHAT"],
      ...table,
    ]),
    ...byReason(resting),
    ...(bare === null ? [] : ["", bare]),
    "",
    planTotals(rows.map(({ row }) => row)),
  ].join("\n");
}

/** What a probe asks for and expects, in one line. */
export function whatItSends({ action }: PlannedProbe, row: PlanRow): string {
  const spec = action.kind === "transaction" ? (action.run?.spec ?? null) : null;
  const parts = [
    row.secure ? (row.kind === "monitor" ? (row.tls ?? "TLS") : "TLS") : null,
    row.request === null ? null : JSON.stringify(row.request),
    row.send === null ? null : JSON.stringify(row.send),
    spec === null || spec.path === null ? null : `${spec.path} at Host ${spec.host}`,
    row.recv === null ? null : `expects ${JSON.stringify(row.recv)}`,
    row.resp_codes === null ? null : `expects ${row.resp_codes.join(" ")}`,
    row.reverse ? "reversed" : null,
    row.note,
  ];
  return parts.filter((part) => part !== null).join(", ");
}

/** What is not repeated, the reason once for all that have it. */
function byReason(rows: readonly PlanRow[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const row of rows) {
    const reason = row.unsupported_reason ?? "";
    const place = row.adc_service ?? row.vservers.join(",");
    const named = `${place}/${row.server ?? "-"}:${String(row.port ?? "-")} ${row.monitor ?? row.transaction ?? ""}`;
    const known = reasons.get(reason);
    if (known === undefined) {
      reasons.set(reason, [named]);
    } else {
      known.push(named);
    }
  }
  return reasons.size === 0
    ? []
    : [
        "",
        "not repeated:",
        ...[...reasons].map(([reason, named]) =>
          printableLine(`  ${reason} (${String(named.length)}): ${someOf(named)}`),
        ),
      ];
}

/** Members of which the ADC's own monitors see no more than a handshake or a ping, whatever looks stand beside them. */
export function bareMembers(rows: readonly PlanRow[]): string | null {
  const byMember = new Map<string, Depth[]>();
  for (const row of rows) {
    if (row.kind === "monitor" && row.vantage === "backend" && !isDisabled(row)) {
      const member = `${row.adc_service ?? "-"}/${row.server ?? ""}:${String(row.member_port ?? "-")}`;
      byMember.set(member, [...(byMember.get(member) ?? []), row.depth]);
    }
  }
  const depths = [...byMember].map(([member, all]) => ({ member, depth: deepest(all) }));
  const sentence = barePortSentence(depths.map(({ depth }) => depth));
  const bare = depths.flatMap(({ member, depth }) => (depth === "reach" ? [member] : []));
  return sentence === null ? null : printableLine(`${sentence}: ${someOf(bare)}`);
}

function isDisabled({ unsupported_reason }: PlanRow): boolean {
  return /disabled on the ADC/.test(unsupported_reason ?? "");
}

const MAX_NAMED = 10;

function someOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  const named = names.slice(0, MAX_NAMED).join(", ");
  return more > 0 ? `${named} and ${String(more)} more` : named;
}

/** "214 probes, 12 not repeated, 3 disabled". */
export function planTotals(rows: readonly PlanRow[]): string {
  const resting = rows.filter(({ supported }) => !supported);
  const disabled = resting.filter(isDisabled).length;
  const counts = [
    `${String(rows.length)} probe${rows.length === 1 ? "" : "s"}`,
    `${String(resting.length - disabled)} not repeated`,
    `${String(disabled)} disabled`,
  ];
  return counts.join(", ");
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${String(ms / 1000)}s` : `${String(ms)}ms`;
}

export interface PlanOptions {
  readonly nsConf: string | null;
  readonly config: string | null;
  readonly json: boolean;
  /** Absent: the whole plan. */
  readonly filter?: PlanFilter;
}

/** `plan`: every probe that would run, and every monitor that cannot be repeated. 0; 1 if the input could not be read, or selects nothing where it should. */
export async function runPlan(options: PlanOptions, output: Output): Promise<number> {
  const read =
    options.nsConf !== null
      ? await fromNsConf(options.nsConf, output)
      : await fromConfig(options.config ?? "", output);
  if (read === null) {
    return 1;
  }
  const { estates } = read;
  const plan = filteredPlan(read.plan, options.filter ?? WHOLE_PLAN);
  if (options.json) {
    output.out(`${JSON.stringify(planJson(plan, estates), null, 1)}\n`);
    return read.hasErrors ? 1 : 0;
  }
  output.out(`${planText(plan)}\n`);
  for (const diagnostic of estates.flatMap((estate) => estate.diagnostics)) {
    const where = diagnostic.line === null ? "" : `line ${String(diagnostic.line)}: `;
    const { severity, object, message, rule } = diagnostic;
    const about = message.includes(object) ? "" : `${object}: `;
    output.out(`${printableLine(`${severity}: ${where}${about}${message} (${rule})`)}\n`);
  }
  return read.hasErrors ? 1 : 0;
}

interface ReadPlan {
  readonly plan: readonly PlannedProbe[];
  readonly estates: readonly Estate[];
  /** The configuration selects something that is not there: the plan is shown all the same. */
  readonly hasErrors: boolean;
}

async function fromNsConf(file: string, output: Output): Promise<ReadPlan | null> {
  let text: string;
  try {
    text = await readTextUpTo(file, MAX_NS_CONF_BYTES);
  } catch (error) {
    output.err(`${file}: ${errorMessage(error)}\n`);
    return null;
  }
  boundHeapGrowth({ characters: text.length });
  const estate = parseNsConf(text, { adc: "adc" });
  return { plan: planProbes(estate, BARE_SETTINGS), estates: [estate], hasErrors: false };
}

async function fromConfig(file: string, output: Output): Promise<ReadPlan | null> {
  const config = await readConfig(file, output);
  if (config === null) {
    return null;
  }
  const plan: PlannedProbe[] = [];
  const planned: PlannedEstate[] = [];
  const resolved = await resolveOnce(config, networkOf(config));
  for (const adc of config.adcs) {
    const imported = await untilInterrupted((interrupted) => importOnce(config, adc, interrupted));
    if (imported.kind === "failed") {
      output.err(`${printableLine(`${adc.name}: ${imported.message}`)}\n`);
      return null;
    }
    const settings = planSettings(config, adc, resolved);
    planned.push({ estate: imported.estate, settings });
    plan.push(...planProbes(imported.estate, settings));
  }
  const idle = idleSettings(config, planned);
  for (const problem of idle) {
    output.err(`${printableLine(`error: ${formatProblem(problem)}`)}\n`);
  }
  return { plan, estates: planned.map(({ estate }) => estate), hasErrors: idle.length > 0 };
}
