import { parseNsConf } from "../src/adc/nsconf/import.ts";
import { AddressMap } from "./adc/address-map.ts";
import { Appliance } from "./adc/appliance.ts";
import { certificateLike } from "./certificates/lab-certificate.ts";
import { backendSource, type NitroSource } from "./nitro/resources.ts";
import type { NitroBackend } from "./nitro/backend.ts";
import type { NitroServerOptions } from "./nitro/server.ts";
import type { Management } from "./scenario.ts";

/** The admin partition that holds the rows in the scenario `partition`. */
export const PARTITION = "exchange";

export interface ServedManagement {
  /** What a session sees directly after login. */
  readonly source: NitroSource;
  readonly options: Partial<NitroServerOptions>;
}

/** The recorded node of another site, unmodified. */
export function servedAsRecorded(source: NitroSource): ServedManagement {
  return { source, options: {} };
}

/** What an appliance of this kind serves, and how; `backend` has the rows of the scenario. */
export function servedBy(kind: Management | undefined, backend: NitroBackend): ServedManagement {
  const source = backendSource(backend);
  switch (kind) {
    case undefined:
      return { source, options: {} };
    case "cluster":
      return { source, options: { habits: { cluster: "node" } } };
    case "partition": {
      const bare = parseNsConf("#NS13.1 Build 37.38\n", { adc: "lab" });
      const unused = new Appliance({
        estate: bare,
        addresses: new AddressMap(),
        certificate: () => null,
      });
      const partitions = new Map([[PARTITION, backend]]);
      return { source: backendSource(unused.nitro()), options: { partitions } };
    }
    case "redirect":
      return { source, options: { tls: null, redirectTo: "https://ns.example.com" } };
    case "factory_certificate": {
      // As appliances leave the factory: self-signed, a common name and no alternative names.
      const wishes = { commonName: "default ABCDEF", names: [], selfSigned: true };
      const { key, certificate } = certificateLike(wishes);
      return { source, options: { tls: { key, cert: certificate } } };
    }
  }
}
