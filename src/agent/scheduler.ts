import { fnv1a } from "../lib/bytes.ts";
import { MAX_TIMER_MS } from "../lib/timers.ts";

/**
 * When probes start. Pure: the scheduler's timers are a thin shell around these decisions (scheduler.ts).
 * All times are milliseconds on one monotonic clock.
 */

/** First starts are spread, but no probe waits longer than this for its first start. */
const FIRST_START_WITHIN_MS = 10_000;

/**
 * Starts are gathered: first ones fall on whole multiples of this on the monotonic clock, and intervals of whole ticks keep
 * them there. A process that sleeps between single probes spends more on waking than on probing (docs/dev/performance.md).
 */
export const START_TICK_MS = 50;

/** A stable hash of a probe's identity, as a fraction in [0, 1). FNV-1a: the same estate spreads the same way after every restart. */
export function spreadOf(id: string): number {
  let hash = fnv1a(id);
  // FNV's low bits are weak for ids that differ only in their tail: fold the high half in.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 0x1_0000_0000;
}

/** Wider ticks for probes that share one process when they start together: each batch costs as much as many of them. */
const BATCH_TICK_MS = 500;

/** The ticks of probes that are sent in batches; a fast monitor's starts are not crowded into a few moments. */
export function batchTickMs(intervalMs: number): number {
  return isGathered(intervalMs, BATCH_TICK_MS) && intervalMs >= 4 * BATCH_TICK_MS
    ? BATCH_TICK_MS
    : START_TICK_MS;
}

/** When a probe first starts: spread over its interval, but within ten seconds. */
export function firstStart(
  id: string,
  intervalMs: number,
  now: number,
  tickMs = START_TICK_MS,
): number {
  const spanMs = Math.min(intervalMs, FIRST_START_WITHIN_MS);
  return isGathered(intervalMs, tickMs)
    ? Math.ceil(now / tickMs) * tickMs + wholeTicks(spreadOf(id) * spanMs, tickMs)
    : now + spreadOf(id) * spanMs;
}

/**
 * How much later than its grid the second start comes, once: first starts crowd into ten seconds, and from then on a
 * slower probe's starts are spread over its whole interval. Where the second follows after a shorter delay (a look that
 * confirms, a short down time), it is the first that comes a whole interval after another. Never sooner, for no probe may
 * outrun its monitor.
 */
export function secondStartShift(id: string, intervalMs: number, tickMs = START_TICK_MS): number {
  const shiftMs = spreadOf(id) * (intervalMs - Math.min(intervalMs, FIRST_START_WITHIN_MS));
  return isGathered(intervalMs, tickMs) ? wholeTicks(shiftMs, tickMs) : shiftMs;
}

/** Only what comes round in whole ticks can stay on them; others, such as monitors of some milliseconds, keep their own time. */
function isGathered(intervalMs: number, tickMs: number): boolean {
  return intervalMs % tickMs === 0;
}

function wholeTicks(atMs: number, tickMs: number): number {
  return Math.floor(atMs / tickMs) * tickMs;
}

/** How far a probe has come on one schedule, for the schedule that follows it. */
export interface StartPlace {
  /** When it was last due and started; null before its first start. */
  readonly startedAt: number | null;
  readonly dueAt: number;
  readonly intervalMs: number;
  /** Its starts have found their place in the interval. */
  readonly spread: boolean;
}

/**
 * When a probe goes on that an earlier schedule started, or was to start: at its time there, and never sooner than its
 * interval after its last start. What became due in between starts at once: however often schedules follow one another,
 * every probe has its turn.
 */
export function continuedStart(place: StartPlace, intervalMs: number, now: number): number {
  if (place.intervalMs === intervalMs) {
    return Math.max(now, place.dueAt);
  }
  return place.startedAt === null
    ? Math.max(now, Math.min(place.dueAt, now + intervalMs))
    : Math.max(now, place.startedAt + intervalMs);
}

interface NextStart {
  readonly dueAt: number;
  /** Starts that were due while the probe was still running: counted as missed, never queued. */
  readonly missed: number;
}

/**
 * The start after one that was due at `dueAt`: a delay later on the same grid, so that lateness never adds up.
 * A probe that overran skips to the next point of its grid that is still ahead.
 */
export function nextStart(dueAt: number, delayMs: number, now: number): NextStart {
  const next = dueAt + delayMs;
  if (next >= now || delayMs <= 0) {
    return { dueAt: Math.max(next, now), missed: 0 };
  }
  const missed = Math.ceil((now - next) / delayMs);
  return { dueAt: next + missed * delayMs, missed };
}

/** A binary heap of what is due when: push and pop in O(log n), so that ten thousand probes cost no more than ten. */
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

  /** Takes out the earliest entry if it is due at `now`, else undefined. */
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

  /** Drops every entry whose item is not to be kept. O(n log n). */
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

/** Something that is started again and again. */
export interface Job {
  readonly id: string;
  readonly intervalMs: number;
  /** Wider ticks than those on which all starts are gathered, to meet others that can share the work. */
  readonly tickMs?: number;
  /**
   * Runs once and returns how long after its start the next one is due; null ends the job. Should it reject, which only a
   * bug of ours causes, it is logged and started again after its interval.
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
  /** As in StartPlace. */
  spread: boolean;
  startedAt: number | null;
  dueAt: number;
  /** Cleared when the job is taken out: an entry of the queue is then dropped when it comes up, or with many others. */
  inForce: boolean;
  /** Called at the end of each run: made once, not for each. */
  readonly onEnd: (delayMs: number | null) => void;
  readonly onBreak: (error: unknown) => void;
}

/** Maximum time that starts due together may occupy the event loop before it yields. */
const TURN_MS = 20;

/** Entries of jobs that were taken out are dropped together once there are so many, and more than there are jobs. */
const MAX_DEAD_ENTRIES = 1_000;

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

  /** `place`: where an earlier scheduler left it; else it first starts at `firstAt`, or by its own spread. */
  add(job: Job, firstAt?: number, place?: StartPlace): void {
    if (this.#stopped) {
      return;
    }
    // A job of the same id takes the other's place.
    this.remove(job.id);
    const now = this.#monotonic();
    const dueAt =
      place === undefined
        ? (firstAt ?? firstStart(job.id, job.intervalMs, now, job.tickMs))
        : continuedStart(place, job.intervalMs, now);
    const { spread, startedAt } = place ?? { spread: false, startedAt: null };
    const entry: Entry = {
      job,
      spread,
      startedAt,
      dueAt,
      inForce: true,
      onEnd: (delayMs) => {
        this.#again(entry, delayMs);
        this.#ended();
      },
      onBreak: (error) => {
        this.#hooks.onBroken?.(job, error);
        this.#again(entry, job.intervalMs);
        this.#ended();
      },
    };
    this.#entries.set(job.id, entry);
    this.#queue.push(dueAt, entry);
    this.#arm();
  }

  /** Takes a job out; one that is running ends by itself and is not started again. */
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

  /** Starts that are waited for, those of jobs that were taken out lately included. */
  get queued(): number {
    return this.#queue.size;
  }

  /** How far every job has come, by its id; after a stop those that ran till then included. */
  places(): ReadonlyMap<string, StartPlace> {
    return new Map(
      [...this.#entries].map(([id, { job, startedAt, dueAt, spread }]) => [
        id,
        { startedAt, dueAt, intervalMs: job.intervalMs, spread },
      ]),
    );
  }

  /** Stops starting jobs and waits for those that run. Any number of calls. */
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
    entry.startedAt = dueAt;
    this.#running += 1;
    begin(entry.job).then(entry.onEnd, entry.onBreak);
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#running === 0) {
      this.#whenIdle?.();
    }
  }

  #again(entry: Entry, delayMs: number | null): void {
    const { job, spread, inForce, startedAt: dueAt } = entry;
    if (!inForce || dueAt === null) {
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

/** A job that throws instead of rejecting would take all others with it. */
function begin(job: Job): ReturnType<Job["run"]> {
  try {
    return job.run();
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
