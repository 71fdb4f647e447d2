/** What is told when the round it belongs to is abandoned. */
export interface Abortable {
  abort(): void;
}

/** A run's place among those that a signal ends. */
export interface WatchedRun {
  readonly run: Abortable;
  before: WatchedRun | null;
  after: WatchedRun | null;
}

interface Watched {
  first: WatchedRun | null;
}

/**
 * One listener per signal however many probes are under way: a listener each would cost every probe more than its
 * timer does, and make Node warn of a leak. A list whose links are cut when a run ends, and no Set: each table that a
 * Set outgrows goes on pointing to the runs of its time, and keeps them all for the next full collection of garbage.
 */
export class AbortWatch {
  readonly #watched = new WeakMap<AbortSignal, Watched>();

  /** The signal asked for last: rounds share one, and looking it up for every probe shows in profiles. */
  #last: AbortSignal | null = null;
  #lastRuns: Watched = { first: null };

  /** Gives the place to leave by when the run has ended. */
  add(signal: AbortSignal, run: Abortable): WatchedRun {
    const runs = this.#runsOf(signal);
    const place: WatchedRun = { run, before: null, after: runs.first };
    if (runs.first !== null) {
      runs.first.before = place;
    }
    runs.first = place;
    return place;
  }

  remove(signal: AbortSignal, place: WatchedRun): void {
    const { before, after } = place;
    if (before !== null) {
      before.after = after;
    } else {
      const runs = this.#runsOf(signal);
      runs.first = runs.first === place ? after : runs.first;
    }
    if (after !== null) {
      after.before = before;
    }
    place.before = place.after = null;
  }

  #runsOf(signal: AbortSignal): Watched {
    if (signal !== this.#last) {
      this.#last = signal;
      this.#lastRuns = this.#watched.get(signal) ?? this.#watch(signal);
    }
    return this.#lastRuns;
  }

  #watch(signal: AbortSignal): Watched {
    const runs: Watched = { first: null };
    signal.addEventListener("abort", () => {
      const all: Abortable[] = [];
      for (let place = runs.first; place !== null; place = place.after) {
        all.push(place.run);
      }
      for (const run of all) {
        run.abort();
      }
    });
    this.#watched.set(signal, runs);
    return runs;
  }
}
