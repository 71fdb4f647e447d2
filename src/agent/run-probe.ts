import { runMonitor } from "../probes/monitors/run-monitor.ts";
import type { Network, Observation, ProbeContext } from "../probes/probe.ts";
import { runTransaction } from "../probes/transactions/registry.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";

/** What every run of a probe shares. */
export interface ProbeSurroundings {
  readonly network: Network;
  readonly signal: AbortSignal;
  readonly localAddress: string | null;
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
  planned: PlannedProbe,
  around: ProbeSurroundings,
  timeoutMs: number = planned.timeoutMs,
): Promise<ProbeResult | null> {
  const context: ProbeContext = { ...around, timeoutMs, vantage: planned.vantage };
  const { action } = planned;
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
