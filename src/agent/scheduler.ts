import { fnv1a } from "../lib/bytes.ts";
import { MAX_TIMER_MS } from "../lib/timers.ts";

/**
 * When probes start: pure functions, then the scheduler with its timer. All times are milliseconds on one monotonic clock.
 */

/** First starts are spread over at most this time. */
const FIRST_START_WITHIN_MS = 10_000;

/**
 * Starts are aligned to multiples of this, so that several probes start at each wake-up. With single probes, a process
 * spends more on waking up than on probing (docs/dev/performance.md).
 */
export const START_TICK_MS = 50;

/** A hash of a probe's ID as a fraction in [0, 1), which is the same after every restart. */
export function spreadOf(id: string): number {
  let hash = fnv1a(id);
  // FNV's low bits are weak for ids that differ only in their tail: fold the high half in.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 0x1_0000_0000;
}

/** Wider ticks for probes that share one process when they start together. */
const BATCH_TICK_MS = 500;

/** The tick of probes that are sent in batches; fast monitors keep the narrow one. */
export function batchTickMs(intervalMs: number): number {
  return isAligned(intervalMs, BATCH_TICK_MS) && intervalMs >= 4 * BATCH_TICK_MS
    ? BATCH_TICK_MS
    : START_TICK_MS;
}

/** When a probe first starts: spread over its interval, but within {@link FIRST_START_WITHIN_MS}. */
export function firstStart(
  id: string,
  intervalMs: number,
  now: number,
  tickMs = START_TICK_MS,
): number {
  const spanMs = Math.min(intervalMs, FIRST_START_WITHIN_MS);
  return isAligned(intervalMs, tickMs)
    ? Math.ceil(now / tickMs) * tickMs + wholeTicks(spreadOf(id) * spanMs, tickMs)
    : now + spreadOf(id) * spanMs;
}

/**
 * A one-time delay that spreads the starts of slow probes over their whole interval, because first starts fall within ten
 * seconds. It applies to the first start that follows a whole interval, not to one after a shorter delay (a confirmation,
 * a short down time). It never moves a start earlier, because no probe may run more often than its monitor.
 */
export function secondStartShift(id: string, intervalMs: number, tickMs = START_TICK_MS): number {
  const shiftMs = spreadOf(id) * (intervalMs - Math.min(intervalMs, FIRST_START_WITHIN_MS));
  return isAligned(intervalMs, tickMs) ? wholeTicks(shiftMs, tickMs) : shiftMs;
}

/** Only intervals of whole ticks stay aligned. */
function isAligned(intervalMs: number, tickMs: number): boolean {
  return intervalMs % tickMs === 0;
}

function wholeTicks(atMs: number, tickMs: number): number {
  return Math.floor(atMs / tickMs) * tickMs;
}

/** Position of a job in its interval, for the schedule after a reload. */
export interface SchedulePosition {
  /** When the last started run was due; null before the first start. */
  readonly startedAt: number | null;
  readonly dueAt: number;
  readonly intervalMs: number;
  /** The delay of {@link secondStartShift} has been applied. */
  readonly spread: boolean;
}

/**
 * When a job of an earlier schedule starts next: when it was due there, but not before its interval has passed since its
 * last start. A job that became due meanwhile starts at once, so that frequent reloads starve no probe.
 */
export function continuedStart(
  position: SchedulePosition,
  intervalMs: number,
  now: number,
): number {
  if (position.intervalMs === intervalMs) {
    return Math.max(now, position.dueAt);
  }
  return position.startedAt === null
    ? Math.max(now, Math.min(position.dueAt, now + intervalMs))
    : Math.max(now, position.startedAt + intervalMs);
}

interface NextStart {
  readonly dueAt: number;
  /** Starts that were due while the job was still running. They are skipped. */
  readonly missed: number;
}

/**
 * The start after one that was due at `dueAt`: `delayMs` later, regardless of when the job really started, so that delays do
 * not add up. A job that overran skips to the next start in the future.
 */
export function nextStart(dueAt: number, delayMs: number, now: number): NextStart {
  const next = dueAt + delayMs;
  if (next >= now || delayMs <= 0) {
    return { dueAt: Math.max(next, now), missed: 0 };
  }
  const missed = Math.ceil((now - next) / delayMs);
  return { dueAt: next + missed * delayMs, missed };
}

/** A binary heap ordered by due time; push and pop take O(log n). */
export class DueQueue<T> {
  readonly #entries: { dueAt: number; item: T }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** When the earliest entry is due, or null when there is none. */
  get earliest(): number | null {
    return this.#entries[0]?.dueAt ?? null;
  }

  push(dueAt: number, item: T): void {
    const entries = this.#entries;
    const entry = { dueAt, item };
    let index = entries.length;
    entries.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || parent.dueAt <= dueAt) {
        break;
      }
      entries[index] = parent;
      index = parentIndex;
    }
    entries[index] = entry;
  }

  /** Removes and returns the earliest entry if it is due at `now`. */
  popDue(now: number): { dueAt: number; item: T } | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.dueAt > now) {
      return undefined;
    }
    const last = this.#entries.pop();
    if (last !== undefined && last !== first) {
      this.#sink(last);
    }
    return first;
  }

  /** Removes the other entries. O(n log n). */
  keep(isKept: (item: T) => boolean): void {
    const kept = this.#entries.filter(({ item }) => isKept(item));
    this.clear();
    for (const { dueAt, item } of kept) {
      this.push(dueAt, item);
    }
  }

  clear(): void {
    this.#entries.length = 0;
  }

  #sink(entry: { dueAt: number; item: T }): void {
    const entries = this.#entries;
    const length = entries.length;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = entries[childIndex];
      const right = entries[childIndex + 1];
      if (child !== undefined && right !== undefined && right.dueAt < child.dueAt) {
        childIndex += 1;
        child = right;
      }
      if (childIndex >= length || child === undefined || child.dueAt >= entry.dueAt) {
        break;
      }
      entries[index] = child;
      index = childIndex;
    }
    entries[index] = entry;
  }
}

/** Something that runs repeatedly. */
export interface Job {
  readonly id: string;
  readonly intervalMs: number;
  /** A wider tick than {@link START_TICK_MS}, so that more jobs start together. */
  readonly tickMs?: number;
  /**
   * Runs once and returns the delay from this start to the next; null ends the job. If it rejects, which only a bug causes,
   * `onBroken` is called and the job starts again after its interval.
   */
  readonly run: () => Promise<number | null>;
}

interface SchedulerHooks {
  /** How late a start was, in milliseconds. */
  readonly onLag?: (lagMs: number) => void;
  readonly onMissed?: (job: Job, missed: number) => void;
  readonly onBroken?: (job: Job, error: unknown) => void;
}

interface Entry {
  readonly job: Job;
  /** As in SchedulePosition. */
  spread: boolean;
  startedAt: number | null;
  dueAt: number;
  /** Cleared when the job is removed; its entry leaves the queue later. */
  inForce: boolean;
  /** Called at the end of each run; one closure per job, not per run. */
  readonly onEnd: (delayMs: number | null) => void;
  readonly onBreak: (error: unknown) => void;
}

/** Maximum time for starting due jobs before the event loop gets control. */
const TURN_MS = 20;

/** Entries of removed jobs are deleted together when they exceed this and the number of jobs. */
const MAX_DEAD_ENTRIES = 1_000;

/** Starts jobs by one timer. No job runs twice at the same time. */
export class Scheduler {
  readonly #queue = new DueQueue<Entry>();
  readonly #hooks: SchedulerHooks;
  readonly #monotonic: () => number;
  #running = 0;
  /** Called when the last running job has ended after a stop. */
  #whenIdle: (() => void) | null = null;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | null = null;
  #timerDueAt = Infinity;
  /** Set while due starts wait for the next turn of the event loop. */
  #nextTurn: NodeJS.Immediate | null = null;
  #stopped = false;

  constructor(monotonic: () => number, hooks: SchedulerHooks = {}) {
    this.#monotonic = monotonic;
    this.#hooks = hooks;
  }

  /** Adds a job, or replaces the one with its ID. `position`: from an earlier scheduler; else it first starts at `firstAt`, or by its spread. */
  add(job: Job, firstAt?: number, position?: SchedulePosition): void {
    if (this.#stopped) {
      return;
    }
    this.remove(job.id);
    const now = this.#monotonic();
    const dueAt =
      position === undefined
        ? (firstAt ?? firstStart(job.id, job.intervalMs, now, job.tickMs))
        : continuedStart(position, job.intervalMs, now);
    const { spread, startedAt } = position ?? { spread: false, startedAt: null };
    const entry: Entry = {
      job,
      spread,
      startedAt,
      dueAt,
      inForce: true,
      onEnd: (delayMs) => {
        this.#reschedule(entry, delayMs);
        this.#runEnded();
      },
      onBreak: (error) => {
        this.#hooks.onBroken?.(job, error);
        this.#reschedule(entry, job.intervalMs);
        this.#runEnded();
      },
    };
    this.#entries.set(job.id, entry);
    this.#queue.push(dueAt, entry);
    this.#arm();
  }

  /** Removes a job; a run in progress continues to its end. */
  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) {
      entry.inForce = false;
      this.#entries.delete(id);
      if (this.#queue.size > 2 * this.#entries.size + MAX_DEAD_ENTRIES) {
        this.#queue.keep(({ inForce }) => inForce);
      }
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Queued starts, including those of recently removed jobs. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Positions of all jobs by ID; valid after a stop, too. */
  positions(): ReadonlyMap<string, SchedulePosition> {
    return new Map(
      [...this.#entries].map(([id, { job, startedAt, dueAt, spread }]) => [
        id,
        { startedAt, dueAt, intervalMs: job.intervalMs, spread },
      ]),
    );
  }

  /** Stops starting jobs and waits for running ones. May be called repeatedly. */
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
      // If this fires before the start is due, the timer is set again.
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
    entry.startedAt = dueAt;
    this.#running += 1;
    runJob(entry.job).then(entry.onEnd, entry.onBreak);
  }

  #runEnded(): void {
    this.#running -= 1;
    if (this.#running === 0) {
      this.#whenIdle?.();
    }
  }

  #reschedule(entry: Entry, delayMs: number | null): void {
    const { job, spread, inForce, startedAt: dueAt } = entry;
    if (!inForce || dueAt === null) {
      return;
    }
    if (delayMs === null) {
      this.remove(job.id);
      return;
    }
    // A shorter delay than the interval is for a confirmation: it is not spread, and no start counts as missed.
    const regular = delayMs >= job.intervalMs;
    const shiftMs = regular && !spread ? secondStartShift(job.id, job.intervalMs, job.tickMs) : 0;
    const next = nextStart(dueAt + shiftMs, delayMs, this.#monotonic());
    entry.spread = spread || regular;
    entry.dueAt = next.dueAt;
    if (this.#stopped) {
      return;
    }
    if (next.missed > 0 && regular) {
      this.#hooks.onMissed?.(job, next.missed);
    }
    this.#queue.push(next.dueAt, entry);
    this.#arm();
  }
}

/** Runs a job; an exception becomes a rejection, so that it stops no other job. */
function runJob(job: Job): ReturnType<Job["run"]> {
  try {
    return job.run();
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
