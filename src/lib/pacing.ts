import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** Why requests should pause: too many sessions, too many connections, or no answer at all. */
export type BackOffReason = "busy" | "connection_limit" | "no_answer";

/**
 * How long to ask nothing more after the `failures`-th failure in a row, in milliseconds. The first silence costs nothing,
 * as the next poll is a pause by itself; an appliance that has run out of sessions or connections gets a long one at once,
 * since it shares about twenty among all its administrators.
 */
export function backOffMs(reason: BackOffReason, failures: number): number {
  const doublings = Math.min(Math.max(failures, 1) - 1, 16);
  switch (reason) {
    case "no_answer":
      return doublings === 0 ? 0 : Math.min(5_000 * 2 ** (doublings - 1), 60_000);
    case "busy":
      return Math.min(15_000 * 2 ** doublings, 300_000);
    case "connection_limit":
      return Math.min(60_000 * 2 ** doublings, 900_000);
  }
}

/**
 * When the next poll is due after the last one began, in milliseconds: as configured, but never sooner than five times
 * what the last one took, so that a slow appliance spends at most a fifth of its time on us.
 */
export function nextPollDelayMs(pollEveryMs: number, lastDurationMs: number): number {
  return Math.max(pollEveryMs, 5 * lastDurationMs);
}

/**
 * Lets long work breathe: call `due` between items, and `rest` when it says so. Thousands of rows are worked off in
 * slices of a few milliseconds, so that probes and scrapes in the same process are not held up.
 */
export interface Pacer {
  readonly due: () => boolean;
  readonly rest: () => Promise<void>;
}

/** `sliceMs`: how long one slice may last, on a monotonic clock. */
export function createPacer(sliceMs = 8): Pacer {
  let startedAt = performance.now();
  return {
    due: () => performance.now() - startedAt >= sliceMs,
    rest: async () => {
      await nextTurn();
      startedAt = performance.now();
    },
  };
}

/** Does `work` for each item, resting in between. */
export async function forEachPaced<T>(
  items: Iterable<T>,
  pacer: Pacer,
  work: (item: T) => void,
): Promise<void> {
  for (const item of items) {
    work(item);
    if (pacer.due()) {
      await pacer.rest();
    }
  }
}

/**
 * Makes work of which one run is under way and one more waits at most: a caller meanwhile shares the next run, which
 * begins after the request, and not sooner than `apartMs` after the run before it began. Results and rejections are those
 * of the run that was shared.
 */
export function coalesce<T>(work: () => Promise<T>, apartMs: number): () => Promise<T> {
  let latest: Promise<unknown> | null = null;
  let waiting: Promise<T> | null = null;
  let apart: Promise<unknown> = Promise.resolve();

  function run(): Promise<T> {
    waiting = null;
    apart = sleep(apartMs, undefined, { ref: false });
    const begun = work().finally(() => {
      if (waiting === null) {
        latest = null;
      }
    });
    latest = begun;
    return begun;
  }

  return () => {
    if (latest === null) {
      return run();
    }
    waiting ??= Promise.allSettled([latest, apart]).then(run);
    return waiting;
  };
}

/** Runs pieces of work one after another, in the order in which they came, whatever became of those before. */
export type OneAtATime = <T>(work: () => T | Promise<T>) => Promise<T>;

export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
