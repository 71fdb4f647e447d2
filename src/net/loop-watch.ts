/** How often the event loop is looked at while probes are under way. */
const BEAT_MS = 100;
/** So late a beat may come before it counts: what a busy turn or a collection of garbage takes. */
const SLACK_MS = 100;

/**
 * How long the event loop was held (by our own work, a stopped process, a machine without a free processor): time that a
 * server had no chance to be heard in. One timer however many probes are under way, and none while there are none.
 */
export class LoopWatch {
  readonly #monotonic: () => number;
  #timer: NodeJS.Timeout | null = null;
  #beatAt = 0;
  #heldMs = 0;
  #runs = 0;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** A probe begins; tells the time held so far, to compare with later. */
  enter(): number {
    this.#runs += 1;
    if (this.#timer === null) {
      this.#beatAt = this.#monotonic();
      this.#timer = setInterval(() => this.#beat(), BEAT_MS).unref();
    }
    return this.heldMs();
  }

  leave(): void {
    this.#runs -= 1;
  }

  /** Milliseconds held since the beginning, the hold that is just ending included. */
  heldMs(): number {
    return this.#heldMs + this.#lateMs();
  }

  #beat(): void {
    this.#heldMs += this.#lateMs();
    this.#beatAt = this.#monotonic();
    if (this.#runs === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #lateMs(): number {
    const lateMs = this.#monotonic() - this.#beatAt - BEAT_MS;
    return lateMs > SLACK_MS ? lateMs : 0;
  }
}
