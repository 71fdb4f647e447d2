import { createMonitorReader, planRow, type PlannedProbe } from "../agent/plan/planned-probe.ts";
import type { PlanRow } from "../agent/plan/plan-answer.ts";
import { nameMatcher } from "../lib/glob.ts";
import { withPort } from "../lib/ip.ts";
import { barePortSentence, deepest, type Depth } from "../model/observation.ts";
import type { TransactionSpec } from "../model/transactions.ts";
import { isVisible, printableLine } from "../lib/printable.ts";
import { paddedLine } from "./output.ts";

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

/** What a filter leaves of a plan. */
interface Selection {
  readonly probes: Iterable<PlannedProbe>;
  /** Which patterns leave nothing of it, in words; null: something is left, or there is no filter. */
  readonly idle: string | null;
}

const FILTER_OPTIONS = [
  ["server", "--server"],
  ["adcService", "--adc-service"],
  ["vserver", "--vserver"],
  ["monitor", "--monitor"],
] as const;

/** The probes that every given pattern fits; `monitor` is a transaction's name too. */
export function selectProbes(plan: Iterable<PlannedProbe>, filter: PlanFilter): Selection {
  const given = FILTER_OPTIONS.flatMap(([key, option]) => {
    const pattern = filter[key];
    return pattern === null
      ? []
      : [{ key, fits: nameMatcher([pattern]), words: `${option} ${pattern}`, selects: false }];
  });
  if (given.length === 0) {
    return { probes: plan, idle: null };
  }
  const probes: PlannedProbe[] = [];
  for (const probe of plan) {
    let isWanted = true;
    for (const one of given) {
      const fits = namesFor(probe, one.key).some((name) => name !== null && one.fits(name));
      one.selects ||= fits;
      isWanted &&= fits;
    }
    if (isWanted) {
      probes.push(probe);
    }
  }
  return { probes, idle: probes.length > 0 ? null : idleWords(given) };
}

/** What a pattern of this kind may fit. */
function namesFor(
  { server, memberAddress, adcService, vservers, action }: PlannedProbe,
  key: keyof PlanFilter,
): readonly (string | null)[] {
  switch (key) {
    case "server":
      return [server, memberAddress];
    case "adcService":
      return [adcService === "" ? null : adcService];
    case "vserver":
      return vservers;
    case "monitor":
      return [action.kind === "monitor" ? action.monitor.name : action.transaction];
  }
}

function idleWords(
  given: readonly { readonly words: string; readonly selects: boolean }[],
): string {
  const idle = given.filter(({ selects }) => !selects);
  const listed = (idle.length === 0 ? given : idle).map(({ words }) => words).join(" and ");
  return idle.length === 0
    ? `${listed} together select no probe, though each of them selects some`
    : `${listed} ${idle.length === 1 ? "selects" : "select"} no probe`;
}

const HEADER = [
  ...["VANTAGE", "SERVICE", "VSERVERS", "SERVER", "ADDRESS", "PROBE", "TYPE", "EVERY"],
  "WHAT",
];

/**
 * A plan for a person, piece by piece: the probes that run, those that do not with their reasons, what a bare port decides,
 * and totals. Its columns are as wide as their widest cell, which the last row may have: until then each row waits as a text,
 * which takes a tenth of its probe's room.
 */
export function* planText(plan: Iterable<PlannedProbe>): Generator<string, void, undefined> {
  const widths = HEADER.map((title) => title.length);
  const reasons = createReasons();
  const summary = createPlanSummary();
  const reader = createMonitorReader();
  const waiting: string[] = [];
  for (const probe of plan) {
    const row = planRow(probe, reader);
    summary.add(probe, row);
    if (row.supported) {
      const { cells, text } = visibleRow(rowCells(probe, row));
      for (let at = 0; at < cells.length; at += 1) {
        widths[at] = Math.max(widths[at] ?? 0, cells[at]?.length ?? 0);
      }
      waiting.push(text);
    } else {
      reasons.add(row);
    }
  }
  yield paddedLine(HEADER, widths);
  const spaces = " ".repeat(Math.max(...widths) + 2);
  for (const row of waiting) {
    yield paddedText(row, widths, spaces);
  }
  yield* reasons.lines();
  const bare = summary.bareMembers();
  if (bare !== null) {
    yield "\n";
    yield `${bare}\n`;
  }
  yield "\n";
  yield `${summary.totals()}\n`;
}

/** As `paddedLine`, for a row whose cells are separated by line feeds: without an array and a padding for each. */
function paddedText(row: string, widths: readonly number[], spaces: string): string {
  let line = "";
  let from = 0;
  for (let at = 0; at < widths.length - 1; at += 1) {
    const end = row.indexOf("\n", from);
    line += row.slice(from, end) + spaces.slice(0, (widths[at] ?? 0) + 2 - (end - from));
    from = end + 1;
  }
  const last = row.slice(from).trimEnd();
  return last === "" ? `${line.trimEnd()}\n` : `${line}${last}\n`;
}

/** Each cell as by `printableLine`, and all as one text with a line feed between two: one check of that suffices nearly always. */
function visibleRow(cells: readonly string[]): {
  readonly cells: readonly string[];
  readonly text: string;
} {
  const text = cells.join("\n");
  if (isVisible(text, cells.length - 1)) {
    return { cells, text };
  }
  const visible = cells.map(printableLine);
  return { cells: visible, text: visible.join("\n") };
}

/** The rows of a plan, each made when its turn comes. */
export function* planRows(plan: Iterable<PlannedProbe>): Generator<PlanRow, void, undefined> {
  const reader = createMonitorReader();
  for (const probe of plan) {
    yield planRow(probe, reader);
  }
}

function rowCells(probe: PlannedProbe, row: PlanRow): readonly string[] {
  return [
    row.vantage,
    row.adc_service ?? "-",
    row.vservers.join(",") || "-",
    row.server ?? "-",
    withPort(row.address ?? "-", row.port ?? "-"),
    row.monitor ?? row.transaction ?? "-",
    row.type,
    seconds(row.interval_ms),
    requestWords(probe, row),
  ];
}

const SECURITY_WORDS: Readonly<Record<TransactionSpec["security"], string | null>> = {
  none: null,
  implicit: "TLS",
  starttls: "STARTTLS",
  starttls_if_offered: "STARTTLS if offered",
};

/** What a probe sends and expects, in one line. */
export function requestWords({ action }: PlannedProbe, row: PlanRow): string {
  const spec = action.kind === "transaction" ? (action.run?.spec ?? null) : null;
  const parts = [
    row.kind === "monitor"
      ? (row.tls ?? (row.secure ? "TLS" : null))
      : spec === null || (spec.tls ?? null) === null
        ? null
        : SECURITY_WORDS[spec.security],
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
function createReasons(): {
  readonly add: (row: PlanRow) => void;
  readonly lines: () => Generator<string, void, undefined>;
} {
  const reasons = new Map<string, { count: number; readonly named: string[] }>();
  return {
    add(row) {
      const reason = row.unsupported_reason ?? "";
      const known = reasons.get(reason) ?? { count: 0, named: [] };
      reasons.set(reason, known);
      known.count += 1;
      if (known.count <= MAX_NAMED) {
        const place = row.adc_service ?? row.vservers.join(",");
        known.named.push(
          `${place}/${withPort(row.server ?? "-", row.port ?? "-")} ${row.monitor ?? row.transaction ?? ""}`,
        );
      }
    },
    *lines() {
      if (reasons.size > 0) {
        yield "\nnot repeated:\n";
      }
      for (const [reason, { count, named }] of reasons) {
        const line = `  ${reason} (${String(count)}): ${firstNames(named, count)}`;
        yield `${printableLine(line)}\n`;
      }
    },
  };
}

/** What a plan amounts to, counted while its probes are shown one by one. */
export interface PlanSummary {
  readonly add: (probe: PlannedProbe, row: PlanRow) => void;
  /** "214 probes, 12 not repeated, 3 disabled". */
  readonly totals: () => string;
  /**
   * The members for which the ADC's own monitors check no more than a handshake or a ping, whatever looks they get, in a
   * sentence; null: none.
   */
  readonly bareMembers: () => string | null;
}

export function createPlanSummary(): PlanSummary {
  const byMember = new Map<string, Depth>();
  let all = 0;
  let resting = 0;
  let disabled = 0;
  return {
    add(probe, row) {
      const isDisabled = probe.memberDisabled === true || probe.aside === "switched_off";
      all += 1;
      resting += row.supported || isDisabled ? 0 : 1;
      disabled += isDisabled ? 1 : 0;
      const decides = !isDisabled && probe.aside === undefined;
      if (row.kind === "monitor" && row.vantage === "backend" && decides) {
        const member = `${row.adc_service ?? "-"}/${withPort(row.server ?? "", row.member_port ?? "-")}`;
        const known = byMember.get(member);
        const depth = known === undefined ? row.depth : deepest([known, row.depth]);
        byMember.set(member, depth ?? row.depth);
      }
    },
    totals: () =>
      [
        `${String(all)} probe${all === 1 ? "" : "s"}`,
        `${String(resting)} not repeated`,
        `${String(disabled)} disabled`,
      ].join(", "),
    bareMembers() {
      const sentence = barePortSentence([...byMember.values()]);
      const bare = [...byMember].flatMap(([member, depth]) => (depth === "reach" ? [member] : []));
      return sentence === null
        ? null
        : printableLine(`${sentence}: ${firstNames(bare.slice(0, MAX_NAMED), bare.length)}`);
    },
  };
}

const MAX_NAMED = 10;

/** The first names, and how many more there are of them all. */
function firstNames(first: readonly string[], all: number): string {
  const named = first.join(", ");
  return all > first.length ? `${named} and ${String(all - first.length)} more` : named;
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${String(ms / 1000)}s` : `${String(ms)}ms`;
}
