import { LONGEST_TIMER_MS } from "./timers.ts";

/** An item's place among others, to leave by. */
export interface Place<Item> {
  readonly item: Item;
  before: Place<Item> | null;
  after: Place<Item> | null;
}

/**
 * Items that come last and leave from anywhere. Links that are cut when one leaves, and no Set: each table that a Set
 * outgrows goes on pointing to the items of its time, and keeps them all for the next full collection of garbage.
 */
export class LinkedList<Item> {
  #first: Place<Item> | null = null;
  #last: Place<Item> | null = null;

  get first(): Place<Item> | null {
    return this.#first;
  }

  append(item: Item): Place<Item> {
    const place: Place<Item> = { item, before: this.#last, after: null };
    if (this.#last === null) {
      this.#first = place;
    } else {
      this.#last.after = place;
    }
    this.#last = place;
    return place;
  }

  /** Takes one out; nothing where it is out already. */
  remove(place: Place<Item>): void {
    const { before, after } = place;
    if (before === null && this.#first !== place) {
      return;
    }
    if (before === null) {
      this.#first = after;
    } else {
      before.after = after;
    }
    if (after === null) {
      this.#last = before;
    } else {
      after.before = before;
    }
    place.before = place.after = null;
  }

  /** All items as they stand now, the oldest first. */
  toArray(): Item[] {
    const items: Item[] = [];
    for (let place = this.#first; place !== null; place = place.after) {
      items.push(place.item);
    }
    return items;
  }
}

/** What is told when its time is over. */
export interface Timed {
  timeIsOver(): void;
}

interface Deadline {
  readonly run: Timed;
  readonly dueAt: number;
}

/** A run's place among those with the same time-out. */
export interface DeadlinePlace {
  readonly queue: DeadlineQueue;
  readonly place: Place<Deadline>;
}

/** Node's timers may fire up to a millisecond early against a fractional clock. */
const EARLY_MS = 1;

/**
 * The deadlines of all probes under way: one timer per length of time-out, however many there are. Who begins later with the
 * same time-out is due later, so a timer waits for the first in its queue alone; nearly all have left when it comes.
 */
export class Deadlines {
  readonly #queues = new Map<number, DeadlineQueue>();

  /** Calls `timeIsOver` once after so many milliseconds, unless the run has left before. */
  add(run: Timed, timeoutMs: number): DeadlinePlace {
    let queue = this.#queues.get(timeoutMs);
    if (queue === undefined) {
      queue = new DeadlineQueue(timeoutMs, () => this.#queues.delete(timeoutMs));
      this.#queues.set(timeoutMs, queue);
    }
    return { queue, place: queue.add(run) };
  }

  /** The run has ended; its deadline may be past. */
  remove({ queue, place }: DeadlinePlace): void {
    queue.remove(place);
  }
}

class DeadlineQueue {
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  readonly #waiting = new LinkedList<Deadline>();
  #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, onIdle: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
    this.#timer = this.#after(timeoutMs);
  }

  add(run: Timed): Place<Deadline> {
    if (this.#waiting.first === null) {
      this.#timer.ref();
    }
    return this.#waiting.append({ run, dueAt: performance.now() + this.#timeoutMs });
  }

  remove(place: Place<Deadline>): void {
    this.#waiting.remove(place);
    if (this.#waiting.first === null) {
      // It may wait on, but nobody waits for it.
      this.#timer.unref();
    }
  }

  #after(ms: number): NodeJS.Timeout {
    // A later deadline is simply armed again.
    return setTimeout(() => this.#tell(), Math.min(ms, LONGEST_TIMER_MS));
  }

  #tell(): void {
    const now = performance.now();
    const over: Timed[] = [];
    let next = this.#waiting.first;
    for (; next !== null && next.item.dueAt <= now + EARLY_MS; next = this.#waiting.first) {
      this.#waiting.remove(next);
      over.push(next.item.run);
    }
    if (next === null) {
      this.#onIdle();
    } else {
      this.#timer = this.#after(next.item.dueAt - now);
    }
    for (const run of over) {
      run.timeIsOver();
    }
  }
}
