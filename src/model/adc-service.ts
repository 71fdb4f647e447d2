import type { SourceLine } from "./source-line.ts";
import type { BackendTls } from "./tls-settings.ts";

/** A TCP or UDP port, or `*` for a wildcard service (NITRO's 65535). */
export type Port = number | "*";

/** A service or a service group: what a monitor is bound to. A service has exactly one member. */
export interface AdcService {
  readonly kind: "service" | "serviceGroup";
  readonly name: string;
  /** HTTP, SSL, TCP, SSL_BRIDGE, UDP, DNS, ANY … in upper case. */
  readonly serviceType: string;
  readonly enabled: boolean;
  /** `-healthMonitor NO` makes the ADC say UP without any probe. */
  readonly healthMonitor: boolean;
  /** 0: all monitors must be up; otherwise the weights of the monitors that are up must reach it. */
  readonly monThreshold: number;
  readonly monConnectionClose: "FIN" | "RESET" | null;
  readonly useSourceIp: boolean;
  readonly netProfile: string | null;
  /** `-tcpProfileName` and `-httpProfileName`: how the ADC speaks to the servers. */
  readonly tcpProfile: string | null;
  readonly httpProfile: string | null;
  readonly trafficDomain: number;
  readonly maxClients: number;
  readonly clientTimeoutMs: number | null;
  readonly serverTimeoutMs: number | null;
  readonly autoScale: string | null;
  readonly tls: BackendTls;
  /** Certificate that the ADC shows to the servers (`bind ssl service -certkeyName`); absent: none. */
  readonly clientCertificate?: string;
  readonly monitors: readonly MonitorBinding[];
  readonly members: readonly Member[];
  readonly comment: string | null;
  readonly line: SourceLine;
}

/** One server:port of a service or service group. */
export interface Member {
  /** Name of the service or group (metrics label `adc_service`). */
  readonly adcService: string;
  /** Name of the server object; the address itself where the configuration names none. */
  readonly server: string;
  readonly address: string | null;
  readonly domain: string | null;
  /** The address family for which the ADC resolves `domain`: IPv4 unless configured otherwise. */
  readonly family?: 4 | 6;
  readonly port: Port;
  /** Set where the configuration names no port, and `port` is `*`: it comes from the SRV record, or is unknown. */
  readonly portUnknown?: "srv" | "none";
  /** False when the member, its service or its server is administratively disabled. */
  readonly enabled: boolean;
  readonly weight: number;
  readonly line: SourceLine;
}

export interface MonitorBinding {
  readonly monitor: string;
  /** `-monState DISABLED` on the binding: not probed, not counted. */
  readonly enabled: boolean;
  readonly weight: number;
  readonly passive: boolean;
  /** True for `tcp-default` and `ping-default`, which the ADC binds itself and never writes to ns.conf. */
  readonly synthesised: boolean;
  /** True when bound in the old form, `bind lb monitor M S`. */
  readonly deprecatedForm: boolean;
  readonly line: SourceLine;
}
