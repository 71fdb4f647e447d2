/**
 * How long evidence counts. A result that no newer one has followed for three intervals of its probe says what was, not
 * what is: whatever rests on it is `unknown` from then on. Pure functions of time, in milliseconds of any one clock.
 */
const STALE_INTERVALS = 3;
/** Monitors of a few milliseconds: an event loop that is busy for a moment makes nothing stale. */
const MIN_FRESH_MS = 5_000;

/** How long a result counts that is followed by the next one after this interval. */
export function freshForMs(intervalMs: number): number {
  return Math.max(STALE_INTERVALS * intervalMs, MIN_FRESH_MS);
}

/** Until when a result of this instant counts; Infinity where there is none to grow stale. */
export function freshUntil(resultAt: number | null, intervalMs: number): number {
  return resultAt === null ? Infinity : resultAt + freshForMs(intervalMs);
}

/** Whether a result of this instant counts now; one that never came does not. */
export function isFresh(resultAt: number | null, now: number, intervalMs: number): boolean {
  return resultAt !== null && now <= freshUntil(resultAt, intervalMs);
}
