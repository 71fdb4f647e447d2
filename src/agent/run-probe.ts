import { runMonitor } from "../probes/monitors/run-monitor.ts";
import type { MonitorSpec } from "../probes/monitors/spec.ts";
import type { Network } from "../net/network.ts";
import type { Observation, Vantage } from "../model/observation.ts";
import type { Probe } from "../probes/probe.ts";
import type { ProbeContext, Target } from "../net/probe-context.ts";
import type { TransactionSpec } from "../model/transactions.ts";

/** What of a planned probe its exchange needs: plain data, so that it can take place in another thread. */
export interface Errand {
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
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Runs the transactions that may be run here. */
  readonly runTransaction: Probe<TransactionSpec>;
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
  { vantage, action }: Errand,
  around: ProbeSurroundings,
  timeoutMs: number,
): Promise<ProbeResult | null> {
  const { network, signal, localAddress, now, monotonic } = around;
  const context: ProbeContext = {
    network,
    signal,
    timeoutMs,
    localAddress,
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
  return around
    .runTransaction(action.run.spec, action.run.target, context)
    .then((observation) => ({ observation, passed: transactionPassed(observation) }));
}

/** A transaction has passed when the exchange came to its good end; what is our own fault says nothing. */
export function transactionPassed(observation: Observation): boolean | null {
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
