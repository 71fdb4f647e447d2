import type { Observation, ProbeContext, Target } from "../probe.ts";
import { observe } from "../wire/probe-run.ts";
import { isSupported, monitorTypeOf } from "./registry.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

export interface MonitorResult {
  readonly observation: Observation;
  /** After *reverse* and TROFS, as the ADC would count it; null when it says nothing about the server. */
  readonly passed: boolean | null;
}

/** One run of a monitor. Never rejects; a monitor that cannot be repeated is a fault `unsupported`. */
export async function runMonitor(
  spec: MonitorSpec,
  target: Target,
  context: ProbeContext,
): Promise<MonitorResult> {
  const type = monitorTypeOf(spec.monitor);
  const why = isSupported(type) ? type.unsupported(spec) : type.unsupported;
  if (!isSupported(type) || why !== null) {
    const observation = await observe(context, (run) =>
      Promise.resolve(run.fault("connect", "unsupported", why)),
    );
    return { observation, passed: null };
  }
  const observation = await type.probe(spec, target, context);
  return { observation, passed: monitorPassed(type, spec.monitor.reverse, observation) };
}

/**
 * Whether the ADC would count the probe as passed. *Reverse* is no plain NOT: a connection that was never established
 * fails an HTTP monitor either way, silence passes a reversed PING (Citrix support: CTX115525). A server's own TROFS
 * answer counts as passed (NetScaler docs: "Graceful shutdown").
 */
export function monitorPassed(
  type: MonitorType,
  reverse: boolean,
  { outcome }: Observation,
): boolean | null {
  switch (outcome) {
    case "fault":
      return null;
    case "maintenance":
      return true;
    case "failed":
      return false;
    default:
      return reverse ? type.reversePasses.includes(outcome) : outcome === "match";
  }
}
