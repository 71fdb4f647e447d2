import { PHASES, type Observation, type PhaseName, type Phases } from "../../model/observation.ts";
import { certificateFactsBytes } from "../../net/certificate-facts.ts";

/** The data of a run that repeats the previous result. */
interface RunTimes {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly responseTimeMs: number | null;
  readonly phases: Phases;
  /** The previous row of the same probe; -1 if there is none. */
  readonly previous: number;
}

const OWN_COLUMNS = 4;
const COLUMNS = OWN_COLUMNS + PHASES.length;
const ROW_BYTES = COLUMNS * Float64Array.BYTES_PER_ELEMENT;
const FIRST_ROWS = 1_024;

/**
 * Run times as plain numbers in one buffer, which grows to its limit and then becomes a ring; thousands of objects per second
 * would burden the garbage collector. Row numbers start at 0 and never change.
 */
class RunTimesRing {
  readonly #mostRows: number;
  #rows = new Float64Array(0);
  #next = 0;

  constructor(maxBytes: number) {
    this.#mostRows = Math.max(1, Math.floor(maxBytes / ROW_BYTES));
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  /** Number of readable rows. */
  get count(): number {
    return Math.min(this.#next, this.#capacity);
  }

  /** Writes a row and returns its number. */
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

  /** Null if the row does not exist or has been overwritten. */
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

/** One run of a probe in the history. */
export interface PastRun {
  readonly probeId: string;
  readonly observation: Observation;
  readonly passed: boolean | null;
}

/** A complete run, and the number of the last row written before it. */
interface WholeRun {
  readonly run: PastRun;
  readonly after: number;
}

interface ProbeRuns {
  /** Oldest first. */
  readonly whole: WholeRun[];
  lastRow: number;
}

/** Share of the memory for runs that repeat the previous result. */
const REPEATED_SHARE = 1 / 4;
const NO_ROW = -1;

/**
 * The last runs of all probes within a byte limit; the oldest are evicted first, regardless of their probe. A passed run that
 * repeats the previous result keeps only its times and shares that run's evidence. Sizes of complete runs are estimated from
 * their largest parts: transcripts and certificates.
 */
export class ObservationRing {
  readonly #maxBytes: number;
  readonly #repeated: RunTimesRing;
  /** Complete runs, oldest first, from `#head` on; the empty slots before it are reclaimed from time to time. */
  #runs: (PastRun | null)[] = [];
  #head = 0;
  #wholeBytes = 0;
  readonly #byProbe = new Map<string, ProbeRuns>();

  constructor(maxBytes: number) {
    this.#repeated = new RunTimesRing(maxBytes * REPEATED_SHARE);
    this.#maxBytes = maxBytes * (1 - REPEATED_SHARE);
  }

  add(run: PastRun): void {
    let own = this.#byProbe.get(run.probeId);
    if (own === undefined) {
      own = { whole: [], lastRow: NO_ROW };
      this.#byProbe.set(run.probeId, own);
    }
    const before = own.whole.at(-1)?.run;
    if (before !== undefined && repeats(run, before)) {
      own.lastRow = this.#repeated.add(run.observation, own.lastRow);
      return;
    }
    own.whole.push({ run, after: own.lastRow });
    this.#runs.push(run);
    this.#wholeBytes += sizeOf(run);
    while (this.#wholeBytes > this.#maxBytes && this.#head < this.#runs.length) {
      this.#dropOldest();
    }
  }

  /** The last runs of a probe, newest first. */
  last(probeId: string, count: number): readonly PastRun[] {
    const own = this.#byProbe.get(probeId);
    const found: PastRun[] = [];
    let row = own?.lastRow ?? NO_ROW;
    for (let index = (own?.whole.length ?? 0) - 1; index >= 0 && found.length < count; index--) {
      const whole = own?.whole[index];
      while (whole !== undefined && row > whole.after && found.length < count) {
        const times = this.#repeated.read(row);
        if (times === null) {
          break;
        }
        const { previous, ...ownTimes } = times;
        found.push({ ...whole.run, observation: { ...whole.run.observation, ...ownTimes } });
        row = previous;
      }
      if (whole !== undefined && found.length < count) {
        found.push(whole.run);
        row = Math.min(row, whole.after);
      }
    }
    return found;
  }

  get bytes(): number {
    return this.#wholeBytes + this.#repeated.bytes;
  }

  #dropOldest(): void {
    const oldest = this.#runs[this.#head] ?? null;
    this.#runs[this.#head] = null;
    this.#head += 1;
    if (oldest !== null) {
      this.#wholeBytes -= sizeOf(oldest);
      // The oldest run overall is also the oldest of its probe. Rows that repeat it are unreadable without it.
      const own = this.#byProbe.get(oldest.probeId);
      own?.whole.shift();
      if (own?.whole.length === 0) {
        this.#byProbe.delete(oldest.probeId);
      }
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** Whether only the times of this run are new. */
function repeats({ observation, passed }: PastRun, before: PastRun): boolean {
  const earlier = before.observation;
  return (
    passed === true &&
    before.passed === true &&
    observation.outcome === earlier.outcome &&
    observation.step === earlier.step &&
    observation.servedBy === earlier.servedBy &&
    observation.backendServer === earlier.backendServer &&
    observation.exchangeSeen === earlier.exchangeSeen &&
    observation.tls?.chain[0]?.sha256 === earlier.tls?.chain[0]?.sha256 &&
    observation.tls?.verification === earlier.tls?.verification &&
    observation.tls?.protocol === earlier.tls?.protocol
  );
}

const BASE_BYTES = 800;

function sizeOf({ observation }: PastRun): number {
  const { transcript, detail } = observation.evidence;
  const chain = observation.tls?.chain ?? [];
  const certificateBytes = chain.reduce((sum, each) => sum + certificateFactsBytes(each), 0);
  return BASE_BYTES + 2 * (transcript.length + (detail?.length ?? 0)) + certificateBytes;
}
