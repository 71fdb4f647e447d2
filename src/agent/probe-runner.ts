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
  endpointFailure,
  type HeldBack,
  type HeldBackReason,
  MessageRateLimit,
} from "./accounts/gated-login.ts";
import { LoginQueue } from "./accounts/login-queue.ts";
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
  /** Logs once when an account's logins are held back for long. */
  readonly log?: Log;
  /** Null: no probe that logs in is run. */
  readonly keeper: AccountKeeper | null;
  /** Shared by runners before and after a reload; default: one of this runner. */
  readonly messages?: MessageRateLimit;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Called after a result has been recorded. */
  readonly onRecorded?: (record: ProbeRecord) => void;
  /** Called when a response stalled the event loop; `pauseMs`: how long the probes of its endpoint pause. */
  readonly onStall?: (record: ProbeRecord, stallMs: number, pauseMs: number) => void;
}

/** A probe whose failure was excused by a stall of this agent is repeated after this time, once in a row. */
const REPEAT_EXCUSED_AFTER_MS = 1_000;

/** Runs probes and records results. No probe runs twice at the same time; each login needs the permission of its account's gate. */
export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  readonly #backOff = new StallBackOff();
  /** By lockout key, the last rejected or unanswered login since one was accepted. */
  readonly #rejections = new Map<string, Observation>();
  /** By account, the reason that has been logged. */
  readonly #heldBack = new Map<string, HeldBackReason>();
  readonly #messages: MessageRateLimit;
  readonly #queue = new LoginQueue();
  readonly #surroundings: ProbeSurroundings;
  #sourceTurn = 0;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
    this.#messages = options.messages ?? new MessageRateLimit(options.monotonic);
    const { network, signal, now, monotonic } = options;
    this.#surroundings = { network, signal, localAddress: null, now, monotonic };
  }

  /**
   * Runs a scheduled probe and records the result; returns the delay to its next start, or null if it cannot be run.
   * `avoided`: source addresses not to use.
   */
  async run(
    record: ProbeRecord,
    state: WitnessState,
    avoided: ReadonlySet<string> = NO_ADDRESSES,
  ): Promise<number | null> {
    if (record.planned.action.run === null) {
      return null;
    }
    // The size is checked first, because building the endpoint's name for every probe costs more.
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
    const known = result ?? heldBackResult(record, this.#rejections.get(key), this.#options.now());
    return known === null ? record.intervalMs : this.#record(record, known, state);
  }

  /**
   * Runs a probe outside the schedule and independently of scheduled runs, without recording the result. Null if it may not
   * run now.
   */
  now(record: ProbeRecord, timeoutMs: number): Promise<ProbeResult | null> {
    const limitMs = Math.min(timeoutMs, record.planned.timeoutMs);
    return record.credential === null
      ? this.#probe(record, limitMs, NO_ADDRESSES)
      : this.#login(record, record.credential, limitMs, null, NO_ADDRESSES);
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

  /** Runs a probe that logs in; null if the login is held back. A rejection says nothing about the server until another endpoint accepts the credential. */
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
      { keeper, queue: this.#queue, monotonic, signal },
      credential,
      // Outside the schedule, waiting for other logins is limited by the timeout, too.
      state === null ? { ...record.planned, timeoutMs, intervalMs: timeoutMs } : record.planned,
      async () => {
        const result = await this.#probe(record, timeoutMs, avoided);
        missing = result === null;
        return result ?? NOT_RUN;
      },
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
    this.#resumeLogins(record, credential);
    const { observation, passed } = gated.result;
    const outcome = loginOutcome(observation);
    events.loginEnded(credential.name, outcome);
    if (outcome === "accepted") {
      this.#rejections.delete(credential.lockoutKey);
    } else if (outcome !== "not_tried") {
      this.#rejections.set(credential.lockoutKey, observation);
    }
    for (const endpoint of gated.broken) {
      this.#markLoginBroken(endpoint, state);
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
      // Outside the schedule nothing is recorded.
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

  #resumeLogins(record: ProbeRecord, { name }: Credential): void {
    record.heldBack = null;
    if (this.#heldBack.delete(name)) {
      this.#options.log?.info({ account: name }, "logins resumed");
    }
  }

  /** Records the rejection as a confirmed failure of this endpoint, because another endpoint accepted the same credential. */
  #markLoginBroken(endpoint: BrokenEndpoint, state: WitnessState | null): void {
    const record = state?.probes.find((probe) => probe.id === endpoint.key);
    if (state === null || record === undefined || record.last === null) {
      return;
    }
    const behind = state.vservers.find(
      ({ adc, vserver }) => adc === record.adc && vserver === record.vserver,
    );
    const known = behind !== undefined && alsoFailsAtMember(behind.memberRecords, record);
    const failure = endpointFailure(record.last, endpoint, known);
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
    // Only once in a row: if the agent is overloaded, more probes make it worse.
    return stall.excused && record.excusedInARow === 1
      ? Math.min(delayMs, REPEAT_EXCUSED_AFTER_MS)
      : delayMs;
  }

  /** Source addresses take turns, so that source-IP persistence does not pin all probes to one server. */
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

/** The address and port whose probes pause together. */
function endpointOf({ address, server, id, planned: { port } }: ProbeRecord): string {
  return `${address ?? (server || id)} ${String(port)}`;
}

/**
 * When the server of a failing login last recovered: another of its probes passed again, or the ADC set it UP again. For a
 * VIP: any server behind it. Null: no recovery was seen.
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
export const NO_ADDRESSES: ReadonlySet<string> = new Set();

/** Reasons that last until someone acts, or for long. */
const LASTING: ReadonlySet<HeldBackReason> = new Set<HeldBackReason>([
  "suspended",
  "other_secret",
  "state_locked",
  "state_unusable",
]);

/** The result of a run that did not take place. */
const NOT_RUN: ProbeResult = {
  observation: { ...NOTHING_SEEN, outcome: "fault", reason: "not_configured", step: "connect" },
  passed: null,
};
