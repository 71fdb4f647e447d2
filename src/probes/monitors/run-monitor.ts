import { isIP } from "../../lib/ip.ts";
import type { Observation } from "../../model/observation.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { observe } from "../../net/probe-run.ts";
import { withTlsDiagnosis } from "../../net/tls-diagnosis.ts";
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
  const { withheld = null } = spec;
  if (withheld !== null) {
    const observation = await observe(context, (run) =>
      Promise.resolve(run.fault("login", "not_configured", withheld)),
    );
    return { observation, passed: null };
  }
  const type = monitorTypeOf(spec.monitor);
  const why = isSupported(type) ? type.unsupported(spec) : type.unsupported;
  if (!isSupported(type) || why !== null) {
    const observation = await observe(context, (run) =>
      Promise.resolve(run.fault("connect", "unsupported", why)),
    );
    return { observation, passed: null };
  }
  const seen = await type.probe(spec, target, context);
  const observation =
    spec.tls === null
      ? seen
      : await withTlsDiagnosis(seen, spec.tls, namesFor(spec), target, context);
  return { observation, passed: passesByQuirk(type, spec, observation) };
}

/** Names the server may want to hear: those of the configuration, the Host header, the policy's host. */
function namesFor(spec: MonitorSpec): string[] {
  const headerHost = /^host:\s*(\S+)/im.exec(spec.monitor.parameters.customHeaders ?? "")?.[1];
  const names = [...(spec.diagnosticNames ?? []), headerHost, spec.viaVip?.host, spec.hostHeader];
  const usable = names.filter(
    (name): name is string => typeof name === "string" && name !== "" && isIP(name) === 0,
  );
  return [...new Set(usable)];
}

/** UNCONFIRMED: Citrix's table of *reverse* does not tell what a TCP monitor makes of a time-out. */
function passesByQuirk(
  type: MonitorType,
  spec: MonitorSpec,
  observation: Observation,
): boolean | null {
  const { reverse } = spec.monitor;
  if (spec.viaVip !== null && !type.meaningfulAtVip) {
    // The ADC completes handshakes by itself; that it refuses one says that the vserver is gone.
    return observation.outcome === "refused" ? false : null;
  }
  const open = type.type === "TCP" && reverse && observation.outcome === "timeout";
  return open && spec.habits !== undefined
    ? spec.habits.tcpReverseTimeout === "pass"
    : monitorPassed(type, reverse, observation);
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
