import { planRow, type PlannedProbe } from "../agent/plan/planned-probe.ts";
import type { PlanRow } from "../agent/plan/plan-answer.ts";
import { nameMatcher } from "../lib/glob.ts";
import { barePortSentence, deepest, type Depth } from "../model/observation.ts";
import { printableLine } from "../lib/printable.ts";
import { columns } from "./output.ts";

/** Which probes are shown: a name each, or a pattern with `*`; null: all. */
export interface PlanFilter {
  readonly server: string | null;
  readonly adcService: string | null;
  readonly vserver: string | null;
  readonly monitor: string | null;
}

export const WHOLE_PLAN: PlanFilter = {
  server: null,
  adcService: null,
  vserver: null,
  monitor: null,
};

/** The probes that every given pattern fits; `monitor` is a transaction's name too. */
export function filteredPlan(
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
export function planText(plan: readonly PlannedProbe[]): string {
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
