import type { Observation } from "../model/observation.ts";
import type { Network } from "../net/network.ts";
import type { BrokenEndpoint } from "../probes/transactions/account-gate/gate.ts";
import { loginOutcome } from "../probes/probe.ts";
import type { AccountKeeper, Credential } from "./accounts/account-keeper.ts";
import {
  failuresOfRejection,
  gatedLogin,
  heldBackResult,
  NOTHING_SEEN,
  placeFailure,
  type HeldBack,
  type HeldBackReason,
  MessageRateLimit,
} from "./accounts/gated-login.ts";
import {
  type AgentEvents,
  StallBackOff,
  runProbe,
  type ProbeResult,
  type ProbeSurroundings,
} from "./run-probe.ts";
import type { Log } from "../lib/log.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { alsoFailsAtMember } from "../verdict/vip-login.ts";

export interface ProbeRunnerOptions {
  readonly network: Network;
  readonly signal: AbortSignal;
  readonly sourceAddresses: readonly string[];
  readonly events: Pick<AgentEvents, "probeFinished" | "loginEnded">;
  /** Told once of each lasting hindrance of an account's logins. */
  readonly log?: Log;
  /** Without a keeper no probe that needs a login is run. */
  readonly keeper: AccountKeeper | null;
  /** Counts messages beyond this runner's life; without it the runner counts its own. */
  readonly messages?: MessageRateLimit;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Told of each probe whose result has been taken in. */
  readonly onRecorded?: (record: ProbeRecord) => void;
  /** Told of each probe whose answer stalled the event loop, and for how long the probes of its endpoint pause. */
  readonly onStall?: (record: ProbeRecord, stallMs: number, pauseMs: number) => void;
}

/** A failure that a stall of our own excused is looked at again after this time, once in a row. */
const AFTER_EXCUSE_MS = 1_000;

/** Runs probes and books their results; never two runs of one probe at a time, and no login without its account's leave. */
export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  readonly #backOff = new StallBackOff();
  /** By lockout key, the last refusal of a login since one was accepted. */
  readonly #refusals = new Map<string, Observation>();
  /** By account, the lasting hindrance that has been logged. */
  readonly #heldBack = new Map<string, HeldBackReason>();
  readonly #messages: MessageRateLimit;
  readonly #surroundings: ProbeSurroundings;
  #sourceTurn = 0;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
    this.#messages = options.messages ?? new MessageRateLimit(options.monotonic);
    const { network, signal, now, monotonic } = options;
    this.#surroundings = { network, signal, localAddress: null, now, monotonic };
  }

  /**
   * Runs a probe as scheduled and records the result; returns the delay to its next start, or null when it cannot run. It comes
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
    // Nearly never does any endpoint pause, and its name is a string to be made.
    if (
      this.#backOff.size > 0 &&
      this.#backOff.isPaused(endpointOf(record), this.#options.monotonic())
    ) {
      return record.intervalMs;
    }
    const { flight } = record;
    const running = flight.running ?? this.#begin(record, state, avoided);
    flight.running = running;
    let result: ProbeResult | null;
    try {
      result = await running;
    } finally {
      if (flight.running === running) {
        flight.running = null;
      }
    }
    if (this.#options.signal.aborted) {
      return record.intervalMs;
    }
    const key = record.credential?.lockoutKey ?? "";
    const known = result ?? heldBackResult(record, this.#refusals.get(key), this.#options.now());
    return known === null ? record.intervalMs : this.#record(record, known, state);
  }

  /**
   * Runs a probe out of turn, beside the schedule: nothing is booked, and no run as scheduled joins it or is joined. Null
   * when it may not be run now.
   */
  now(record: ProbeRecord, timeoutMs: number): Promise<ProbeResult | null> {
    const mostMs = Math.min(timeoutMs, record.planned.timeoutMs);
    return record.credential === null
      ? this.#probe(record, mostMs, NO_ADDRESSES)
      : this.#login(record, record.credential, mostMs, null, NO_ADDRESSES);
  }

  #begin(
    record: ProbeRecord,
    state: WitnessState,
    avoided: ReadonlySet<string>,
  ): Promise<ProbeResult | null> {
    const { credential, planned } = record;
    return credential === null
      ? this.#probe(record, planned.timeoutMs, avoided)
      : this.#login(record, credential, planned.timeoutMs, state, avoided);
  }

  #probe(
    record: ProbeRecord,
    timeoutMs: number,
    avoided: ReadonlySet<string>,
  ): Promise<ProbeResult | null> {
    const localAddress = this.#localAddress(avoided);
    const excuseStalls = record.mayBeExcused;
    const around =
      localAddress === null && excuseStalls
        ? this.#surroundings
        : { ...this.#surroundings, localAddress, excuseStalls };
    return runProbe(record.planned, around, timeoutMs);
  }

  /** A login: null when the gate holds it back. A rejection is our own fault until another place proves otherwise. */
  async #login(
    record: ProbeRecord,
    credential: Credential,
    timeoutMs: number,
    state: WitnessState | null,
    avoided: ReadonlySet<string>,
  ): Promise<ProbeResult | null> {
    const { keeper, monotonic, signal, events } = this.#options;
    if (keeper === null) {
      return null;
    }
    if (!this.#messages.allow(record.planned)) {
      this.#holdBack(record, credential, MESSAGE_RATE, state);
      return null;
    }
    let missing = false;
    const gated = await gatedLogin(
      keeper,
      credential,
      // Who asks out of turn waits no longer than asked, for other logins neither.
      state === null ? { ...record.planned, timeoutMs, intervalMs: timeoutMs } : record.planned,
      async () => {
        const result = await this.#probe(record, timeoutMs, avoided);
        missing = result === null;
        return result ?? NOT_RUN;
      },
      monotonic,
      signal,
      state === null || record.lastPassed === true ? null : this.#recoveredMsAgo(record, state),
    );
    if (state !== null) {
      state.suspendedAccounts = keeper.suspended();
    }
    if (missing) {
      return null;
    }
    if (gated.kind === "held_back") {
      this.#holdBack(record, credential, gated, state);
      return null;
    }
    this.#letGo(record, credential);
    const { observation, passed } = gated.result;
    const outcome = loginOutcome(observation);
    events.loginEnded(credential.name, outcome);
    if (outcome === "accepted") {
      this.#refusals.delete(credential.lockoutKey);
    } else if (outcome !== "not_tried") {
      this.#refusals.set(credential.lockoutKey, observation);
    }
    for (const place of gated.broken) {
      this.#markLoginBroken(place, state);
    }
    return { observation, passed: outcome === "rejected" ? null : passed };
  }

  #recoveredMsAgo(record: ProbeRecord, state: WitnessState): number | null {
    const recoveredAt = lastRecovery(record, state);
    return recoveredAt === null ? null : Math.max(0, this.#options.now() - recoveredAt);
  }

  #holdBack(
    record: ProbeRecord,
    { name }: Credential,
    held: HeldBack,
    state: WitnessState | null,
  ): void {
    const { events, log } = this.#options;
    events.loginEnded(name, "held_back");
    if (state === null) {
      // Out of turn: what the schedule's own runs came to is kept.
      return;
    }
    record.heldBack = held;
    if (LASTING.has(held.why) && this.#heldBack.get(name) !== held.why) {
      this.#heldBack.set(name, held.why);
      log?.warn(
        {
          account: name,
          reason: held.why,
          ...(held.message === null ? {} : { error: held.message }),
        },
        "logins held back",
      );
    }
  }

  #letGo(record: ProbeRecord, { name }: Credential): void {
    record.heldBack = null;
    if (this.#heldBack.delete(name)) {
      this.#options.log?.info({ account: name }, "logins resumed");
    }
  }

  /** Another place has accepted what this one rejected: the rejection was the place's failure, confirmed at once. */
  #markLoginBroken(place: BrokenEndpoint, state: WitnessState | null): void {
    const record = state?.probes.find((probe) => probe.id === place.key);
    if (state === null || record === undefined || record.last === null) {
      return;
    }
    const behind = state.vservers.find(
      ({ adc, vserver }) => adc === record.adc && vserver === record.vserver,
    );
    const known = behind !== undefined && alsoFailsAtMember(behind.memberRecords, record);
    const failure = placeFailure(record.last, place, known);
    const failures = failuresOfRejection(record.planned);
    for (let count = 0; count < failures; count++) {
      this.#record(record, { observation: failure, passed: false }, state);
    }
  }

  #record(record: ProbeRecord, result: ProbeResult, state: WitnessState): number {
    const delayMs = state.recordResult(record, result.observation, result.passed);
    this.#options.events.probeFinished(record, result.observation, result.passed);
    this.#options.onRecorded?.(record);
    const { stall } = result.observation;
    if (stall === undefined) {
      return delayMs;
    }
    if (stall.causedMs > 0) {
      const now = this.#options.monotonic();
      const pauseMs = this.#backOff.stalled(endpointOf(record), stall.causedMs, now);
      this.#options.onStall?.(record, stall.causedMs, pauseMs);
    }
    // Only once: where the agent itself is overloaded, looking more often makes it worse.
    return stall.excused && record.excusedInARow === 1
      ? Math.min(delayMs, AFTER_EXCUSE_MS)
      : delayMs;
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

/** What pauses when its answers stall the event loop: all probes of one address and port. */
function endpointOf({ address, server, id, planned: { port } }: ProbeRecord): string {
  return `${address ?? (server || id)} ${String(port)}`;
}

/**
 * When a place where a login fails last showed that it may work again: another probe of that server came to pass, or the
 * ADC's own monitors did. Of a VIP: at it, or at a server behind it. Null: it has shown nothing of the kind.
 */
export function lastRecovery(
  record: ProbeRecord,
  state: Pick<WitnessState, "members" | "vservers">,
): number | null {
  const behind =
    record.vantage === "backend"
      ? state.members.filter(({ adc, server }) => adc === record.adc && server === record.server)
      : state.vservers
          .filter(({ adc, vserver }) => adc === record.adc && vserver === record.vserver)
          .flatMap(({ memberRecords }) => memberRecords);
  const times = behind.flatMap(({ probes, adcOpinion, adcStateChangedAt }) => [
    ...probes.map(({ recoveredAt }) => recoveredAt),
    adcOpinion === "up" ? adcStateChangedAt : null,
  ]);
  const latest = Math.max(...times.map((at) => at ?? -Infinity));
  return Number.isFinite(latest) ? latest : null;
}

const MESSAGE_RATE: HeldBack = { kind: "held_back", why: "message_rate", message: null };
/** No address of ours is avoided. */
export const NO_ADDRESSES: ReadonlySet<string> = new Set();

/** What hinders logins until somebody does something, or for long. */
const LASTING: ReadonlySet<HeldBackReason> = new Set<HeldBackReason>([
  "suspended",
  "other_secret",
  "state_locked",
  "state_unusable",
]);

/** Stands for a run that did not take place: nothing was sent. */
const NOT_RUN: ProbeResult = {
  observation: { ...NOTHING_SEEN, outcome: "fault", reason: "not_configured", step: "connect" },
  passed: null,
};
