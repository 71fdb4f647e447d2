import type { AdcConfig, Config } from "../config/schema.ts";
import { AdcLink, type EstateRead } from "./adc-link.ts";
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
