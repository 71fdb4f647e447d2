import { runMonitor } from "../probes/monitors/registry.ts";
import type { MonitorSpec } from "../probes/monitors/spec.ts";
import type { Network } from "../net/network.ts";
import type { Observation, Vantage, LoginOutcome } from "../model/observation.ts";
import { runTransaction } from "../probes/transactions/registry.ts";
import type { ProbeContext, Target } from "../net/probe-context.ts";
import type { TransactionSpec } from "../model/transactions.ts";
import type { LiveProbe } from "../model/live.ts";

/** What of a planned probe its exchange needs. */
export interface ProbeTask {
  readonly vantage: Vantage;
  readonly action:
    | { readonly kind: "monitor"; readonly run: Exchange<MonitorSpec> | null }
    | { readonly kind: "transaction"; readonly run: Exchange<TransactionSpec> | null };
}

export interface Exchange<Spec> {
  readonly spec: Spec;
  readonly target: Target;
}

/** What every run of a probe shares. */
export interface ProbeSurroundings {
  readonly network: Network;
  readonly signal: AbortSignal;
  readonly localAddress: string | null;
  /** As in a probe's context. */
  readonly excuseStalls?: boolean | undefined;
  readonly now: () => number;
  readonly monotonic: () => number;
}

export interface ProbeResult {
  readonly observation: Observation;
  /** Null when it says nothing about the service: a fault of our own. */
  readonly passed: boolean | null;
}

/**
 * Runs one planned probe once; null when it cannot be run at all. Never rejects. Passes promises on instead of awaiting
 * them: every probe goes through here.
 */
export function runProbe(
  { vantage, action }: ProbeTask,
  around: ProbeSurroundings,
  timeoutMs: number,
): Promise<ProbeResult | null> {
  const { network, signal, localAddress, excuseStalls, now, monotonic } = around;
  const context: ProbeContext = {
    network,
    signal,
    timeoutMs,
    localAddress,
    excuseStalls,
    vantage,
    now,
    monotonic,
  };
  if (action.run === null) {
    return Promise.resolve(null);
  }
  if (action.kind === "monitor") {
    return runMonitor(action.run.spec, action.run.target, context);
  }
  return runTransaction(action.run.spec, action.run.target, context).then((observation) => ({
    observation,
    passed: transactionPassed(observation),
  }));
}

/** A transaction has passed when the exchange came to its good end; what is our own fault says nothing. */
function transactionPassed(observation: Observation): boolean | null {
  switch (observation.outcome) {
    case "fault":
      return null;
    case "match":
    case "maintenance":
      return true;
    case "mismatch":
    case "refused":
    case "timeout":
    case "failed":
      return false;
  }
}

/** What became of a login; `held_back`: the account's gate, or the rate of messages, did not let it begin. */
export type LoginEnd = LoginOutcome | "held_back";
/** What happens in the agent, for metrics and logs. Calls must be cheap and must not throw. */
export interface AgentEvents {
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  /** `account` is the configured account, or `monitor NAME` for that of a login monitor. */
  readonly loginEnded: (account: string, end: LoginEnd) => void;
  readonly adcRequest: (request: {
    readonly adc: string;
    readonly node: string;
    readonly durationMs: number;
    /** Null when it succeeded. */
    readonly code: string | null;
  }) => void;
  /** How many probes are in force since an estate was brought into force. */
  readonly probesPlanned: (count: number) => void;
  readonly scheduleLag: (seconds: number) => void;
  readonly missedProbe: () => void;
  readonly configReloaded: (accepted: boolean, atMs: number) => void;
}

/** Of the time, a server's answers may stall the event loop for one part in so many. */
const PAUSE_PER_STALL = 20;
const MIN_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 600_000;
/** Endpoints that pause at once; beyond, the one whose pause ends first is let go. */
const MAX_PAUSED = 1_000;

/** How long the probes of a server pause after its answers stalled the event loop, in milliseconds. */
export function pauseAfterStallMs(stallMs: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_PER_STALL * stallMs));
}

/**
 * Endpoints (address and port) whose probes pause because handling their answers stalled the event loop, so that they cannot keep others
 * from being heard. An entry ends with its pause. Times are milliseconds on a monotonic clock.
 */
export class StallBackOff {
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** Begins a pause, or makes it longer; returns how long it is. */
  stalled(endpoint: string, stallMs: number, now: number): number {
    const pauseMs = pauseAfterStallMs(stallMs);
    const until = Math.max(now + pauseMs, this.#until.get(endpoint) ?? -Infinity);
    this.#forgetPast(now);
    this.#until.set(endpoint, until);
    return until - now;
  }

  isPaused(endpoint: string, now: number): boolean {
    return now < (this.#until.get(endpoint) ?? -Infinity);
  }

  #forgetPast(now: number): void {
    let soonest: string | null = null;
    let soonestAt = Infinity;
    for (const [endpoint, until] of this.#until) {
      if (until <= now) {
        this.#until.delete(endpoint);
      } else if (until < soonestAt) {
        [soonest, soonestAt] = [endpoint, until];
      }
    }
    if (this.#until.size >= MAX_PAUSED && soonest !== null) {
      this.#until.delete(soonest);
    }
  }
}
