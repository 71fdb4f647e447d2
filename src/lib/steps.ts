import { setImmediate as nextTurn } from "node:timers/promises";

/** Work in steps; the caller may yield to the event loop between them. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Runs all steps synchronously. */
export function runSync<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      return step.value;
    }
  }
}

/** Maps items, one per step. */
export function* mapInSteps<Item, Result>(
  items: Iterable<Item>,
  map: (item: Item) => Result,
): Steps<Result[]> {
  const results: Result[] = [];
  for (const item of items) {
    results.push(map(item));
    yield;
  }
  return results;
}

/** Maximum time between yields to the event loop. */
const TURN_MS = 5;

/** Runs all steps, yielding to the event loop every few milliseconds. */
export async function runYielding<Result>(steps: Steps<Result>): Promise<Result> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      return step.value;
    }
    if (performance.now() - began >= TURN_MS) {
      await nextTurn();
      began = performance.now();
    }
  }
}

/** Groups items by key, preserving order. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    append(groups, keyOf(item), item);
  }
  return groups;
}

export function append<K, T>(groups: Map<K, T[]>, key: K, item: T): void {
  const group = groups.get(key);
  if (group === undefined) {
    groups.set(key, [item]);
  } else {
    group.push(item);
  }
}
