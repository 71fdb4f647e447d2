import { setTimeout as sleep } from "node:timers/promises";

/** A timer that is due fires after the turn in progress; what is measured between two is too long by no more than this. */
const SAMPLE_MS = 4;

/**
 * The most processor time, in milliseconds, that one turn of the event loop took while the work went on. Processor time
 * rather than time on the clock: a machine that is busy with others does not lengthen it.
 */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  const state = { running: true };
  const done = work().finally(() => (state.running = false));
  let longest = 0;
  let before = process.cpuUsage();
  while (state.running) {
    await sleep(SAMPLE_MS);
    const now = process.cpuUsage();
    longest = Math.max(longest, now.user + now.system - before.user - before.system);
    before = now;
  }
  await done;
  return longest / 1_000;
}

/**
 * The same over at most three runs, until one stays within `boundMs`: what is loaded, compiled or collected falls into one turn
 * of one run, what the work itself takes into each.
 */
export async function shortestOfLongestTurnsMs(
  work: () => Promise<unknown>,
  boundMs: number,
): Promise<number> {
  let shortest = Infinity;
  for (let run = 0; run < 3 && shortest > boundMs; run += 1) {
    shortest = Math.min(shortest, await longestTurnMs(work));
  }
  return shortest;
}
