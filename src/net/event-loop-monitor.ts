/** How often the event loop is looked at while probes are under way. */
const BEAT_MS = 100;
/** So late a beat may come before it counts: what a busy turn or a collection of garbage takes. */
const SLACK_MS = 100;
/** Handling one answer for so long is a stall of its own. */
const STALL_MS = BEAT_MS + SLACK_MS;

/** Whose answers are handled on the event loop; notified how much processor time that took if it stalled the loop. */
export interface StallCause {
  stalledMs: number;
}

/**
 * How long the event loop stalled (by our own work, a stopped process, a machine without a free processor): time that a
 * server's answer could not be read in; and who stalled it. One timer however many probes are under way, and none while
 * there are none.
 */
export class EventLoopMonitor {
  readonly #monotonic: () => number;
  readonly #cpuMs: () => number;
  #timer: NodeJS.Timeout | null = null;
  #beatAt = 0;
  #cpuAtBeat = 0;
  #stalledMs = 0;
  #runs = 0;
  /** Who was called last in this turn of the loop, and when: what runs on until the next call is its work. */
  #source: StallCause | null = null;
  #calledAt = 0;
  #turnEnds = false;
  readonly #endTurn = (): void => {
    this.#turnEnds = false;
    this.turnTo(null);
  };

  /** `cpuMs`: processor time that this process has used, in milliseconds. */
  constructor(
    monotonic: () => number = () => performance.now(),
    cpuMs: () => number = processorTimeMs,
  ) {
    this.#monotonic = monotonic;
    this.#cpuMs = cpuMs;
  }

  /** A probe begins; returns the time stalled so far, to compare with later. */
  enter(): number {
    this.#runs += 1;
    if (this.#timer === null) {
      this.#beatAt = this.#monotonic();
      this.#cpuAtBeat = this.#cpuMs();
      this.#timer = setInterval(() => this.#beat(), BEAT_MS).unref();
    }
    return this.stalledMs();
  }

  leave(): void {
    this.#runs -= 1;
  }

  /** In this turn, the event loop now handles something that came from there; null: that is over. */
  turnTo(source: StallCause | null): void {
    const now = this.#monotonic();
    this.#settle(now);
    this.#source = source;
    this.#calledAt = now;
    if (source !== null && !this.#turnEnds) {
      // What the agent does after this turn of the loop is nobody's fault but its own.
      this.#turnEnds = true;
      setImmediate(this.#endTurn);
    }
  }

  /** Milliseconds stalled since the beginning, the stall that is just ending included. */
  stalledMs(): number {
    return this.#stalledMs + this.#lateMs(this.#monotonic());
  }

  #beat(): void {
    const now = this.#monotonic();
    this.#stalledMs += this.#lateMs(now);
    this.#settle(now);
    this.#source = null;
    this.#beatAt = now;
    this.#cpuAtBeat = this.#cpuMs();
    if (this.#runs === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /**
   * An idle loop beats: a long time without a beat was work of whoever was called last, as far as a processor was used. The
   * rest was taken from us (the process was stopped, or others had the processor).
   */
  #settle(now: number): void {
    const sinceMs = now - this.#calledAt;
    if (this.#source !== null && sinceMs >= STALL_MS) {
      const workMs = Math.min(sinceMs, this.#cpuMs() - this.#cpuAtBeat);
      this.#source.stalledMs += workMs >= STALL_MS ? workMs : 0;
    }
  }

  #lateMs(now: number): number {
    const lateMs = now - this.#beatAt - BEAT_MS;
    return lateMs > SLACK_MS ? lateMs : 0;
  }
}

function processorTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
