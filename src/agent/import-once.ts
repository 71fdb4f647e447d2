import type { AdcConfig, Config } from "../config/schema.ts";
import type { Network } from "../probes/probe.ts";
import { AdcLink, type EstateRead } from "./adc-link.ts";
import { clientFacingNames, PublicNames } from "./names/public-names.ts";
import type { ResolvedNames } from "./names/resolved-name.ts";
import { networkOf } from "./network-of.ts";

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
