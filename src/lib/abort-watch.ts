import { LinkedList, type Place } from "./deadlines.ts";

/** What is told when the round it belongs to is abandoned. */
export interface Abortable {
  abort(): void;
}

/**
 * One listener per signal however many probes are under way: a listener each would cost every probe more than its
 * deadline does, and make Node warn of a leak.
 */
export class AbortWatch {
  readonly #watched = new WeakMap<AbortSignal, LinkedList<Abortable>>();
  /** The signal asked for last: rounds share one, and looking it up for every probe shows in profiles. */
  #last: AbortSignal | null = null;
  #lastRuns = new LinkedList<Abortable>();

  /** Gives the place to leave by when the run has ended. */
  add(signal: AbortSignal, run: Abortable): Place<Abortable> {
    return this.#runsOf(signal).append(run);
  }

  remove(signal: AbortSignal, place: Place<Abortable>): void {
    this.#runsOf(signal).remove(place);
  }

  #runsOf(signal: AbortSignal): LinkedList<Abortable> {
    if (signal !== this.#last) {
      this.#last = signal;
      this.#lastRuns = this.#watched.get(signal) ?? this.#watch(signal);
    }
    return this.#lastRuns;
  }

  #watch(signal: AbortSignal): LinkedList<Abortable> {
    const runs = new LinkedList<Abortable>();
    signal.addEventListener("abort", () => {
      for (const run of runs.toArray()) {
        run.abort();
      }
    });
    this.#watched.set(signal, runs);
    return runs;
  }
}
