import type { Config } from "../config/schema.ts";
import type { Estate } from "../model/estate.ts";
import type { Network } from "../net/network.ts";
import { ownAddressTowards } from "../net/own-address.ts";
import type { OwnAddresses } from "./plan/settings.ts";
import { sourceDependentVips } from "./plan/vip-refusal.ts";

/** This agent's source address towards each VIP whose policies depend on it. Empty if the configuration sets source addresses. */
export async function ownAddressesTowards(
  estate: Estate,
  { sourceAddresses }: Pick<Config, "sourceAddresses">,
  network: Network,
): Promise<OwnAddresses> {
  const known = new Map<string, string>();
  for (const { address, port } of sourceAddresses.length > 0 ? [] : sourceDependentVips(estate)) {
    const own = known.has(address) ? null : await ownAddressTowards(network, address, port);
    if (own !== null) {
      known.set(address, own);
    }
  }
  return known;
}
