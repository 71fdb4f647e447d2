/** Interval between checks of the event loop while probes run. */
const BEAT_MS = 100;
/** Lateness of a check that is tolerated: a busy turn or a garbage collection. */
const SLACK_MS = 100;
/** Handling one response for this long is itself a stall. */
const STALL_MS = BEAT_MS + SLACK_MS;

/** The source of a response; notified of the CPU time if handling it stalled the loop. */
export interface StallCause {
  stalledMs: number;
}

/**
 * Measures how long the event loop stalled and who stalled it (our own work, a stopped process, an overloaded host). During a
 * stall no response can be read. Uses one timer for all probes, and none while no probe runs.
 */
export class EventLoopMonitor {
  readonly #monotonic: () => number;
  readonly #cpuMs: () => number;
  #timer: NodeJS.Timeout | null = null;
  #beatAt = 0;
  #cpuAtBeat = 0;
  #stalledMs = 0;
  #runs = 0;
  /** The source called last in this turn of the loop, and when; time until the next call is attributed to it. */
  #source: StallCause | null = null;
  #sourceSince = 0;
  #isTurnEndScheduled = false;
  readonly #endTurn = (): void => {
    this.#isTurnEndScheduled = false;
    this.attributeTo(null);
  };

  /** `cpuMs`: processor time that this process has used, in milliseconds. */
  constructor(
    monotonic: () => number = () => performance.now(),
    cpuMs: () => number = processorTimeMs,
  ) {
    this.#monotonic = monotonic;
    this.#cpuMs = cpuMs;
  }

  /** Marks the start of a probe; returns the total stall time so far. */
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

  /** Attributes the rest of this turn to a source; null: to none. */
  attributeTo(source: StallCause | null): void {
    const now = this.#monotonic();
    this.#attributeElapsed(now);
    this.#source = source;
    this.#sourceSince = now;
    if (source !== null && !this.#isTurnEndScheduled) {
      // Work after this turn of the loop is attributed to the agent itself.
      this.#isTurnEndScheduled = true;
      setImmediate(this.#endTurn);
    }
  }

  /** Total stall time in milliseconds, including a stall that is just ending. */
  stalledMs(): number {
    return this.#stalledMs + this.#lateMs(this.#monotonic());
  }

  #beat(): void {
    const now = this.#monotonic();
    this.#stalledMs += this.#lateMs(now);
    this.#attributeElapsed(now);
    this.#source = null;
    this.#beatAt = now;
    this.#cpuAtBeat = this.#cpuMs();
    if (this.#runs === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /**
   * The timer fires regularly while the loop is idle. A gap is attributed to the source called last, up to the CPU time used;
   * the rest was a stopped process or a busy host.
   */
  #attributeElapsed(now: number): void {
    const sinceMs = now - this.#sourceSince;
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
