import type { Config, AdcConfig } from "../config/schema.ts";
import { type Network, SchemeMemory } from "../net/network.ts";
import { NameMemory } from "../net/name-memory.ts";
import { lookupAt, createNetwork } from "../net/dns.ts";
import { createTargetPolicy } from "../net/target-policy.ts";
import { clientFacingNames, PublicNames, type ResolvedNames } from "./public-names.ts";
import { AdcLink, type EstateRead } from "./adc-watch.ts";

/** What of a configuration says where probes may go, and which DNS servers resolve the names that clients type. */
type NetworkConfig = Pick<
  Config,
  "connectTo" | "unmapped" | "allowTargets" | "dnsServers" | "vservers" | "web"
>;

/** The network of a configuration: its `connect_to`, whether an unmapped address may be dialled at all, and its DNS servers. */
export function networkOf(
  config: NetworkConfig,
  schemes = new SchemeMemory(),
  memory = new NameMemory(),
): Network {
  const { connectTo, unmapped, allowTargets, dnsServers, web } = config;
  const network = createNetwork({
    connectTo,
    unmapped,
    targets: createTargetPolicy({ allowTargets, listen: web.listen }),
    now: () => performance.now(),
    schemes,
    memory,
    ...(dnsServers.length === 0
      ? {}
      : {
          clientNames: {
            names: clientFacingNames(config),
            lookup: lookupAt(dnsServers, (host, port) =>
              network.resolve(host, port, "udp", "operator"),
            ),
          },
        }),
  });
  return network;
}

/** Reads one ADC's estate and leaves no session behind, not even when it is interrupted. */
export async function importOnce(
  config: Config,
  adc: AdcConfig,
  interrupted: AbortSignal,
): Promise<EstateRead> {
  const link = new AdcLink({
    config: adc,
    network: networkOf(config),
    events: { adcRequest: () => undefined },
    now: Date.now,
    monotonic: () => performance.now(),
    wantsConnections: () => false,
  });
  interrupted.addEventListener("abort", () => {
    void link.close();
  });
  try {
    return await link.readEstate();
  } finally {
    await link.close();
  }
}

/** A single look at DNS waits no longer for an answer. */
const DNS_TIMEOUT_MS = 5_000;

/** What DNS answers for the configuration's client-facing names now; a name without an answer in time is absent. */
export async function resolveOnce(config: Config, network: Network): Promise<ResolvedNames> {
  const names = new PublicNames(network, clientFacingNames(config));
  await names.askOnce(DNS_TIMEOUT_MS);
  return names.resolved;
}
