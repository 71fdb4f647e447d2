import { MAX_TIMER_MS } from "../lib/timers.ts";
import { DueQueue } from "./due-queue.ts";
import { firstStart, nextStart, secondStartShift } from "./schedule.ts";

/** Something that is started again and again. */
export interface Job {
  readonly id: string;
  readonly intervalMs: number;
  /** Wider ticks than those on which all starts are gathered, to meet others that can share the work. */
  readonly tickMs?: number;
  /**
   * Runs once and tells how long after its start the next one is due; null ends the job. Should it reject, which only a
   * mistake of ours makes it do, it is told and started again after its interval.
   */
  readonly run: () => Promise<number | null>;
}

export interface SchedulerHooks {
  /** How late a start was, in milliseconds. */
  readonly onLag?: (lagMs: number) => void;
  readonly onMissed?: (job: Job, missed: number) => void;
  readonly onBroken?: (job: Job, error: unknown) => void;
}

interface Entry {
  readonly job: Job;
  /** Its starts have found their place in the interval. */
  spread: boolean;
  /** Cleared when the job is taken out: an entry of the queue is then dropped when it comes up. */
  inForce: boolean;
}

/** So long starts that are due together may hold the event loop before others have their turn. */
const TURN_MS = 20;

/** One timer for all jobs: a thin shell around schedule.ts. A job never runs twice at a time. */
export class Scheduler {
  readonly #queue = new DueQueue<Entry>();
  readonly #hooks: SchedulerHooks;
  readonly #monotonic: () => number;
  #running = 0;
  /** Told when the last job that ran at the stop has ended. */
  #whenIdle: (() => void) | null = null;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | null = null;
  #timerDueAt = Infinity;
  /** Set while starts that are due wait for the next turn of the event loop. */
  #nextTurn: NodeJS.Immediate | null = null;
  #stopped = false;

  constructor(monotonic: () => number, hooks: SchedulerHooks = {}) {
    this.#monotonic = monotonic;
    this.#hooks = hooks;
  }

  add(job: Job, firstAt?: number): void {
    if (this.#stopped) {
      return;
    }
    // A job of the same id takes the other's place.
    this.remove(job.id);
    const entry = { job, spread: false, inForce: true };
    this.#entries.set(job.id, entry);
    const dueAt = firstAt ?? firstStart(job.id, job.intervalMs, this.#monotonic(), job.tickMs);
    this.#queue.push(dueAt, entry);
    this.#arm();
  }

  /** Takes a job out; one that is running ends by itself and is not started again. */
  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) {
      entry.inForce = false;
      this.#entries.delete(id);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Stops starting jobs and waits for those that run. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    if (this.#nextTurn !== null) {
      clearImmediate(this.#nextTurn);
      this.#nextTurn = null;
    }
    this.#queue.clear();
    this.#entries.clear();
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const before = this.#whenIdle;
        this.#whenIdle = () => {
          before?.();
          resolve();
        };
      });
    }
  }

  #arm(): void {
    const earliest = this.#queue.earliest;
    const waits = this.#nextTurn !== null || earliest === null || earliest >= this.#timerDueAt;
    if (waits || this.#stopped) {
      return;
    }
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    this.#timerDueAt = earliest;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#timerDueAt = Infinity;
        this.#startDue();
      },
      // A later start is simply armed again.
      Math.min(Math.max(0, earliest - this.#monotonic()), MAX_TIMER_MS),
    );
  }

  #startDue(): void {
    const now = this.#monotonic();
    // Node's timers may fire up to a millisecond early against a fractional clock.
    for (
      let due = this.#queue.popDue(now + 1);
      due !== undefined;
      due = this.#queue.popDue(now + 1)
    ) {
      const { item: entry, dueAt } = due;
      if (!entry.inForce) {
        continue;
      }
      this.#hooks.onLag?.(Math.max(0, now - dueAt));
      this.#start(entry, dueAt);
      if (this.#monotonic() - now >= TURN_MS) {
        this.#nextTurn = setImmediate(() => {
          this.#nextTurn = null;
          this.#startDue();
        });
        return;
      }
    }
    this.#arm();
  }

  #start(entry: Entry, dueAt: number): void {
    const { job } = entry;
    this.#running += 1;
    begin(job).then(
      (delayMs) => {
        this.#again(entry, dueAt, delayMs);
        this.#ended();
      },
      (error: unknown) => {
        this.#hooks.onBroken?.(job, error);
        this.#again(entry, dueAt, job.intervalMs);
        this.#ended();
      },
    );
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#running === 0) {
      this.#whenIdle?.();
    }
  }

  #again(entry: Entry, dueAt: number, delayMs: number | null): void {
    const { job, spread, inForce } = entry;
    if (this.#stopped || !inForce) {
      return;
    }
    if (delayMs === null) {
      this.remove(job.id);
      return;
    }
    // A delay shorter than the interval confirms what was just seen: it neither waits, nor has missed anything.
    const regular = delayMs >= job.intervalMs;
    const shiftMs = regular && !spread ? secondStartShift(job.id, job.intervalMs, job.tickMs) : 0;
    const next = nextStart(dueAt + shiftMs, delayMs, this.#monotonic());
    if (next.missed > 0 && regular) {
      this.#hooks.onMissed?.(job, next.missed);
    }
    entry.spread = spread || regular;
    this.#queue.push(next.dueAt, entry);
    this.#arm();
  }
}

/** A job that throws instead of rejecting would take all others with it. */
function begin(job: Job): ReturnType<Job["run"]> {
  try {
    return job.run();
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
