import type { AdcConfig, Config } from "../config/schema.ts";
import { createNetwork } from "../probes/wire/network.ts";
import { AdcLink, type EstateRead } from "./adc-link.ts";

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

/** The network of a configuration: its `connect_to`, and whether an unmapped address may be dialled at all. */
export function networkOf(config: Pick<Config, "connectTo" | "unmapped">) {
  return createNetwork({
    connectTo: config.connectTo,
    unmapped: config.unmapped,
    now: () => performance.now(),
  });
}
