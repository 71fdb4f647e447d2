import type { Observation } from "../../probes/probe.ts";

/** One run of a probe, as it is remembered. */
export interface PastRun {
  readonly probeId: string;
  readonly observation: Observation;
  readonly passed: boolean | null;
}

/**
 * The last runs of all probes in one ring of so many bytes: the oldest go first, whichever probe they belong to.
 * Sizes are estimates by what dominates: transcripts and certificates.
 */
export class ObservationRing {
  readonly #maxBytes: number;
  /** Oldest first, from `#head` on; the space before it is reclaimed now and then. */
  #runs: PastRun[] = [];
  #head = 0;
  #bytes = 0;
  readonly #byProbe = new Map<string, PastRun[]>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(run: PastRun): void {
    this.#runs.push(run);
    this.#bytes += sizeOf(run);
    const own = this.#byProbe.get(run.probeId);
    if (own === undefined) {
      this.#byProbe.set(run.probeId, [run]);
    } else {
      own.push(run);
    }
    while (this.#bytes > this.#maxBytes && this.#head < this.#runs.length) {
      this.#dropOldest();
    }
  }

  /** The last runs of a probe, newest first. */
  last(probeId: string, count: number): readonly PastRun[] {
    return (this.#byProbe.get(probeId) ?? []).slice(-count).reverse();
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#runs.length - this.#head;
  }

  #dropOldest(): void {
    const oldest = this.#runs[this.#head];
    this.#head += 1;
    if (oldest !== undefined) {
      this.#bytes -= sizeOf(oldest);
      const own = this.#byProbe.get(oldest.probeId);
      // The oldest run of all is the oldest of its probe.
      own?.shift();
      if (own?.length === 0) {
        this.#byProbe.delete(oldest.probeId);
      }
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head);
      this.#head = 0;
    }
  }
}

const BASE_BYTES = 800;
const CERTIFICATE_BYTES = 1_200;

function sizeOf({ observation }: PastRun): number {
  const { transcript, detail } = observation.evidence;
  const certificates = observation.tls?.chain.length ?? 0;
  return (
    BASE_BYTES +
    2 * (transcript.length + (detail?.length ?? 0)) +
    CERTIFICATE_BYTES * Math.min(certificates, 16)
  );
}
