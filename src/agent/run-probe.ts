import { runMonitor } from "../probes/monitors/registry.ts";
import type { MonitorSpec } from "../probes/monitors/spec.ts";
import type { Network } from "../net/network.ts";
import type { Observation, Vantage, LoginOutcome } from "../model/observation.ts";
import { runTransaction } from "../probes/transactions/registry.ts";
import type { ProbeContext, Target } from "../net/probe-context.ts";
import type { TransactionSpec } from "../model/transactions.ts";
import type { LiveProbe } from "../model/live.ts";

/** The part of a planned probe that its exchange needs. */
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

/** Options of a run that do not depend on the probe. */
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
  /** Null for a fault of this agent, which says nothing about the service. */
  readonly passed: boolean | null;
}

/**
 * Runs one planned probe once; null if it cannot be run. Never rejects. Not async, because it is called for every probe.
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

/** Whether a transaction passed; null for a fault of this agent. */
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

/** Outcome of a login; `held_back`: not started because of the account's gate or the message rate. */
export type LoginEnd = LoginOutcome | "held_back";
/** Events for metrics and logs. Handlers must be cheap and must not throw. */
export interface AgentEvents {
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  /** `account`: the configured account, or `monitor NAME` for a login monitor. */
  readonly loginEnded: (account: string, end: LoginEnd) => void;
  readonly adcRequest: (request: {
    readonly adc: string;
    readonly node: string;
    readonly durationMs: number;
    /** Null on success. */
    readonly code: string | null;
  }) => void;
  /** An estate was applied: the number of probes now. */
  readonly probesPlanned: (count: number) => void;
  readonly scheduleLag: (seconds: number) => void;
  readonly missedProbe: () => void;
  readonly configReloaded: (accepted: boolean, atMs: number) => void;
}

/** The pause in multiples of the stall: one endpoint may stall the event loop for one twentieth of the time. */
const PAUSE_PER_STALL = 20;
const MIN_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 600_000;
/** Maximum number of paused endpoints; beyond it, the pause that ends first is dropped. */
const MAX_PAUSED = 1_000;

/** How long the probes of an endpoint pause after its responses stalled the event loop, in milliseconds. */
export function pauseAfterStallMs(stallMs: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, PAUSE_PER_STALL * stallMs));
}

/**
 * Endpoints (address and port) whose probes are paused because processing their responses stalled the event loop and with it
 * all other probes. Times are milliseconds on a monotonic clock.
 */
export class StallBackOff {
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** Starts or extends a pause; returns its length from now. */
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
