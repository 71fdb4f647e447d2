/** Maximum delay of Node's timers, 24.8 days in milliseconds; longer ones fire at once (Node docs, Timers). */
export const MAX_TIMER_MS = 0x7fff_ffff;

export interface Timer {
  /** Idempotent, also after it has fired. */
  cancel(): void;
}

/**
 * Calls `work` once after `delayMs` milliseconds, without the limit of setTimeout. Use it for every delay from a configuration,
 * a command line or another host.
 */
export function startTimer(delayMs: number, work: () => void): Timer {
  return delayMs > MAX_TIMER_MS ? startLongTimer(delayMs, work) : new NodeTimer(delayMs, work);
}

/** One per probe, so it is kept small. */
class NodeTimer implements Timer {
  readonly #timer: NodeJS.Timeout;

  constructor(delayMs: number, work: () => void) {
    this.#timer = setTimeout(work, delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

function startLongTimer(delayMs: number, work: () => void): Timer {
  const dueAt = performance.now() + delayMs;
  let timer = setTimeout(onTimeout, MAX_TIMER_MS);
  function onTimeout(): void {
    const leftMs = dueAt - performance.now();
    if (leftMs > 0) {
      timer = setTimeout(onTimeout, Math.min(leftMs, MAX_TIMER_MS));
    } else {
      work();
    }
  }
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

/** Resolves after `delayMs` milliseconds (no upper limit), or when the signal is aborted. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) {
    return;
  }
  await new Promise<void>((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = startTimer(delayMs, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/** A signal that is aborted after a limit or with another signal. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Call when the work has ended: clears the timer, which would otherwise keep the process running, and the listener. */
  readonly end: () => void;
}

/**
 * A deadline in `limitMs` milliseconds, or earlier when `signal` is aborted. Unlike `AbortSignal.any` it leaves nothing at the
 * signal, which may last for months and would keep an entry for each signal that was combined with it.
 */
export function startDeadline(limitMs: number, signal?: AbortSignal): Deadline {
  const over = new AbortController();
  const abort = (): void => {
    over.abort();
  };
  const timer = startTimer(limitMs, abort);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) {
    abort();
  }
  return {
    signal: over.signal,
    end: () => {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
    },
  };
}

/** Resolves when the work has ended, after `limitMs`, or when the signal is aborted; rejects if the work rejects first. */
export async function atMost(
  limitMs: number,
  work: Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = startDeadline(limitMs, signal);
  try {
    await Promise.race([work, aborted(deadline.signal)]);
  } finally {
    deadline.end();
  }
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
    }
  });
}

/** Notified when its round is abandoned. */
export interface Abortable {
  abort(): void;
  /** Its index in the watch; set only by the watch. */
  abortIndex: number;
}

/**
 * One listener per signal for all probes. With a listener per probe, adding and removing gets slower with their number (13 µs
 * at 2,000), and Node warns of a leak.
 */
export class AbortWatch {
  readonly #watched = new WeakMap<AbortSignal, AbortableSet>();

  add(signal: AbortSignal, run: Abortable): void {
    const runs = this.#watched.get(signal) ?? this.#watch(signal);
    runs.add(run);
  }

  /** Does nothing if it was not added. */
  remove(signal: AbortSignal, run: Abortable): void {
    this.#watched.get(signal)?.delete(run);
  }

  #watch(signal: AbortSignal): AbortableSet {
    const runs = new AbortableSet();
    signal.addEventListener("abort", () => {
      for (const run of runs.all()) {
        run.abort();
      }
    });
    this.#watched.set(signal, runs);
    return runs;
  }
}

/**
 * A set with slots by index. Not a Set: V8 reallocates the table of a Set from time to time, and old tables in the old
 * generation keep the next table and its content alive, sockets included, until a full collection.
 */
class AbortableSet {
  readonly #slots: (Abortable | null)[] = [];
  #used = 0;

  add(run: Abortable): void {
    run.abortIndex = this.#used;
    this.#slots[this.#used] = run;
    this.#used += 1;
  }

  delete(run: Abortable): void {
    if (this.#slots[run.abortIndex] !== run) {
      return;
    }
    this.#used -= 1;
    const last = this.#slots[this.#used] ?? null;
    this.#slots[this.#used] = null;
    if (last !== null && last !== run) {
      this.#slots[run.abortIndex] = last;
      last.abortIndex = run.abortIndex;
    }
  }

  all(): readonly Abortable[] {
    return this.#slots.filter((run) => run !== null);
  }
}

/** Maximum difference by slewing and between two clock readings; more means that the clock was set. */
const MIN_STEP_MS = 1_000;

/** Detects when the wall clock is set (manually, by NTP, after suspend), by its offset to the monotonic clock. */
export class ClockStepDetector {
  readonly #monotonic: () => number;
  #offsetMs: number;

  constructor(now: () => number, monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#offsetMs = now() - monotonic();
  }

  /** How far the clock was set since the last call; 0 if not. `now`: current wall clock. */
  measure(now: number): number {
    const distanceMs = now - this.#monotonic();
    const stepMs = distanceMs - this.#offsetMs;
    this.#offsetMs = distanceMs;
    return Math.abs(stepMs) < MIN_STEP_MS ? 0 : stepMs;
  }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Format of a duration: whole numbers with units, largest first: `90s`, `1h30m`, `1d`. */
export const DURATION_PATTERN =
  /^(?=\d)(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?$/;

/** Ten years; much longer durations would exceed the range of dates. */
const MAX_DURATION_MS = 3_650 * 24 * 3_600_000;

/** Parses `500ms`, `5s`, `1h30m` or `1d` to milliseconds; null if invalid or longer than ten years. */
export function parseDuration(text: string): number | null {
  if (!DURATION_PATTERN.test(text)) {
    return null;
  }
  const parts = text.matchAll(/(\d{1,9})(ms|[dhms])/g);
  const durationMs = [...parts].reduce((sum, [, number, unit = ""]) => {
    const unitMs = unit === "d" ? 24 * 3_600_000 : (UNITS_MS[unit] ?? 0);
    return sum + Number(number) * unitMs;
  }, 0);
  return durationMs <= MAX_DURATION_MS ? durationMs : null;
}

/** Formats milliseconds in the largest unit that gives a whole number: 90000 is `90s`, 120000 is `2m`. */
export function formatDuration(durationMs: number): string {
  for (const [unit, unitMs] of Object.entries(UNITS_MS).reverse()) {
    if (durationMs >= unitMs && durationMs % unitMs === 0) {
      return `${String(durationMs / unitMs)}${unit}`;
    }
  }
  return `${String(Math.round(durationMs))}ms`;
}

/** Formats a time in the local zone: 2026-11-29 14:02 +01:00. */
export function localTime(atMs: number): string {
  const at = new Date(atMs);
  const offset = -at.getTimezoneOffset();
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  const local = new Date(atMs + offset * 60_000).toISOString();
  const zone = `${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 16)} ${zone}`;
}
