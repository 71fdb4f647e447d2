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

  /** The signal asked for last: rounds share one, and looking it up for every probe shows in profiles. */
  #last: AbortSignal | null = null;
  #lastRuns: Set<Abortable> = new Set();

  add(signal: AbortSignal, run: Abortable): void {
    this.#runsOf(signal).add(run);
  }

  remove(signal: AbortSignal, run: Abortable): void {
    this.#runsOf(signal).delete(run);
  }

  #runsOf(signal: AbortSignal): Set<Abortable> {
    if (signal !== this.#last) {
      this.#last = signal;
      this.#lastRuns = this.#watched.get(signal) ?? this.#watch(signal);
    }
    return this.#lastRuns;
  }

  #watch(signal: AbortSignal): Set<Abortable> {
    const runs = new Set<Abortable>();
    signal.addEventListener("abort", () => {
      for (const each of [...runs]) {
        each.abort();
      }
    });
    this.#watched.set(signal, runs);
    return runs;
  }
}
