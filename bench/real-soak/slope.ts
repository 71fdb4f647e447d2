import { trendOf, type Point, type Trend } from "./trend.ts";

/** The resources of the agent's process after a garbage collection. */
export interface AgentMemory {
  readonly heapMb: number;
  /** Buffers and native objects that the heap retains. */
  readonly externalMb: number;
  readonly residentMb: number;
  readonly descriptors: number;
  /** Sockets, timers, requests that keep the process busy, by Node.js's own names. */
  readonly resources: Readonly<Record<string, number>>;
}

export interface Reading extends AgentMemory {
  readonly atMs: number;
}

/** The first part belongs to caches, compilers and first probes, and to the history that fills up. */
const WARM_UP_SHARE = 0.4;
/**
 * The rest is divided into parts, and the lowest reading of each counts: this excludes what is allocated only while
 * some server is broken. Each part contains calms.
 */
const PARTS = 6;
/** Maximum rise of a quantity after warm-up, whatever the duration. */
const MAY_RISE = {
  heapMb: 3,
  externalMb: 3,
  residentMb: 30,
  descriptors: 10,
  handles: 15,
} as const;
type Quantity = keyof typeof MAY_RISE;

/** Reports for each quantity whether its floor rises by more than the limit after warm-up. */
export function growth(readings: readonly Reading[]): {
  readonly lines: readonly string[];
  readonly flat: boolean;
} {
  const rest = readings.slice(Math.floor(readings.length * WARM_UP_SHARE));
  const judged = (Object.keys(MAY_RISE) as Quantity[]).map((name) => {
    const points = rest.map((reading) => ({ x: reading.atMs, y: valueOf(reading, name) }));
    const floor = lowestOfParts(points);
    const trend = trendOf(floor);
    const flat = !rises(trend, MAY_RISE[name]);
    const values = points.map(({ y }) => y);
    const shown = `${trend.rise.toFixed(1)} (95 %: ${trend.atLeast.toFixed(1)} to ${trend.atMost.toFixed(1)}; limit ${String(MAY_RISE[name])})`;
    const line = `${name}: ${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}, rise of the floor ${shown} over ${String(rest.length)} readings: ${flat ? "flat" : "RISES"}`;
    return { line, flat };
  });
  return {
    lines: [...judged.map(({ line }) => line), ...resourceLines(rest)],
    flat: rest.length >= 2 * PARTS && judged.every(({ flat }) => flat),
  };
}

/** A rise above the limit that chance does not explain: the whole confidence interval is above zero. */
function rises({ rise, atLeast }: Trend, most: number): boolean {
  return rise > most && atLeast > 0;
}

/** The lowest point of each part, parts being equally many readings. */
function lowestOfParts(points: readonly Point[]): readonly Point[] {
  return Array.from({ length: PARTS }, (_, part) => {
    const from = Math.floor((part * points.length) / PARTS);
    const to = Math.floor(((part + 1) * points.length) / PARTS);
    return points
      .slice(from, to)
      .reduce<Point | null>((low, point) => (low !== null && low.y <= point.y ? low : point), null);
  }).filter((point) => point !== null);
}

function valueOf(reading: Reading, name: Quantity): number {
  return name === "handles"
    ? Object.values(reading.resources).reduce((sum, count) => sum + count, 0)
    : reading[name];
}

/**
 * The mean number of each kind of resource in the first and in the last third, to find the cause of a rise in handles.
 */
function resourceLines(readings: readonly Reading[]): string[] {
  const third = Math.max(1, Math.floor(readings.length / 3));
  const mean = (part: readonly Reading[], type: string): string =>
    (part.reduce((sum, { resources }) => sum + (resources[type] ?? 0), 0) / part.length).toFixed(1);
  const types = [...new Set(readings.flatMap(({ resources }) => Object.keys(resources)))].sort();
  return types.map(
    (type) =>
      `  ${type}: ${mean(readings.slice(0, third), type)} in the first third, ${mean(readings.slice(-third), type)} in the last`,
  );
}
