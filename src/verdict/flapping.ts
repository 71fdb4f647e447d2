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
/** So many in the window, and the last one no longer ago than `QUIET_AFTER_MS`. */
const MIN_FALLS = 3;
/** An ADC that has held its word for so long does not flap, or no longer. */
export const QUIET_AFTER_MS = 900_000;
/** An ADC that flaps with every poll of an hour. */
const MAX_FALLS = 240;
/** NITRO counts the time since a change in whole seconds, and its answer takes a moment. */
const CLOCK_SLACK_MS = 2_000;

type UpDown = "up" | "down";

/** One word of the ADC about a member. */
export interface Word {
  readonly state: UpDown;
  /** When the poll reported it. */
  readonly at: number;
  /** Its own account of when it last changed; null where it gives none. */
  readonly changedAt: number | null;
}

/** How often the ADC changed its mind between two words: what came and went between two polls shows in its own account. */
export function changesBetween(before: Word, after: Word): 0 | 1 | 2 {
  if (before.state !== after.state) {
    return 1;
  }
  const isNew = after.changedAt !== null && after.changedAt > before.at + CLOCK_SLACK_MS;
  return isNew ? 2 : 0;
}

/** The falls after another word of the ADC; old ones are forgotten. */
export function stepFalls(falls: readonly Fall[], before: Word, after: Word): readonly Fall[] {
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
 * Those that nothing of ours explains: a failure that we saw, while the ADC had it down or within `marginMs` around, may be
 * what the ADC saw.
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

/** How often it fell and rose within the last hour, where that is flapping; null where it is not, or no longer. */
export function flapsOf(falls: readonly Fall[], now: number): number | null {
  const flaps = falls.filter(({ downAt, upAt }) => upAt !== null && now - downAt <= WINDOW_MS);
  const last = flaps.at(-1);
  return flaps.length >= MIN_FALLS && last !== undefined && now - last.downAt <= QUIET_AFTER_MS
    ? flaps.length
    : null;
}

/** The same falls after the wall clock was set. */
export function moveFalls(falls: readonly Fall[], stepMs: number): readonly Fall[] {
  return falls.map(({ downAt, upAt }) => ({
    downAt: downAt + stepMs,
    upAt: upAt === null ? null : upAt + stepMs,
  }));
}
