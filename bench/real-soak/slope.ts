export interface Reading {
  readonly atMs: number;
  readonly heapMb: number;
  readonly residentMb: number;
  readonly descriptors: number;
}

/** The first part belongs to caches, compilers and first probes. */
const WARM_UP_SHARE = 0.4;
/** By how much the fitted line may rise over the rest. Histories and evidence fill to their bounds meanwhile. */
const MAY_RISE = { heapMb: 12, residentMb: 40, descriptors: 15 } as const;

/** Fits a line through each quantity after warm-up, and says whether any rises more than noise does. */
export function growth(readings: readonly Reading[]): {
  readonly lines: readonly string[];
  readonly flat: boolean;
} {
  const rest = readings.slice(Math.floor(readings.length * WARM_UP_SHARE));
  const quantities = ["heapMb", "residentMb", "descriptors"] as const;
  const judged = quantities.map((name) => {
    const rise = riseOf(rest.map((reading) => ({ x: reading.atMs, y: reading[name] })));
    const values = rest.map((reading) => reading[name]);
    const flat = rise <= MAY_RISE[name];
    const line = `${name}: ${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}, fitted rise ${rise.toFixed(1)} over ${String(rest.length)} readings: ${flat ? "flat" : "RISES"}`;
    return { line, flat };
  });
  return {
    lines: judged.map(({ line }) => line),
    flat: rest.length > 1 && judged.every(({ flat }) => flat),
  };
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
