import { isIP } from "node:net";
import type { LivePublicName } from "../live.ts";
import type { ResolvedName, ResolvedNames } from "./resolved-name.ts";

/** How a client-facing name's addresses stand to the VIP. */
export const NAME_COMPARISONS = [
  "vip",
  "vip_and_others",
  "others",
  "dns_failure",
  "mapped",
  "refused",
  "pending",
] as const;
export type NameComparison = (typeof NAME_COMPARISONS)[number];

/**
 * What DNS answers for a vserver's client-facing names, beside its VIP. Another address is information, not a mistake: an
 * address translation before the ADC is ordinary.
 */
export function compareWithVip(
  names: readonly string[],
  vips: readonly string[],
  resolved: ResolvedNames,
): LivePublicName[] {
  return [...new Set(names)]
    .filter((name) => isIP(name) === 0)
    .map((name) => compared(name, vips, resolved.get(name.toLowerCase())));
}

function compared(
  name: string,
  vips: readonly string[],
  known: ResolvedName | undefined,
): LivePublicName {
  const nothing = { name, addresses: [], unprobed: 0, message: null };
  switch (known?.kind) {
    case undefined:
      return { ...nothing, dns: "pending" };
    case "mapped":
      return { ...nothing, dns: "mapped" };
    case "forbidden":
      return { ...nothing, dns: "refused", message: known.message };
    case "asked": {
      const addresses = known.addresses.map(({ address }) => ({
        address,
        vip: vips.includes(address),
      }));
      return {
        name,
        dns: known.failure === null ? kindOf(addresses) : "dns_failure",
        addresses,
        unprobed: known.left,
        message: known.failure,
      };
    }
  }
}

function kindOf(addresses: LivePublicName["addresses"]): NameComparison {
  const atVip = addresses.filter(({ vip }) => vip).length;
  return atVip === 0 ? "others" : atVip === addresses.length ? "vip" : "vip_and_others";
}
