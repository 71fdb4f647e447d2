import type { Estate } from "../model/estate.ts";
import type { Monitor } from "../model/monitor.ts";

/** The NSIP, subnet addresses and VIPs of this ADC. */
export function ownAddresses(
  estate: Pick<Estate, "lbVservers" | "csVservers" | "nsip" | "snips">,
): ReadonlySet<string> {
  const vips = [...estate.lbVservers.values(), ...estate.csVservers.values()].map(
    ({ address }) => address,
  );
  return new Set([estate.nsip, ...estate.snips, ...vips].filter((address) => address !== null));
}

/** 127.0.0.0/8 and ::1: of the ADC, that is itself. */
export function isLoopback(address: string): boolean {
  return /^127\.|^::1$/.test(address);
}

/**
 * Whether a monitor's fixed destination is meant: it is the ADC itself or a VIP of it (dummies that keep a vserver UP, GSLB),
 * a standby's reversed monitor (CTX115525), or one that must have a destination (NITRO error 2129).
 */
export function isMeantDestination(own: ReadonlySet<string>, monitor: Monitor): boolean {
  const { reverse, transparent, ipTunnel, tos, destIp } = monitor;
  return (
    [reverse, transparent, ipTunnel, tos].includes(true) ||
    destIp === null ||
    isLoopback(destIp) ||
    own.has(destIp)
  );
}
