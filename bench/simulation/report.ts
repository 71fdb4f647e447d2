import type { MemberVerdict } from "../../src/model/verdicts.ts";
import { ALARMS, type Alarm } from "./expected.ts";
import type { Named } from "./judge.ts";
import type { SimulationResult } from "./simulate.ts";
import type { Cell, Tally } from "./tally.ts";

const BUCKETS_SECONDS = [5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180];

/** A simulation's result as Markdown: what was run, delays, the alarms' punctuality, every verdict against the truth. */
export function simulationReport(result: SimulationResult): string {
  const wrong = Object.values(result.tally).flatMap((row) => Object.values(row));
  const wrongMs = wrong.reduce((sum, cell) => sum + cell.wrongMs, 0);
  const heldMs = wrong.reduce((sum, cell) => sum + cell.heldMs, 0);
  return [
    `${String(result.members)} members, ${String(result.hours)} hours, ${count(result.probes)} probes, ${count(result.changes)} changes of the truth, ${count(result.operations)} pieces of work on a server, ${count(result.episodes)} times an alarm was due`,
    `ADC-only flapping: reported ${count(result.flapping.named)} times`,
    `logins broken by the ADC: reported ${count(result.logins.named)} times`,
    `false alarms: ${String(result.falseAlarms.length)}`,
    `missed: ${String(result.missed.length)}`,
    `wrong verdicts beyond the time allowed: ${hours(wrongMs)} of ${hours(heldMs)} member-hours`,
    delayTable(result.named),
    delayHistogram(result.named),
    verdictTable(result.tally),
    ...[...result.falseAlarms, ...result.missed].slice(0, 20).map((each) => JSON.stringify(each)),
  ].join("\n\n");
}

function delayTable(named: readonly Named[]): string {
  return table(
    [
      "alarm",
      "named",
      "median",
      "p99",
      "longest",
      "within grace + interval + 1 s of the last agreement",
      "of the fault itself",
    ],
    ALARMS.map((alarm) => {
      const mine = named.filter((each) => each.alarm === alarm);
      const seconds = secondsOf(mine, alarm);
      const at = (quantile: number): string =>
        `${(seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * quantile))] ?? 0).toFixed(0)} s`;
      // One second is the agent's own turn of judging.
      const within = (pick: (each: Named) => number): string =>
        count(mine.filter((each) => pick(each) <= each.graceAndIntervalMs + 1_000).length);
      return [
        `\`${alarm}\``,
        count(mine.length),
        at(0.5),
        at(0.99),
        at(1),
        within((each) => each.sinceAgreementMs),
        within((each) => each.sinceFaultMs),
      ];
    }),
  );
}

/** How soon each alarm was named: counts by seconds since the truth changed. */
function delayHistogram(named: readonly Named[]): string {
  const edges = [0, ...BUCKETS_SECONDS, Infinity];
  return table(
    [
      "alarm",
      ...BUCKETS_SECONDS.map((to) => `≤ ${String(to)} s`),
      `> ${String(BUCKETS_SECONDS.at(-1))} s`,
    ],
    ALARMS.map((alarm) => {
      const seconds = secondsOf(named, alarm);
      const counts = edges.slice(1).map((to, index) => {
        const from = index === 0 ? -1 : (edges[index] ?? 0);
        return count(seconds.filter((second) => second > from && second <= to).length);
      });
      return [`\`${alarm}\``, ...counts];
    }),
  );
}

/** One row per situation: the verdicts given in it, in member-hours, and how much of that was wrong for too long. */
function verdictTable(tally: Tally): string {
  const rows = Object.entries(tally)
    .map(([situation, row]) => {
      const cells = (Object.entries(row) as [MemberVerdict, Cell][]).sort(
        ([, a], [, b]) => b.heldMs - a.heldMs,
      );
      const heldMs = cells.reduce((sum, [, cell]) => sum + cell.heldMs, 0);
      const said = cells.map(([verdict, cell]) => `${verdict} ${share(cell.heldMs, heldMs)}`);
      const wrong = cells
        .filter(([, cell]) => cell.wrongMs > 0)
        .map(
          ([verdict, cell]) =>
            `${verdict} ${count(cell.wrongTimes)} times, ${(cell.wrongMs / 1000).toFixed(0)} s`,
        );
      return { heldMs, row: [situation, hours(heldMs), said.join(", "), wrong.join(", ") || "-"] };
    })
    .sort((a, b) => b.heldMs - a.heldMs)
    .map(({ row }) => row);
  return table(["situation", "member-hours", "verdicts", "wrong beyond the time allowed"], rows);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function secondsOf(named: readonly Named[], alarm: Alarm): number[] {
  return named
    .filter((each) => each.alarm === alarm)
    .map((each) => each.sinceFaultMs / 1000)
    .sort((a, b) => a - b);
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function hours(ms: number): string {
  return (ms / 3_600_000).toLocaleString("en", { maximumFractionDigits: 2 });
}

function share(partMs: number, wholeMs: number): string {
  const percent = (100 * partMs) / wholeMs;
  return percent >= 0.1 ? `${percent.toFixed(1)} %` : `${(partMs / 1000).toFixed(0)} s`;
}
