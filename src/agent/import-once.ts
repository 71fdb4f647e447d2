import type { Config, AdcConfig } from "../config/schema.ts";
import { type Network, SchemeMemory } from "../net/network.ts";
import { NameMemory } from "../net/name-memory.ts";
import { lookupAt, createNetwork } from "../net/dns.ts";
import { createTargetPolicy } from "../net/target-policy.ts";
import { clientFacingNames, PublicNames, type ResolvedNames } from "./public-names.ts";
import { AdcLink, type EstateRead } from "./adc-watch.ts";

/** The settings that determine where probes may connect, and which DNS servers resolve client-facing names. */
type NetworkConfig = Pick<
  Config,
  "connectTo" | "unmapped" | "allowTargets" | "dnsServers" | "vservers" | "web"
>;

/** Creates the network for a configuration: its address mapping, allowed targets and DNS servers. */
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

/** Reads one ADC's estate, and logs out even if interrupted. */
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

/** Maximum wait for DNS answers. */
const DNS_TIMEOUT_MS = 5_000;

/** Resolves the client-facing names of a configuration once; names without an answer in time are absent. */
export async function resolveOnce(config: Config, network: Network): Promise<ResolvedNames> {
  const names = new PublicNames(network, clientFacingNames(config));
  await names.askOnce(DNS_TIMEOUT_MS);
  return names.resolved;
}
