/** What slewing and the time between two clocks' readings may come to; more means that the clock was set. */
const LEAST_STEP_MS = 1_000;

/** Notices when the wall clock is set (by hand, by NTP, after a sleep), by its distance from the monotonic clock. */
export class ClockSteps {
  readonly #monotonic: () => number;
  #distanceMs: number;

  constructor(now: () => number, monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#distanceMs = now() - monotonic();
  }

  /** How far the clock, which shows `now`, was set since the last look; 0 when it only went on. */
  look(now: number): number {
    const distanceMs = now - this.#monotonic();
    const stepMs = distanceMs - this.#distanceMs;
    this.#distanceMs = distanceMs;
    return Math.abs(stepMs) < LEAST_STEP_MS ? 0 : stepMs;
  }
}
