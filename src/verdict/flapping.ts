/**
 * Flapping of the ADC alone: it takes a member DOWN and UP again while everything we see of it stays up. Each flap may be
 * shorter than grace, so that no verdict names it; several in an hour are a finding.
 */
export interface Fall {
  /** When the ADC took it down, as far as polls show. */
  readonly downAt: number;
  /** When it was up again; null: not yet. */
  readonly upAt: number | null;
}

const WINDOW_MS = 3_600_000;
/** Flapping takes at least so many falls in the window, the last no longer ago than `QUIET_AFTER_MS`. */
const MIN_FALLS = 3;
/** An ADC whose state has held for so long does not flap. */
export const QUIET_AFTER_MS = 900_000;
/** Bounds what is kept of an ADC that flaps at every poll of an hour. */
const MAX_FALLS = 240;
/** NITRO counts the time since a change in whole seconds, and its answer takes a moment. */
const CLOCK_SLACK_MS = 2_000;

type UpDown = "up" | "down";

/** The state of a member as the ADC reported it at one poll. */
export interface Report {
  readonly state: UpDown;
  /** When the poll reported it. */
  readonly at: number;
  /** When it last changed, by the ADC's own clock; null if not reported. */
  readonly changedAt: number | null;
}

/** How often the state changed between two polls. A change and back shows in the ADC's own time of its last change. */
export function changesBetween(before: Report, after: Report): 0 | 1 | 2 {
  if (before.state !== after.state) {
    return 1;
  }
  const isNew = after.changedAt !== null && after.changedAt > before.at + CLOCK_SLACK_MS;
  return isNew ? 2 : 0;
}

/** The falls after another poll; old ones are forgotten. */
export function stepFalls(falls: readonly Fall[], before: Report, after: Report): readonly Fall[] {
  const changes = changesBetween(before, after);
  if (changes === 0) {
    return forgetOldFalls(falls, after.at);
  }
  const changedAt = Math.min(after.at, Math.max(before.at, after.changedAt ?? after.at));
  const ended = falls.map((fall) => (fall.upAt === null ? { ...fall, upAt: changedAt } : fall));
  if (after.state === "down") {
    return forgetOldFalls([...ended, { downAt: changedAt, upAt: null }], after.at);
  }
  const unseen = changes === 2 ? [{ downAt: before.at, upAt: changedAt }] : [];
  return forgetOldFalls([...ended, ...unseen], after.at);
}

function forgetOldFalls(falls: readonly Fall[], now: number): readonly Fall[] {
  const oldest = falls[0];
  return oldest === undefined || (now - oldest.downAt <= WINDOW_MS && falls.length <= MAX_FALLS)
    ? falls
    : falls.filter(({ downAt }) => now - downAt <= WINDOW_MS).slice(-MAX_FALLS);
}

/**
 * The falls that no failure of our own probes explains. One while the ADC had the member down, or within `marginMs` of that,
 * may be the failure that the ADC saw.
 */
export function unexplainedFalls(
  falls: readonly Fall[],
  failedAt: number | null,
  marginMs: number,
  now: number,
): readonly Fall[] {
  const explains = ({ downAt, upAt }: Fall): boolean =>
    failedAt !== null && failedAt >= downAt - marginMs && failedAt <= (upAt ?? now) + marginMs;
  return falls.some(explains) ? falls.filter((fall) => !explains(fall)) : falls;
}

/** How often the member fell and rose within the last hour, if that is flapping; null: it is not. */
export function flapsOf(falls: readonly Fall[], now: number): number | null {
  const flaps = falls.filter(({ downAt, upAt }) => upAt !== null && now - downAt <= WINDOW_MS);
  const last = flaps.at(-1);
  return flaps.length >= MIN_FALLS && last !== undefined && now - last.downAt <= QUIET_AFTER_MS
    ? flaps.length
    : null;
}

/** The same falls after the wall clock was set by `stepMs`. */
export function moveFalls(falls: readonly Fall[], stepMs: number): readonly Fall[] {
  return falls.map(({ downAt, upAt }) => ({
    downAt: downAt + stepMs,
    upAt: upAt === null ? null : upAt + stepMs,
  }));
}
