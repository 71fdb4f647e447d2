import type { Estate } from "../../src/model/estate.ts";
import type { AaaOptions } from "./aaa/options.ts";
import type { AddressMap } from "./address-map.ts";
import type { CertificateAndKey } from "./front/termination.ts";
import type { TlsRange } from "./tls-range.ts";

export interface AdcOptions {
  readonly estate: Estate;
  /** Where the servers really are; the ADC adds its VIPs. */
  readonly addresses: AddressMap;
  /** Certificate and key for a certkey's file name (`-cert mail.pem`). */
  readonly certificate: (file: string) => CertificateAndKey | null;
  /** The password of a login monitor, which the ns.conf contains encrypted. */
  readonly monitorPassword?: (monitor: string) => string | null;
  /** Factor for all durations in the ns.conf. Default 1. */
  readonly timeScale?: number;
  /** TLS of monitors and services unless the ns.conf sets it. Default: 1.2 and 1.3. */
  readonly backendTls?: TlsRange;
  readonly aaa?: AaaOptions;
  /** Ports to open for `*` of a wildcard VIP. */
  readonly wildcardPorts?: readonly number[];
  /** Two nodes, of which the first is primary. Default false. */
  readonly haPair?: boolean;
}

/** `-delay` in milliseconds (not scaled) and `-graceFul YES`. */
export interface DisableOptions {
  readonly delayMs?: number;
  readonly graceful?: boolean;
}
