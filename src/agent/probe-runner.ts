import type { Network } from "../net/network.ts";
import type { Observation } from "../model/observation.ts";
import type { BrokenPlace } from "../probes/transactions/account-gate/gate.ts";
import { loginOutcome } from "../probes/transactions/login-outcome.ts";
import { runTransaction } from "../probes/transactions/registry.ts";
import type { AccountKeeper } from "./accounts/account-keeper.ts";
import { gatedLogin, placeFailure, MessagePace } from "./accounts/gated-login.ts";
import type { AgentEvents } from "./events.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { runProbe, type ProbeResult, type ProbeSurroundings } from "./run-probe.ts";
import type { WorkerPool } from "./workers/worker-pool.ts";

export interface ProbeRunnerOptions {
  readonly network: Network;
  readonly signal: AbortSignal;
  readonly sourceAddresses: readonly string[];
  readonly events: Pick<AgentEvents, "probeFinished" | "loginEnded">;
  /** Without a keeper no probe that needs a login is run. */
  readonly keeper: AccountKeeper | null;
  /** Counts messages beyond this runner's life; without it the runner counts its own. */
  readonly messages?: MessagePace;
  /** Threads that run what may leave this one; without them everything is run here. */
  readonly workers?: WorkerPool;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Told of each probe whose result has been taken in. */
  readonly onBooked?: (record: ProbeRecord) => void;
}

/** Runs probes and books their results; never two runs of one probe at a time, and no login without its account's leave. */
export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  /** Places whose login is at fault though the account is sound: they stay down while they are left alone. */
  readonly #broken = new Map<string, Observation>();
  readonly #messages: MessagePace;
  readonly #surroundings: ProbeSurroundings;
  #sourceTurn = 0;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
    this.#messages = options.messages ?? new MessagePace(options.monotonic);
    const { network, signal, now, monotonic } = options;
    this.#surroundings = { network, signal, localAddress: null, now, monotonic, runTransaction };
  }

  /**
   * Runs a probe as scheduled and books the result; tells the delay to its next start, or null when it cannot run. It comes
   * from none of the source addresses `avoided`.
   */
  async run(
    record: ProbeRecord,
    state: WitnessState,
    avoided: ReadonlySet<string> = NO_ADDRESSES,
  ): Promise<number | null> {
    if (record.planned.action.run === null) {
      return null;
    }
    const result = await this.#once(record, record.planned.timeoutMs, state, avoided);
    if (this.#options.signal.aborted) {
      return record.intervalMs;
    }
    const booked = result ?? this.#standing(record);
    return booked === null ? record.intervalMs : this.#book(record, booked, state);
  }

  /** Runs a probe out of turn, or joins its run in flight; nothing is booked. Null when it may not be run now. */
  now(record: ProbeRecord, timeoutMs: number): Promise<ProbeResult | null> {
    return this.#once(record, timeoutMs, null, NO_ADDRESSES);
  }

  async #once(
    record: ProbeRecord,
    timeoutMs: number,
    state: WitnessState | null,
    avoided: ReadonlySet<string>,
  ): Promise<ProbeResult | null> {
    const { flight } = record;
    if (flight.running !== null) {
      return flight.running;
    }
    const { account } = record;
    flight.running =
      account === null
        ? this.#probe(record, timeoutMs, avoided)
        : this.#login(record, account, timeoutMs, state, avoided);
    try {
      return await flight.running;
    } finally {
      flight.running = null;
    }
  }

  #probe(
    record: ProbeRecord,
    timeoutMs: number,
    avoided: ReadonlySet<string>,
  ): Promise<ProbeResult | null> {
    const { workers } = this.#options;
    const localAddress = this.#localAddress(avoided);
    const elsewhere = workers?.run(record.planned, { localAddress, timeoutMs }) ?? null;
    if (elsewhere !== null) {
      return elsewhere;
    }
    const around =
      localAddress === null ? this.#surroundings : { ...this.#surroundings, localAddress };
    return runProbe(record.planned, around, timeoutMs);
  }

  /** A login: null when the gate holds it back. A rejection is our own fault until another place proves otherwise. */
  async #login(
    record: ProbeRecord,
    account: string,
    timeoutMs: number,
    state: WitnessState | null,
    avoided: ReadonlySet<string>,
  ): Promise<ProbeResult | null> {
    const { keeper, now, signal } = this.#options;
    if (keeper === null) {
      return null;
    }
    if (!this.#messages.book(record.planned)) {
      this.#options.events.loginEnded(nameOfLogin(record), "held_back");
      return null;
    }
    let missing = false;
    const gated = await gatedLogin(
      keeper,
      account,
      record.planned,
      async () => {
        const result = await this.#probe(record, timeoutMs, avoided);
        missing = result === null;
        return result ?? NOT_RUN;
      },
      now,
      signal,
    );
    if (state !== null) {
      state.suspendedAccounts = keeper.suspended();
    }
    if (missing) {
      return null;
    }
    if (gated.kind === "held_back") {
      this.#options.events.loginEnded(nameOfLogin(record), "held_back");
      return null;
    }
    const { observation, passed } = gated.result;
    const outcome = loginOutcome(observation);
    this.#options.events.loginEnded(nameOfLogin(record), outcome);
    if (outcome === "accepted") {
      this.#broken.delete(record.id);
    }
    for (const place of gated.broken) {
      this.#condemn(place, state);
    }
    return { observation, passed: outcome === "rejected" ? null : passed };
  }

  /** Another place has accepted what this one rejected: the rejection was the place's failure, confirmed at once. */
  #condemn(place: BrokenPlace, state: WitnessState | null): void {
    const record = state?.probes.find((probe) => probe.id === place.key);
    if (state === null || record === undefined || record.last === null) {
      return;
    }
    const failure = placeFailure(record.last, place);
    this.#broken.set(place.key, failure);
    // Two failures make a service opinion: the rejection, and its confirmation elsewhere.
    for (let count = 0; count < 2; count++) {
      this.#book(record, { observation: failure, passed: false }, state);
    }
  }

  #standing(record: ProbeRecord): ProbeResult | null {
    const observation = this.#broken.get(record.id);
    return observation === undefined ? null : { observation, passed: false };
  }

  #book(record: ProbeRecord, result: ProbeResult, state: WitnessState): number {
    const delayMs = state.observe(record, result.observation, result.passed);
    this.#options.events.probeFinished(record, result.observation, result.passed);
    this.#options.onBooked?.(record);
    return delayMs;
  }

  /** Source addresses take turns, so that source-bound persistence shows more than one server. */
  #localAddress(avoided: ReadonlySet<string>): string | null {
    const { sourceAddresses } = this.#options;
    const addresses =
      avoided.size === 0
        ? sourceAddresses
        : sourceAddresses.filter((address) => !avoided.has(address));
    if (addresses.length === 0) {
      return null;
    }
    this.#sourceTurn = (this.#sourceTurn + 1) % addresses.length;
    return addresses[this.#sourceTurn] ?? null;
  }
}

/** By what name of the configuration a probe logs in. */
function nameOfLogin({ planned: { action } }: ProbeRecord): string {
  return action.kind === "transaction"
    ? (action.account ?? action.transaction)
    : `monitor ${action.monitor.name}`;
}

const NO_ADDRESSES: ReadonlySet<string> = new Set();

/** Stands for a run that did not take place: nothing was sent. */
const NOT_RUN: ProbeResult = {
  observation: {
    outcome: "fault",
    reason: "not_configured",
    step: "connect",
    startedAt: 0,
    durationMs: 0,
    phases: {},
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "", detail: null },
  },
  passed: null,
};
