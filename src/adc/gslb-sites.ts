import type { AdcService } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import type { GslbService, GslbSite } from "../model/gslb.ts";
import type { Values } from "./fields.ts";
import type { GSLB_SITE_FIELDS } from "./gslb-fields.ts";

/** A site out of its attributes. */
export function siteOf(name: string, values: Values<typeof GSLB_SITE_FIELDS>): GslbSite {
  const { type, ...rest } = values;
  return { name, local: type === null ? null : type === "LOCAL", ...rest, line: null };
}

/**
 * The sites with their place told: where the type is left out, a site at one of the ADC's own addresses is its own
 * (NetScaler command reference, `add gslb site`).
 */
export function placedSites(
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

/** GSLB's objects have a name space of their own: where a name is taken, the one of GSLB is shown with an addition. */
function gslbName(taken: { readonly has: (name: string) => boolean }, name: string): string {
  return taken.has(name) ? `${name} (GSLB)` : name;
}

/** A GSLB service as the member table knows it: its members' `adcService` is its name there. */
export function withMemberNames(
  service: GslbService,
  services: ReadonlyMap<string, AdcService>,
): GslbService {
  const adcService = gslbName(services, service.name);
  return { ...service, members: service.members.map((member) => ({ ...member, adcService })) };
}

/**
 * The estate with the VIPs that GSLB hands out among its services, so that they are probed as any other member is. Its
 * GSLB stands as it was.
 */
export function withSites(estate: Estate): Estate {
  return estate.gslb.services.size === 0
    ? estate
    : { ...estate, services: new Map([...estate.services, ...siteServices(estate).services]) };
}

/** The estate with these alone for services. */
export function siteServices(estate: Estate): Estate {
  const sites = [...estate.gslb.services.values()].map((service): [string, AdcService] => {
    const name = gslbName(estate.services, service.name);
    return [name, { ...service, name }];
  });
  return { ...estate, services: new Map(sites) };
}

/** Vservers of this estate that are bound to GSLB names, under the names they are shown by. */
export function gslbVserverName(estate: Estate, name: string): string {
  const { lbVservers, csVservers } = estate;
  return gslbName({ has: (one) => lbVservers.has(one) || csVservers.has(one) }, name);
}
