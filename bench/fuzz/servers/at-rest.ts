/** Calls back when no pending promise can continue any more. */
export function atRest(then: () => void): void {
  // All microtasks run before the next tick does, those included that they begin.
  queueMicrotask(() => {
    process.nextTick(then);
  });
}
