import {
  createNitroClient,
  type NitroClient,
  type NitroClientOptions,
} from "../../../src/adc/nitro/client.ts";
import { createNetwork } from "../../../src/net/dns.ts";

export const CREDENTIALS = { username: "adc-witness", password: "s3cret/ü" };

/** A client of a lab server, as the agent would make it. */
export function labClient(url: string, options: Partial<NitroClientOptions> = {}): NitroClient {
  return createNitroClient({
    url,
    ...CREDENTIALS,
    tls: { ca: null, serverName: null, verify: true },
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
    ...options,
  });
}
