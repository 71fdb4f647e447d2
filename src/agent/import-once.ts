import type { AdcConfig, Config } from "../config/schema.ts";
import type { Network } from "../probes/probe.ts";
import { lookupAt } from "../probes/wire/dns-servers.ts";
import { createNetwork } from "../probes/wire/network.ts";
import { AdcLink, type EstateRead } from "./adc-link.ts";
import { clientFacingNames, PublicNames } from "./names/public-names.ts";
import type { ResolvedNames } from "./names/resolved-name.ts";

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

/** The network of a configuration: its `connect_to`, whether an unmapped address may be dialled at all, and whom to ask for names. */
export function networkOf(
  config: Pick<Config, "connectTo" | "unmapped" | "dnsServers" | "vservers">,
): Network {
  const { dnsServers } = config;
  const lookup = lookupAt(dnsServers, (host, port) => network.resolve(host, port, "udp"));
  const network = createNetwork({
    connectTo: config.connectTo,
    unmapped: config.unmapped,
    now: Date.now,
    ...(dnsServers.length === 0
      ? {}
      : { clientNames: { names: clientFacingNames(config), lookup } }),
  });
  return network;
}

/** A single look at DNS waits no longer for an answer. */
const DNS_TIMEOUT_MS = 5_000;

/** What DNS answers for the configuration's client-facing names now; a name without an answer in time is absent. */
export async function resolveOnce(config: Config, network: Network): Promise<ResolvedNames> {
  const names = new PublicNames(network, clientFacingNames(config));
  await names.askOnce(DNS_TIMEOUT_MS);
  return names.resolved;
}
