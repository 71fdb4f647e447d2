/** Calls back when the work under way has come to rest: every promise that could go on has gone on. */
export function atRest(then: () => void): void {
  // All microtasks run before the next tick does, those included that they begin.
  queueMicrotask(() => {
    process.nextTick(then);
  });
}
