/** Minutes that divide an hour and hours that divide a day: what a calendar can repeat without a gap. */
const MINUTES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];
const HOURS = [1, 2, 3, 4, 6, 8, 12, 24];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * The cron expression of a re-import every so many milliseconds: the nearest calendar step that is not shorter, for a
 * cron field of every 7 minutes would fire again after three at each full hour. Beyond a day: once a day.
 */
export function importCron(everyMs: number): string {
  const minutes = MINUTES.find((step) => step * MINUTE_MS >= everyMs);
  if (minutes !== undefined) {
    return minutes === 1 ? "* * * * *" : `*/${String(minutes)} * * * *`;
  }
  const hours = HOURS.find((step) => step * HOUR_MS >= everyMs) ?? 24;
  return hours === 24 ? "0 0 * * *" : hours === 1 ? "0 * * * *" : `0 */${String(hours)} * * *`;
}
