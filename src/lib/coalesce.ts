import { setTimeout as sleep } from "node:timers/promises";

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
