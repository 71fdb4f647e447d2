import type { Config } from "../config/schema.ts";
import type { Network } from "../probes/probe.ts";
import { lookupAt } from "../probes/wire/dns-servers.ts";
import { createNetwork } from "../probes/wire/network.ts";
import { SchemeMemory } from "../probes/wire/scheme-memory.ts";
import { clientFacingNames } from "./names/public-names.ts";

/** What of a configuration says where probes may go, and whom to ask for the names that clients type. */
export type NetworkConfig = Pick<Config, "connectTo" | "unmapped" | "dnsServers" | "vservers">;

/** The part of it that addresses need: plain data, all that a worker thread is told. */
export type Ways = Pick<Config, "connectTo" | "unmapped">;

/** The network of a configuration: its `connect_to`, whether an unmapped address may be dialled at all, and whom to ask for names. */
export function networkOf(config: NetworkConfig, schemes = new SchemeMemory()): Network {
  const { dnsServers } = config;
  if (dnsServers.length === 0) {
    return networkOfWays(config, schemes);
  }
  const lookup = lookupAt(dnsServers, (host, port) => network.resolve(host, port, "udp"));
  const network = createNetwork({
    connectTo: config.connectTo,
    unmapped: config.unmapped,
    now: () => performance.now(),
    schemes,
    clientNames: { names: clientFacingNames(config), lookup },
  });
  return network;
}

/** A network that asks the system for names. */
export function networkOfWays(
  { connectTo, unmapped }: Ways,
  schemes = new SchemeMemory(),
): Network {
  return createNetwork({ connectTo, unmapped, now: () => performance.now(), schemes });
}
