import { cpus, loadavg, release } from "node:os";
import { rateOf, type Protocol } from "./protocols.ts";

export const BLACKBOX_PACKAGE = "prometheus-blackbox-exporter";

/** The result of one contender in one round. */
export interface Share {
  readonly cpuMsPerProbe: number;
  /** Probes that did not pass: all should, unless the machine is too busy for its own time-outs. */
  readonly failed: number;
  /** Of this program in user space, a probe; left out or null: not counted. */
  readonly instructions?: number | null;
}

export interface Measured {
  readonly protocol: Protocol;
  /** Round by round; the others are empty where the contender is missing. */
  readonly ours: Share[];
  readonly blackbox: Share[];
  readonly bare: Share[];
  readonly floor: Share[];
  missed: number;
}
type Other = "blackbox" | "bare" | "floor";

/** Maximum ratio of ours to theirs. The C loop has no goal: it shows the overhead of Node.js itself. */
const GOALS: Readonly<Record<Protocol, Readonly<Record<Other, number | null>>>> = {
  tcp: { blackbox: 0.15, bare: 1, floor: null },
  tcp_ecv: { blackbox: 0.15, bare: 1, floor: null },
  http_ecv: { blackbox: 0.15, bare: 1.15, floor: null },
  https_ecv: { blackbox: 0.5, bare: 1.1, floor: null },
};
export const LEAST_ROUNDS = 7;
/** If rounds differ by more than this, no goal is claimed. */
const MOST_SPREAD = 0.15;

/** Where and when a run was made: figures are quoted with it. */
interface Setting {
  readonly at: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  /** Mean number of runnable processes of the last minute, before the run. */
  readonly load: number;
}

export function settingNow(): Setting {
  return {
    at: new Date().toISOString().slice(0, 16),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

/** The ratio of ours to theirs, round by round. */
interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** From the lower to the upper quartile, as a share of the median. */
  readonly spread: number;
  readonly goal: number | null;
  /** Null: without a goal, or with too few or too widely spread rounds. */
  readonly met: boolean | null;
}

/** Null where the other was not measured. */
function ratioTo(measured: Measured, other: Other): Ratio | null {
  const rounds = measured[other].flatMap((theirs, round) => {
    const ours = measured.ours[round];
    return ours === undefined ? [] : [ours.cpuMsPerProbe / theirs.cpuMsPerProbe];
  });
  const sorted = rounds.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  if (sorted.length === 0) {
    return null;
  }
  const median = at(0.5);
  const spread = (at(0.75) - at(0.25)) / median;
  const goal = GOALS[measured.protocol][other];
  const isClaimed = goal !== null && sorted.length >= LEAST_ROUNDS && spread <= MOST_SPREAD;
  return {
    median,
    low: at(0),
    high: at(1),
    spread,
    goal,
    met: isClaimed ? median <= goal : null,
  };
}

const OTHERS: readonly Other[] = ["blackbox", "bare", "floor"];

export function benchJson(measured: readonly Measured[], setting: Setting): string {
  const protocols = Object.fromEntries(
    measured.map((each) => [
      each.protocol,
      {
        rounds: each.ours.length,
        micros: Object.fromEntries(
          (["ours", ...OTHERS] as const).map((who) => [who, medianMicros(each[who])]),
        ),
        instructions: { ours: medianInstructions(each.ours), bare: medianInstructions(each.bare) },
        ratios: Object.fromEntries(OTHERS.map((other) => [other, ratioTo(each, other)])),
        missed: each.missed,
        failed: failures(each.ours),
      },
    ]),
  );
  return JSON.stringify({ setting, protocols, missing: missing(measured) });
}

export function benchTable(measured: readonly Measured[], setting: Setting): string {
  const { at, cpu, cores, kernel, node, load } = setting;
  const lines = [
    `${at} UTC, ${cpu}, ${String(cores)} cores, Linux ${kernel}, Node.js ${node}, load before ${load.toFixed(2)}`,
    "CPU time per probe, microseconds: median of the rounds",
    "",
    row(["monitor", "per s", "rounds", "agent", "blackbox", "bare", "C", "missed", "failed"]),
    ...measured.map((each) =>
      row([
        each.protocol,
        rateOf(each.protocol).toFixed(0),
        String(each.ours.length),
        ...(["ours", ...OTHERS] as const).map((who) => medianMicros(each[who])?.toFixed(0) ?? "-"),
        String(each.missed),
        [each.ours, each.blackbox, each.bare].map(failures).join("/"),
      ]),
    ),
    "",
    "The agent over the others, round by round; spread: between the quartiles",
    "",
    row(["monitor", "over", "median", "lowest", "highest", "spread", "goal", ""]),
  ];
  for (const each of measured) {
    for (const other of OTHERS) {
      const ratio = ratioTo(each, other);
      if (ratio !== null) {
        lines.push(
          row([
            each.protocol,
            other === "floor" ? "C" : other,
            ...[ratio.median, ratio.low, ratio.high].map((value) => value.toFixed(2)),
            `${(ratio.spread * 100).toFixed(0)} %`,
            ratio.goal?.toFixed(2) ?? "-",
            judged(ratio),
          ]),
        );
      }
    }
  }
  for (const each of measured) {
    const [ours, bare] = [medianInstructions(each.ours), medianInstructions(each.bare)];
    if (ours !== null && bare !== null) {
      lines.push(
        `${each.protocol}: ${String(ours)} instructions per probe in user space, the bare loop ${String(bare)}`,
      );
    }
  }
  return [...lines, ...missing(measured).map((what) => `not measured: ${what}`)].join("\n");
}

function judged({ met, goal }: Ratio): string {
  if (goal === null) {
    return "";
  }
  return met === null ? "no claim" : met ? "met" : "missed";
}

function missing(measured: readonly Measured[]): string[] {
  return [
    ...(measured.some(({ blackbox }) => blackbox.length === 0)
      ? [`blackbox_exporter (Debian package ${BLACKBOX_PACKAGE})`]
      : []),
    ...(measured.every(({ floor }) => floor.length === 0) ? ["the C loop (no C compiler)"] : []),
    ...(measured.every(({ ours }) => medianInstructions(ours) === null)
      ? ["instructions (no `perf`, or the machine does not count them)"]
      : []),
  ];
}

function medianMicros(shares: readonly Share[]): number | null {
  return roundedMedian(shares.map((share) => share.cpuMsPerProbe * 1000));
}

function medianInstructions(shares: readonly Share[]): number | null {
  return roundedMedian(shares.flatMap(({ instructions }) => instructions ?? []));
}

function roundedMedian(values: readonly number[]): number | null {
  const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  return median === undefined ? null : Math.round(median);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(10))).join("");
}

function failures(shares: readonly Share[]): number {
  return shares.reduce((sum, share) => sum + share.failed, 0);
}
