import type { Config } from "../config/schema.ts";
import { createNetwork } from "../probes/wire/network.ts";

/** What of a configuration says where probes may go. Plain data. */
export type Ways = Pick<Config, "connectTo" | "unmapped">;

/** The network of a configuration: its `connect_to`, and whether an unmapped address may be dialled at all. */
export function networkOf({ connectTo, unmapped }: Ways) {
  return createNetwork({ connectTo, unmapped, now: Date.now });
}
