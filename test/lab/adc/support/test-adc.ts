import { AddressMap } from "../../../../lab/adc/address-map.ts";
import { Appliance } from "../../../../lab/adc/appliance.ts";
import type { AdcOptions } from "../../../../lab/adc/options.ts";
import { CERTIFICATE_NAMES, labCertificate } from "../../../../lab/certificates/lab-certificate.ts";
import { parseNsConf } from "../../../../src/adc/nsconf/import.ts";

/** An appliance for one test: its configuration, and where its servers really are. */
export interface TestAdc extends AsyncDisposable {
  readonly adc: Appliance;
  /** Loopback port of a VIP. */
  readonly port: (vip: string, port: number) => number;
}

export async function startTestAdc(
  conf: string,
  servers: Readonly<Record<string, number>>,
  options: Partial<AdcOptions> = {},
): Promise<TestAdc> {
  const addresses = new AddressMap();
  for (const [endpoint, port] of Object.entries(servers)) {
    const colon = endpoint.lastIndexOf(":");
    addresses.add(endpoint.slice(0, colon), Number(endpoint.slice(colon + 1)), {
      host: "127.0.0.1",
      port,
    });
  }
  const adc = new Appliance({
    estate: parseNsConf(conf, { adc: "test" }),
    addresses,
    certificate: (file) => {
      const name = CERTIFICATE_NAMES.find((known) => `${known}.pem` === file);
      return name === undefined ? null : labCertificate(name);
    },
    ...options,
  });
  await adc.start();
  await until("every monitor has decided", () => adc.settled);
  return {
    adc,
    port: (vip, port) => {
      const found = addresses.find(vip, port);
      if (found === null) {
        throw new Error(`no VIP ${vip}:${String(port)}`);
      }
      return found.port;
    },
    [Symbol.asyncDispose]: () => adc.close(),
  };
}

/** Polls a condition, at most `deadlineMs`. */
export async function until(
  what: string,
  condition: () => boolean,
  deadlineMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Not within ${String(deadlineMs)} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
