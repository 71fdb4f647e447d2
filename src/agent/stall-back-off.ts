/** Of the time, a server's answers may stall the event loop for one part in so many. */
const PAUSE_PER_STALL = 20;
const MIN_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 600_000;
/** Addresses that pause at once; beyond, the one whose pause ends first is let go. */
const MAX_PAUSED = 1_000;

/** How long the probes of a server pause after its answers stalled the event loop, in milliseconds. */
export function pauseAfterStallMs(stallMs: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_PER_STALL * stallMs));
}

/**
 * Addresses whose probes pause because handling their answers stalled the event loop, so that they cannot keep others
 * from being heard. An entry ends with its pause. Times are milliseconds on a monotonic clock.
 */
export class StallBackOff {
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** Begins a pause, or makes it longer; tells how long it is. */
  stalled(address: string, stallMs: number, now: number): number {
    const pauseMs = pauseAfterStallMs(stallMs);
    const until = Math.max(now + pauseMs, this.#until.get(address) ?? -Infinity);
    this.#forgetPast(now);
    this.#until.set(address, until);
    return until - now;
  }

  isPaused(address: string, now: number): boolean {
    return now < (this.#until.get(address) ?? -Infinity);
  }

  #forgetPast(now: number): void {
    let soonest: string | null = null;
    let soonestAt = Infinity;
    for (const [address, until] of this.#until) {
      if (until <= now) {
        this.#until.delete(address);
      } else if (until < soonestAt) {
        [soonest, soonestAt] = [address, until];
      }
    }
    if (this.#until.size >= MAX_PAUSED && soonest !== null) {
      this.#until.delete(soonest);
    }
  }
}
