/** What the agent's process holds, after a collection of garbage. */
export interface AgentMemory {
  readonly heapMb: number;
  /** Buffers and native objects that the heap holds on to. */
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
 * By how much the fitted line may rise over the rest: noise, in a quantity that swings with the servers that happen to
 * hang. Timelines go on filling to their bound of 500 entries each.
 */
const MAY_RISE = {
  heapMb: 3,
  externalMb: 3,
  residentMb: 30,
  descriptors: 10,
  handles: 15,
} as const;
type Quantity = keyof typeof MAY_RISE;
/** A shorter run is still warming up all the time: it may rise by twice as much, and finds gross leaks only. */
const SETTLED_AFTER_MS = 600_000;

/** Fits a line through each quantity after warm-up, and says whether any rises more than noise does. */
export function growth(readings: readonly Reading[]): {
  readonly lines: readonly string[];
  readonly flat: boolean;
} {
  const rest = readings.slice(Math.floor(readings.length * WARM_UP_SHARE));
  const isShort = (readings.at(-1)?.atMs ?? 0) - (readings[0]?.atMs ?? 0) < SETTLED_AFTER_MS;
  const judged = (Object.keys(MAY_RISE) as Quantity[]).map((name) => {
    const points = rest.map((reading) => ({ x: reading.atMs, y: valueOf(reading, name) }));
    const rise = riseOf(points);
    const values = points.map(({ y }) => y);
    const mayRise = MAY_RISE[name] * (isShort ? 2 : 1);
    const flat = rise <= mayRise;
    const line = `${name}: ${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}, fitted rise ${rise.toFixed(1)} (at most ${String(mayRise)}) over ${String(rest.length)} readings: ${flat ? "flat" : "RISES"}`;
    return { line, flat };
  });
  return {
    lines: [...judged.map(({ line }) => line), ...resourceLines(rest)],
    flat: rest.length > 2 && judged.every(({ flat }) => flat),
  };
}

function valueOf(reading: Reading, name: Quantity): number {
  return name === "handles"
    ? Object.values(reading.resources).reduce((sum, count) => sum + count, 0)
    : reading[name];
}

/** The mean number of each kind of resource in the first and in the last third: what to look at when handles rise. */
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

/** Rise of the least-squares line from the first x to the last. */
export function riseOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first.x === last.x) {
    return 0;
  }
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return (covariance / variance) * (last.x - first.x);
}
