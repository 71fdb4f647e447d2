import type { Estate } from "../../model/estate.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import {
  readConnectTo,
  type Transport,
  createTargetPolicy,
  isAdcItself,
  type TargetRules,
} from "../../net/target-policy.ts";
import type { PlannedProbe } from "./planned-probe.ts";

/** Why an imported target that is an address may not be dialled, in words; null when it may, and for names. */
export type TargetCheck = (
  host: string,
  port: number,
  transport: Transport,
  isDestIp: boolean,
) => string | null;

/** The rule that the network applies when it dials, known in advance where the address is known. */
export function targetCheck(
  rules: TargetRules & { readonly connectTo: Readonly<Record<string, string>> },
): TargetCheck {
  const connectTo = readConnectTo(rules.connectTo);
  const policy = createTargetPolicy(rules);
  return (host, port, transport, isDestIp) => {
    if (connectTo.find(host, port, transport) !== undefined) {
      return null;
    }
    // Here it would be this machine: even where loopback may be dialled, that says nothing of the ADC.
    return isDestIp && isAdcItself(host) ? meansItself(host) : policy(host, port);
  };
}

/** A probe that would lead to the agent's own host, or to the ADC's own address, is listed with the reason and never run. */
export function withoutOwnHost(
  probe: PlannedProbe,
  check: TargetCheck,
  { nsip }: Pick<Estate, "nsip">,
): PlannedProbe {
  const { action } = probe;
  if (action.run === null) {
    return probe;
  }
  const { host, port } = action.run.target;
  const isDestIp = action.kind === "monitor" && action.monitor.destIp === host;
  const unsupportedReason =
    isDestIp && host === nsip ? meansItself(host) : check(host, port, transportOf(probe), isDestIp);
  return unsupportedReason === null
    ? probe
    : { ...probe, action: { ...action, run: null, unsupportedReason } };
}

function meansItself(destIp: string): string {
  return `destIP ${destIp} is the ADC itself`;
}

function transportOf({ action }: PlannedProbe): Transport {
  const type = action.kind === "monitor" ? monitorTypeOf(action.monitor) : null;
  return type !== null && isSupported(type) ? type.transport : "tcp";
}
