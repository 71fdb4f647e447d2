import { setImmediate as nextTurn } from "node:timers/promises";

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
