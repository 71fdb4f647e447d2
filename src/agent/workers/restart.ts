/** How worker threads that end by themselves are started again. Pure. */

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** Who has lived so long has not died of its start. */
const SOUND_AFTER_MS = 60_000;

/** How many deaths in a row there are, with this one. */
export function deathsInARow(before: number, livedMs: number): number {
  return livedMs >= SOUND_AFTER_MS ? 1 : before + 1;
}

/** At once after the first death, so that one mishap costs one round of probes; then 1 s, doubling to a minute. */
export function restartDelayMs(deaths: number): number {
  return deaths <= 1 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (deaths - 2), MAX_DELAY_MS);
}
