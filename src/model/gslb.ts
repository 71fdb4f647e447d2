import type { AdcService } from "./adc-service.ts";
import type { SourceLine } from "./source-line.ts";
import type { ServiceBinding } from "./vserver.ts";

/**
 * Global server load balancing as one ADC is configured: sites, services (each a VIP of a site) and the vservers that
 * answer DNS questions for domain names. Types only.
 */
export interface Gslb {
  readonly sites: ReadonlyMap<string, GslbSite>;
  /** GSLB services and service groups by name. */
  readonly services: ReadonlyMap<string, GslbService>;
  readonly vservers: ReadonlyMap<string, GslbVserver>;
  /** The addresses of this ADC's DNS: services of the types ADNS and ADNS_TCP. */
  readonly adns: readonly AdnsAddress[];
}

export interface AdnsAddress {
  readonly address: string;
  readonly port: number;
  readonly transport: "udp" | "tcp";
}

export interface GslbSite {
  readonly name: string;
  /** The site of this ADC itself; null where it is unknown. */
  readonly local: boolean | null;
  /** Where its ADC exchanges metrics (MEP). */
  readonly address: string | null;
  readonly publicAddress: string | null;
  /** Whether it is configured to exchange metrics at all. */
  readonly metricExchange: boolean;
  /** When monitors bound to its services are run. */
  readonly triggerMonitor: "ALWAYS" | "MEPDOWN" | "MEPDOWN_SVCDOWN";
  readonly line: SourceLine;
}

/** A GSLB service has one member, a group has several: VIPs of one site, of this ADC or of another. */
export interface GslbService extends AdcService {
  /** GSLB's names are its own: where a service has this one, an addition keeps them apart. Its members' `adcService`. */
  readonly shownAs: string;
  readonly site: string | null;
  /** The name that is answered instead of an address (`-cnameEntry`). */
  readonly cname: string | null;
  /** In the order of `members`: the other addresses that DNS returns for this one (public, of a DNS view). */
  readonly otherAddresses: readonly (readonly string[])[];
  /** As them: where clients of a public address connect (`-publicPort`); null: at the member's own port. */
  readonly publicPorts: readonly (number | null)[];
}

export interface GslbVserver {
  readonly name: string;
  /** As a service's, among all vservers. */
  readonly shownAs: string;
  readonly serviceType: string;
  readonly enabled: boolean;
  readonly recordType: GslbRecordType;
  readonly method: string;
  readonly persistenceType: string;
  /** `-EDR ENABLED`: nothing is answered while it is DOWN; otherwise the addresses of its DOWN services are. */
  readonly emptyWhenDown: boolean;
  readonly backupVserver: string | null;
  readonly domains: readonly GslbDomain[];
  readonly services: readonly ServiceBinding[];
  readonly comment: string | null;
  readonly line: SourceLine;
}

export type GslbRecordType = "A" | "AAAA" | "CNAME" | "NAPTR";

/** A name that clients ask for (`bind gslb vserver -domainName`). */
export interface GslbDomain {
  readonly name: string;
  /** What is answered when no service is left (`-backupIP`). */
  readonly backupAddress: string | null;
  readonly line: SourceLine;
}

/** The ADC's state of the metric exchange with a site; null if it does not report it, or there is none. */
export interface GslbSiteState {
  readonly name: string;
  readonly mep: "up" | "down" | null;
  readonly rawStatus: string;
}
