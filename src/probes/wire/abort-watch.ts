/** What is told when the round it belongs to is abandoned. */
export interface Abortable {
  abort(): void;
}

/**
 * One listener per signal however many probes are under way: a listener each would cost every probe more than its
 * timer does, and make Node warn of a leak.
 */
export class AbortWatch {
  readonly #watched = new WeakMap<AbortSignal, Set<Abortable>>();

  add(signal: AbortSignal, run: Abortable): void {
    let runs = this.#watched.get(signal);
    if (runs === undefined) {
      const fresh = new Set<Abortable>();
      signal.addEventListener("abort", () => {
        for (const each of [...fresh]) {
          each.abort();
        }
      });
      this.#watched.set(signal, fresh);
      runs = fresh;
    }
    runs.add(run);
  }

  remove(signal: AbortSignal, run: Abortable): void {
    this.#watched.get(signal)?.delete(run);
  }
}
