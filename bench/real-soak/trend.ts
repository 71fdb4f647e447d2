export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How much a series rises from its first to its last x, with the 95 % confidence interval. */
export interface Trend {
  readonly rise: number;
  readonly atLeast: number;
  readonly atMost: number;
}

/** The normal distribution's bound of 95 %. */
const Z = 1.96;
const FLAT: Trend = { rise: 0, atLeast: 0, atMost: 0 };

/**
 * The median of the slopes between all pairs of points (Theil and Sen), and Sen's confidence interval from the variance
 * of Kendall's S: no distribution is assumed, and a single outlier has little effect, unlike with least squares.
 */
export function trendOf(points: readonly Point[]): Trend {
  const n = points.length;
  const [first, last] = [points[0], points.at(-1)];
  if (n < 3 || first === undefined || last === undefined) {
    return FLAT;
  }
  const slopes = points
    .flatMap((from, at) => points.slice(at + 1).map((to) => (to.y - from.y) / (to.x - from.x)))
    .sort((one, other) => one - other);
  const width = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number): number => {
    const index = Math.min(slopes.length - 1, Math.max(0, Math.round(rank)));
    return (slopes[index] ?? 0) * (last.x - first.x);
  };
  const middle = (slopes.length - 1) / 2;
  return { rise: at(middle), atLeast: at(middle - width / 2), atMost: at(middle + width / 2) };
}
