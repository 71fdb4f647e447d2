import type { Network } from "../probes/probe.ts";
import type { AgentEvents } from "./events.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { runProbe, type ProbeResult } from "./run-probe.ts";

export interface ProbeRunnerOptions {
  readonly network: Network;
  readonly signal: AbortSignal;
  readonly sourceAddresses: readonly string[];
  readonly events: Pick<AgentEvents, "probeFinished">;
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** Runs probes and books their results; never two runs of one probe at a time. */
export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  readonly #inFlight = new Map<string, Promise<ProbeResult | null>>();
  #sourceTurn = 0;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
  }

  /** Runs a probe as scheduled and books the result; tells the delay to its next start, or null when it cannot run. */
  async run(record: ProbeRecord, state: WitnessState): Promise<number | null> {
    const result = await this.#once(record, record.planned.timeoutMs);
    if (result === null) {
      return null;
    }
    if (this.#options.signal.aborted) {
      return record.intervalMs;
    }
    const delayMs = state.observe(record, result.observation, result.passed);
    this.#options.events.probeFinished(record, result.observation, result.passed);
    return delayMs;
  }

  /** Runs a probe out of turn, or joins its run in flight; nothing is booked. */
  async now(record: ProbeRecord, timeoutMs: number): Promise<ProbeResult | null> {
    return this.#once(record, timeoutMs);
  }

  async #once(record: ProbeRecord, timeoutMs: number): Promise<ProbeResult | null> {
    const running = this.#inFlight.get(record.id);
    if (running !== undefined) {
      return running;
    }
    const started = runProbe(
      record.planned,
      {
        network: this.#options.network,
        signal: this.#options.signal,
        localAddress: this.#localAddress(),
        now: this.#options.now,
        monotonic: this.#options.monotonic,
      },
      timeoutMs,
    );
    this.#inFlight.set(record.id, started);
    try {
      return await started;
    } finally {
      this.#inFlight.delete(record.id);
    }
  }

  /** Source addresses take turns, so that source-bound persistence shows more than one server. */
  #localAddress(): string | null {
    const addresses = this.#options.sourceAddresses;
    if (addresses.length === 0) {
      return null;
    }
    this.#sourceTurn = (this.#sourceTurn + 1) % addresses.length;
    return addresses[this.#sourceTurn] ?? null;
  }
}
