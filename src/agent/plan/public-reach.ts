import { isIP } from "../../lib/ip.ts";
import type { Estate } from "../../model/estate.ts";
import type { LbVserver } from "../../model/vserver.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import { readHostPort } from "../../lib/host-port.ts";
import type { PlanSettings, VserverSettings } from "./settings.ts";
import { hostOf, vipReach, type VipReach } from "./vip-reach.ts";

/**
 * The ways to a vserver by its client-facing names and addresses, from the configuration: every address that a name is
 * known to resolve to is a site of its own, but for the VIP itself, which is probed as such. A name that does not resolve
 * is a way too, for its failure is what clients get.
 */
export function publicReach(
  graph: VserverGraph,
  estate: Estate,
  vserver: LbVserver,
  settings: PlanSettings,
  preferredPath: string | null,
  anyPort: number | null = null,
): VipReach[] {
  const ways = new Map<string, VipReach>();
  for (const reach of vipReach(graph, estate, vserver, settings, preferredPath, anyPort)) {
    const own = settings.vservers.get(vserver.name) ?? settings.vservers.get(reach.entry.name);
    for (const way of own === undefined ? [] : waysTo(reach, own, settings)) {
      const key = `${reach.entry.name} ${way.address} ${String(way.port)}`;
      if (!ways.has(key)) {
        ways.set(key, way);
      }
    }
  }
  return [...ways.values()];
}

function waysTo(reach: VipReach, own: VserverSettings, settings: PlanSettings): VipReach[] {
  const written = own.public.map((text) => {
    const { host, port } = readHostPort(text);
    return { host, port: port ?? reach.port };
  });
  const named = own.names.map((host) => ({ host, port: reach.port }));
  return [...written, ...named].flatMap(({ host, port }) => {
    const way: VipReach = { ...reach, vantage: "public", port };
    return isIP(host) === 0
      ? sitesOf(way, reach, host, settings)
      : [{ ...way, address: host, host: reach.host ?? hostOf(own) }];
  });
}

function sitesOf(
  way: VipReach,
  vip: VipReach,
  name: string,
  { resolved }: PlanSettings,
): VipReach[] {
  const byName: VipReach = { ...way, address: name, name, host: way.policyHost ?? name };
  const known = resolved.get(name.toLowerCase());
  switch (known?.kind) {
    case undefined:
    case "mapped":
      return [byName];
    case "forbidden":
      return [{ ...byName, refused: known.message }];
    case "asked": {
      const sites = known.addresses
        .filter(({ address }) => address !== vip.address || way.port !== vip.port)
        .map(({ address }) => ({ ...byName, address, note: `an address of ${name}` }));
      return known.failure === null
        ? sites
        : [...sites, { ...byName, note: `does not resolve: ${known.failure}` }];
    }
  }
}
