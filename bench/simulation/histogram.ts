import { ALARMS, type Alarm } from "./judge.ts";

const BUCKETS_SECONDS = [5, 10, 15, 20, 30, 45, 60, 90, 120, 150, 180, 240];

/** How soon each alarm was named, as a Markdown table: counts by seconds since the truth changed. */
export function delayHistogram(
  delays: readonly { readonly alarm: Alarm; readonly delayMs: number }[],
): string {
  const header = [
    "alarm",
    "named",
    "median",
    "p99",
    "longest",
    ...BUCKETS_SECONDS.map((to) => `≤ ${String(to)} s`),
  ];
  const rows = ALARMS.map((alarm) => {
    const seconds = delays
      .filter((delay) => delay.alarm === alarm)
      .map((delay) => delay.delayMs / 1000)
      .sort((a, b) => a - b);
    const at = (share: number): string =>
      `${(seconds[Math.min(seconds.length - 1, Math.floor(seconds.length * share))] ?? 0).toFixed(0)} s`;
    let low = 0;
    const counts = BUCKETS_SECONDS.map((to) => {
      const count = seconds.filter((second) => second > low && second <= to).length;
      const atZero = low === 0 ? seconds.filter((second) => second === 0).length : 0;
      low = to;
      return String(count + atZero);
    });
    return [`\`${alarm}\``, String(seconds.length), at(0.5), at(0.99), at(1), ...counts];
  });
  return [header, header.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
