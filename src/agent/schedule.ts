/**
 * When probes start. Pure: the scheduler's timers are a thin shell around these decisions (scheduler.ts).
 * All times are milliseconds on one monotonic clock.
 */

/** First starts are spread, but nobody waits longer than this for a first opinion. */
const FIRST_START_WITHIN_MS = 10_000;

/**
 * Starts are gathered: first ones fall on whole multiples of this on the monotonic clock, and intervals of whole ticks keep
 * them there. A process that sleeps between single probes spends more on waking than on probing (docs/performance.md).
 */
export const START_TICK_MS = 50;

/** A stable hash of a probe's identity, as a fraction in [0, 1). FNV-1a: the same estate spreads the same way after every restart. */
export function spreadOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  // FNV's low bits are weak for ids that differ only in their tail: fold the high half in.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 0x1_0000_0000;
}

/** Wider ticks for probes that share one process when they start together: each batch costs as much as many of them. */
const BATCH_TICK_MS = 500;

/** The ticks of probes that are sent in batches; a fast monitor's starts are not crowded into a few moments. */
export function batchTickMs(intervalMs: number): number {
  return isGathered(intervalMs, BATCH_TICK_MS) && intervalMs >= 4 * BATCH_TICK_MS
    ? BATCH_TICK_MS
    : START_TICK_MS;
}

/** When a probe first starts: spread over its interval, but within ten seconds. */
export function firstStart(
  id: string,
  intervalMs: number,
  now: number,
  tickMs = START_TICK_MS,
): number {
  const spanMs = Math.min(intervalMs, FIRST_START_WITHIN_MS);
  return isGathered(intervalMs, tickMs)
    ? Math.ceil(now / tickMs) * tickMs + wholeTicks(spreadOf(id) * spanMs, tickMs)
    : now + spreadOf(id) * spanMs;
}

/**
 * How much later than its grid the second start comes, once: first starts crowd into ten seconds, and from then on a
 * slower probe's starts are spread over its whole interval. Where the second follows after a shorter delay (a look that
 * confirms, a short down time), it is the first that comes a whole interval after another. Never sooner, for no probe may
 * outrun its monitor.
 */
export function secondStartShift(id: string, intervalMs: number, tickMs = START_TICK_MS): number {
  const shiftMs = spreadOf(id) * (intervalMs - Math.min(intervalMs, FIRST_START_WITHIN_MS));
  return isGathered(intervalMs, tickMs) ? wholeTicks(shiftMs, tickMs) : shiftMs;
}

/** Only what comes round in whole ticks can stay on them; others, such as monitors of some milliseconds, keep their own time. */
function isGathered(intervalMs: number, tickMs: number): boolean {
  return intervalMs % tickMs === 0;
}

function wholeTicks(atMs: number, tickMs: number): number {
  return Math.floor(atMs / tickMs) * tickMs;
}

/** How far a probe has come on one schedule, for the schedule that follows it. */
export interface StartPlace {
  /** When it was last due and started; null before its first start. */
  readonly startedAt: number | null;
  readonly dueAt: number;
  readonly intervalMs: number;
  /** Its starts have found their place in the interval. */
  readonly spread: boolean;
}

/**
 * When a probe goes on that an earlier schedule started, or was to start: at its time there, and never sooner than its
 * interval after its last start. What became due in between starts at once: however often schedules follow one another,
 * every probe has its turn.
 */
export function continuedStart(place: StartPlace, intervalMs: number, now: number): number {
  if (place.intervalMs === intervalMs) {
    return Math.max(now, place.dueAt);
  }
  return place.startedAt === null
    ? Math.max(now, Math.min(place.dueAt, now + intervalMs))
    : Math.max(now, place.startedAt + intervalMs);
}

export interface NextStart {
  readonly dueAt: number;
  /** Starts that were due while the probe was still running: counted as missed, never queued. */
  readonly missed: number;
}

/**
 * The start after one that was due at `dueAt`: a delay later on the same grid, so that lateness never adds up.
 * A probe that overran skips to the next point of its grid that is still ahead.
 */
export function nextStart(dueAt: number, delayMs: number, now: number): NextStart {
  const next = dueAt + delayMs;
  if (next >= now || delayMs <= 0) {
    return { dueAt: Math.max(next, now), missed: 0 };
  }
  const missed = Math.ceil((now - next) / delayMs);
  return { dueAt: next + missed * delayMs, missed };
}
