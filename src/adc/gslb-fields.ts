import {
  addressOrNone,
  choice,
  choiceOrNone,
  enabled,
  ownPort,
  plainKeyword,
  text,
  textOrNone,
} from "./field-types.ts";
import { field, type Values } from "./fields.ts";
import { comment, weight } from "./vserver-fields.ts";
import type { AdcService } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import type { AdnsAddress, Gslb, GslbService, GslbSite, GslbVserver } from "../model/gslb.ts";
import { ownAddresses } from "./vserver-graph.ts";

/**
 * The attributes of GSLB sites, services, service groups and vservers, and of their bindings. What GSLB services have
 * in common with services is in vserver-fields.ts.
 * Sources: NetScaler command reference, `add gslb site|service|serviceGroup|vserver` and their `bind`; NITRO docs,
 * configuration of global-server-load-balancing.
 */
export const GSLB_SITE_FIELDS = {
  type: field("siteType", choiceOrNone(["LOCAL", "REMOTE"], ["NONE"]), null),
  address: field("siteIPAddress", addressOrNone, null),
  publicAddress: field("publicIP", addressOrNone, null),
  metricExchange: field("metricExchange", enabled, true),
  triggerMonitor: field(
    "triggerMonitor",
    choice(["ALWAYS", "MEPDOWN", "MEPDOWN_SVCDOWN"]),
    "ALWAYS",
  ),
};

export const GSLB_SERVICE_FIELDS = {
  site: field("siteName", text, null),
  cname: field("cnameEntry", text, null),
};

/** Attributes of a service, or of one member of a group. */
export const GSLB_PUBLIC_FIELDS = {
  publicAddress: field("publicIP", addressOrNone, null),
  publicPort: field("publicPort", ownPort, null),
};

/** `bind gslb service -viewName V IP`. */
export const GSLB_VIEW_FIELDS = {
  viewAddress: field("viewIP", addressOrNone, null),
};

export const GSLB_VSERVER_FIELDS = {
  enabled: field("state", enabled, true),
  recordType: field("dnsRecordType", choice(["A", "AAAA", "CNAME", "NAPTR"]), "A"),
  method: field("lbMethod", plainKeyword, "LEASTCONNECTION"),
  persistenceType: field("persistenceType", plainKeyword, "NONE"),
  emptyWhenDown: field("EDR", enabled, false),
  backupVserver: field("backupVServer", textOrNone, null),
  comment,
};

export const GSLB_DOMAIN_FIELDS = {
  backupAddress: field("backupIP", addressOrNone, null),
};

export const GSLB_BINDING_FIELDS = { weight };

/** A site from its attributes. */
export function siteOf(name: string, values: Values<typeof GSLB_SITE_FIELDS>): GslbSite {
  const { type, ...rest } = values;
  return { name, local: type === null ? null : type === "LOCAL", ...rest, line: null };
}

/**
 * The sites with their type: if it is not set, a site at one of the ADC's own addresses is local (NetScaler command
 * reference, `add gslb site`).
 */
function placedSites(
  sites: ReadonlyMap<string, GslbSite>,
  own: ReadonlySet<string>,
): ReadonlyMap<string, GslbSite> {
  return new Map(
    [...sites].map(([name, site]) => {
      const local = site.local ?? (site.address === null ? null : own.has(site.address));
      return [name, { ...site, local }];
    }),
  );
}

/**
 * GSLB objects have their own name space: if another object has the same name, the GSLB object is shown with a suffix.
 */
function gslbName(
  taken: Iterable<{ readonly has: (name: string) => boolean }>,
  name: string,
): string {
  return [...taken].some((names) => names.has(name)) ? `${name} (GSLB)` : name;
}

/** The GSLB objects with the names under which they are shown beside the ADC's other objects. */
export function namedGslb(
  gslb: {
    readonly sites: ReadonlyMap<string, GslbSite>;
    readonly services: Iterable<Omit<GslbService, "shownAs">>;
    readonly vservers: Iterable<Omit<GslbVserver, "shownAs">>;
  },
  around: Pick<Estate, "services" | "lbVservers" | "csVservers" | "nsip" | "snips">,
): Gslb {
  const { services, lbVservers, csVservers } = around;
  return {
    sites: placedSites(gslb.sites, ownAddresses(around)),
    services: new Map(
      [...gslb.services].map((service) => {
        const shownAs = gslbName([services], service.name);
        const members = service.members.map((member) => ({ ...member, adcService: shownAs }));
        return [service.name, { ...service, members, shownAs }];
      }),
    ),
    vservers: new Map(
      [...gslb.vservers].map((vserver) => {
        const shownAs = gslbName([lbVservers, csVservers], vserver.name);
        return [vserver.name, { ...vserver, shownAs }];
      }),
    ),
    adns: adnsAddresses(services),
  };
}

/** How many GSLB services and groups bind each monitor. */
export function gslbUsersOfMonitors({ services }: Pick<Gslb, "services">): Map<string, number> {
  const users = new Map<string, number>();
  for (const { monitors } of services.values()) {
    for (const monitor of new Set(monitors.map((binding) => binding.monitor))) {
      users.set(monitor, (users.get(monitor) ?? 0) + 1);
    }
  }
  return users;
}

/**
 * The estate with the VIPs of GSLB services as services, so that they are probed like any other member. Its GSLB
 * configuration is unchanged.
 */
export function withSites(estate: Estate): Estate {
  return estate.gslb.services.size === 0
    ? estate
    : { ...estate, services: new Map([...estate.services, ...siteServices(estate).services]) };
}

/** The estate with only these services. */
export function siteServices(estate: Estate): Estate {
  const sites = [...estate.gslb.services.values()].map((service): [string, AdcService] => [
    service.shownAs,
    { ...service, name: service.shownAs },
  ]);
  return { ...estate, services: new Map(sites) };
}

const ADNS_TRANSPORTS: ReadonlyMap<string, AdnsAddress["transport"]> = new Map([
  ["ADNS", "udp"],
  ["ADNS_TCP", "tcp"],
]);

function adnsAddresses(services: ReadonlyMap<string, AdcService>): AdnsAddress[] {
  return [...services.values()].flatMap(({ serviceType, enabled: serviceEnabled, members }) => {
    const transport = ADNS_TRANSPORTS.get(serviceType);
    return transport === undefined || !serviceEnabled
      ? []
      : members.flatMap(({ address, port, enabled: on }) =>
          address === null || port === "*" || !on ? [] : [{ address, port, transport }],
        );
  });
}
