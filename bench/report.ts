import { rateOf, type Protocol } from "./protocols.ts";

export const BLACKBOX_PACKAGE = "prometheus-blackbox-exporter";

/** What one contender did in one round. */
export interface Share {
  readonly cpuMsPerProbe: number;
  /** Probes that did not pass: all should, unless the machine is too busy for its own time-outs. */
  readonly failed: number;
}

export interface Measured {
  readonly protocol: Protocol;
  readonly ours: Share[];
  readonly blackbox: Share[];
  readonly bare: Share[];
  missed: number;
}

/** Ours per theirs at most. */
const GOALS: Readonly<Record<Protocol, { readonly blackbox: number; readonly bare: number }>> = {
  tcp: { blackbox: 1 / 5, bare: 1.5 },
  tcp_ecv: { blackbox: 1 / 5, bare: 1.5 },
  http_ecv: { blackbox: 1 / 4, bare: 1.5 },
  https_ecv: { blackbox: 2 / 3, bare: 1.5 },
};

export function benchJson(measured: readonly Measured[]): string {
  const ratios = Object.fromEntries(
    measured.map((each) => [
      each.protocol,
      { blackbox: ratio(each, "blackbox"), bare: ratio(each, "bare") },
    ]),
  );
  const missing = measured.some((each) => each.blackbox.length === 0);
  return JSON.stringify({
    ratios,
    ...(missing ? { missing: `Debian package ${BLACKBOX_PACKAGE}` } : {}),
  });
}

export function benchTable(measured: readonly Measured[]): string {
  const lines = [
    "CPU time per probe, microseconds (median of the rounds), and ours over theirs",
    "",
    row([
      "monitor",
      "per s",
      "agent",
      "blackbox",
      "bare",
      "÷blackbox",
      "goal",
      "÷bare",
      "goal",
      "missed",
      "failed",
    ]),
  ];
  for (const each of measured) {
    const goal = GOALS[each.protocol];
    lines.push(
      row([
        each.protocol,
        rateOf(each.protocol).toFixed(0),
        micros(each.ours),
        micros(each.blackbox),
        micros(each.bare),
        shown(ratio(each, "blackbox")),
        goal.blackbox.toFixed(2),
        shown(ratio(each, "bare")),
        goal.bare.toFixed(2),
        String(each.missed),
        [each.ours, each.blackbox, each.bare].map(failures).join("/"),
      ]),
    );
  }
  if (measured.some((each) => each.blackbox.length === 0)) {
    lines.push("", `blackbox_exporter is not installed: Debian package ${BLACKBOX_PACKAGE}`);
  }
  return lines.join("\n");
}

function ratio(each: Measured, theirs: "blackbox" | "bare"): number | null {
  const [own, other] = [median(each.ours), median(each[theirs])];
  return own === null || other === null || other === 0 ? null : Number((own / other).toFixed(3));
}

function median(shares: readonly Share[]): number | null {
  const sorted = shares.map((share) => share.cpuMsPerProbe).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

function micros(values: readonly Share[]): string {
  const value = median(values);
  return value === null ? "-" : (value * 1000).toFixed(0);
}

function shown(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(10))).join("");
}

function failures(shares: readonly Share[]): number {
  return shares.reduce((sum, share) => sum + share.failed, 0);
}
