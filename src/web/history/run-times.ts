import { PHASES, type Observation, type PhaseName, type Phases } from "../../probes/probe.ts";

/** What one run that said nothing new had of its own. */
export interface RunTimes {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly responseTimeMs: number | null;
  readonly phases: Phases;
  /** The row of the same probe before this one; -1 where there is none. */
  readonly previous: number;
}

const OWN_COLUMNS = 4;
const COLUMNS = OWN_COLUMNS + PHASES.length;
export const ROW_BYTES = COLUMNS * Float64Array.BYTES_PER_ELEMENT;
const FIRST_ROWS = 1_024;

/**
 * Times of runs as plain numbers in one block that grows to its bound and then turns into a ring: thousands of runs a
 * second would else be the garbage collector's main work. Rows are numbered from 0 on and never renumbered.
 */
export class RunTimesRing {
  readonly #mostRows: number;
  #rows = new Float64Array(0);
  #next = 0;

  constructor(maxBytes: number) {
    this.#mostRows = Math.max(1, Math.floor(maxBytes / ROW_BYTES));
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  /** Rows that can still be read. */
  get count(): number {
    return Math.min(this.#next, this.#capacity);
  }

  /** Writes a row and tells its number. */
  add(observation: Observation, previous: number): number {
    this.#grow();
    const at = (this.#next % this.#capacity) * COLUMNS;
    const rows = this.#rows;
    rows[at] = previous;
    rows[at + 1] = observation.startedAt;
    rows[at + 2] = observation.durationMs;
    rows[at + 3] = observation.responseTimeMs ?? NaN;
    for (let index = 0; index < PHASES.length; index++) {
      rows[at + OWN_COLUMNS + index] = observation.phases[PHASES[index] as PhaseName] ?? NaN;
    }
    return this.#next++;
  }

  /** Null when there never was such a row, or it has been overwritten. */
  read(row: number): RunTimes | null {
    if (row < 0 || row >= this.#next || row < this.#next - this.#capacity) {
      return null;
    }
    const at = (row % this.#capacity) * COLUMNS;
    const [previous = -1, startedAt = 0, durationMs = 0, responseTimeMs = NaN, ...spans] =
      this.#rows.subarray(at, at + COLUMNS);
    const phases: Partial<Record<PhaseName, number>> = {};
    for (const [index, phase] of PHASES.entries()) {
      const spent = spans[index] ?? NaN;
      if (!Number.isNaN(spent)) {
        phases[phase] = spent;
      }
    }
    return {
      previous,
      startedAt,
      durationMs,
      responseTimeMs: Number.isNaN(responseTimeMs) ? null : responseTimeMs,
      phases,
    };
  }

  get #capacity(): number {
    return this.#rows.length / COLUMNS;
  }

  #grow(): void {
    if (this.#next < this.#capacity || this.#capacity >= this.#mostRows) {
      return;
    }
    const rows = new Float64Array(
      Math.min(this.#mostRows, Math.max(FIRST_ROWS, 2 * this.#capacity)) * COLUMNS,
    );
    rows.set(this.#rows);
    this.#rows = rows;
  }
}
