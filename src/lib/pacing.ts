import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** Why requests should pause: too many sessions, too many connections, or no answer at all. */
export type BackOffReason = "busy" | "connection_limit" | "no_answer";

/**
 * How long to pause after the `failures`-th consecutive failure, in milliseconds. No pause after the first timeout, since the
 * poll interval is one. A long pause at once if the appliance has no sessions or connections left, since all administrators
 * share about twenty.
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
 * Interval to the next poll in milliseconds: as configured, but at least five times the duration of the last poll, so that a
 * slow appliance spends at most a fifth of its time on polls.
 */
export function nextPollDelayMs(pollEveryMs: number, lastDurationMs: number): number {
  return Math.max(pollEveryMs, 5 * lastDurationMs);
}

/**
 * Splits long work into slices of a few milliseconds, so that probes and scrapes are not delayed: call `due` between items, and
 * `rest` if it returns true.
 */
export interface Pacer {
  readonly due: () => boolean;
  readonly rest: () => Promise<void>;
}

/** `sliceMs`: maximum length of a slice. */
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

/** Runs `work` for each item, yielding in between. */
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
 * Coalesces calls: at most one run is active and one is pending. Calls during a run share the next run, which starts at least
 * `apartMs` after the start of the previous one. All callers get the result or rejection of their run.
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

/** Runs tasks one at a time in call order, even if earlier ones fail. */
export type OneAtATime = <T>(work: () => T | Promise<T>) => Promise<T>;

export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
