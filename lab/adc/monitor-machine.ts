/** Timing of a monitor, already scaled to the lab's clock. */
export interface MachineSettings {
  readonly intervalMs: number;
  readonly downTimeMs: number;
  readonly retries: number;
  readonly failureRetries: number;
  readonly successRetries: number;
}

export type MonitorVerdict = "UNKNOWN" | "UP" | "DOWN";

/**
 * The state machine of a monitor (Citrix support: how retries, failureRetries and downTime work together). While UP it probes every
 * interval; `retries` failures in a row, or `failureRetries` among the last `retries` probes, make it DOWN. While DOWN
 * it probes every downTime; `successRetries` successes in a row make it UP. One not yet decided is treated as UP is,
 * save that a single success settles it.
 */
export class MonitorMachine {
  readonly #settings: MachineSettings;
  #state: MonitorVerdict = "UNKNOWN";
  #failuresInRow = 0;
  #successesInRow = 0;
  #window: boolean[] = [];

  constructor(settings: MachineSettings) {
    this.#settings = settings;
  }

  get state(): MonitorVerdict {
    return this.#state;
  }

  get failuresInRow(): number {
    return this.#failuresInRow;
  }

  /** Milliseconds from the start of one probe to the start of the next. */
  get periodMs(): number {
    return this.#state === "DOWN" ? this.#settings.downTimeMs : this.#settings.intervalMs;
  }

  record(success: boolean): void {
    this.#successesInRow = success ? this.#successesInRow + 1 : 0;
    this.#failuresInRow = success ? 0 : this.#failuresInRow + 1;
    if (this.#state === "DOWN") {
      if (this.#successesInRow >= this.#settings.successRetries) {
        this.#enter("UP");
      }
      return;
    }
    this.#window = [...this.#window, success].slice(-this.#settings.retries);
    if (this.#exhausted()) {
      this.#enter("DOWN");
    } else if (success && this.#state === "UNKNOWN") {
      this.#enter("UP");
    }
  }

  /** As after the service was enabled again: nothing is known. */
  reset(): void {
    this.#enter("UNKNOWN");
    this.#failuresInRow = 0;
    this.#successesInRow = 0;
  }

  #exhausted(): boolean {
    const { retries, failureRetries } = this.#settings;
    return failureRetries === 0
      ? this.#failuresInRow >= retries
      : this.#window.filter((success) => !success).length >= failureRetries;
  }

  #enter(state: MonitorVerdict): void {
    this.#state = state;
    this.#window = [];
  }
}
