/** Of the time, a server's answers may stall the event loop for one part in so many. */
const PAUSE_PER_STALL = 20;
const MIN_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 600_000;
/** Endpoints that pause at once; beyond, the one whose pause ends first is let go. */
const MAX_PAUSED = 1_000;

/** How long the probes of a server pause after its answers stalled the event loop, in milliseconds. */
export function pauseAfterStallMs(stallMs: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_PER_STALL * stallMs));
}

/**
 * Endpoints (address and port) whose probes pause because handling their answers stalled the event loop, so that they cannot keep others
 * from being heard. An entry ends with its pause. Times are milliseconds on a monotonic clock.
 */
export class StallBackOff {
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** Begins a pause, or makes it longer; tells how long it is. */
  stalled(endpoint: string, stallMs: number, now: number): number {
    const pauseMs = pauseAfterStallMs(stallMs);
    const until = Math.max(now + pauseMs, this.#until.get(endpoint) ?? -Infinity);
    this.#forgetPast(now);
    this.#until.set(endpoint, until);
    return until - now;
  }

  isPaused(endpoint: string, now: number): boolean {
    return now < (this.#until.get(endpoint) ?? -Infinity);
  }

  #forgetPast(now: number): void {
    let soonest: string | null = null;
    let soonestAt = Infinity;
    for (const [endpoint, until] of this.#until) {
      if (until <= now) {
        this.#until.delete(endpoint);
      } else if (until < soonestAt) {
        [soonest, soonestAt] = [endpoint, until];
      }
    }
    if (this.#until.size >= MAX_PAUSED && soonest !== null) {
      this.#until.delete(soonest);
    }
  }
}
