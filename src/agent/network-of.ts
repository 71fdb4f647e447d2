import type { Config } from "../config/schema.ts";
import type { Network } from "../probes/probe.ts";
import { lookupAt } from "../probes/wire/dns-servers.ts";
import { createNetwork } from "../probes/wire/network.ts";
import { createTargetPolicy, type TargetRules } from "../probes/wire/target-policy.ts";
import { clientFacingNames } from "./names/public-names.ts";

/** What of a configuration says where probes may go, and whom to ask for the names that clients type. */
export type NetworkConfig = Pick<
  Config,
  "connectTo" | "unmapped" | "allowTargets" | "dnsServers" | "vservers" | "web"
>;

/** The part of it that addresses need: plain data, all that a worker thread is told. */
export type Ways = Pick<Config, "connectTo" | "unmapped"> & TargetRules;

/** The part of a configuration that a worker thread is told. */
export function waysOf(config: Omit<NetworkConfig, "dnsServers" | "vservers">): Ways {
  const { connectTo, unmapped, allowTargets, web } = config;
  return { connectTo, unmapped, allowTargets, listen: web.listen };
}

/** The network of a configuration: its `connect_to`, whether an unmapped address may be dialled at all, and whom to ask for names. */
export function networkOf(config: NetworkConfig): Network {
  const { dnsServers } = config;
  if (dnsServers.length === 0) {
    return networkOfWays(waysOf(config));
  }
  const lookup = lookupAt(dnsServers, (host, port) =>
    network.resolve(host, port, "udp", "operator"),
  );
  const network = createNetwork({
    connectTo: config.connectTo,
    unmapped: config.unmapped,
    targets: createTargetPolicy(waysOf(config)),
    now: () => performance.now(),
    clientNames: { names: clientFacingNames(config), lookup },
  });
  return network;
}

/** A network that asks the system for names. */
export function networkOfWays({ connectTo, unmapped, ...rules }: Ways): Network {
  const targets = createTargetPolicy(rules);
  return createNetwork({ connectTo, unmapped, targets, now: () => performance.now() });
}
