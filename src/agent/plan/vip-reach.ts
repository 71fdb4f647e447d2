import type { VserverConfig } from "../../config/schema.ts";
import type { Estate } from "../../model/estate.ts";
import type { Vserver, LbVserver } from "../../model/vserver.ts";
import { probeId } from "./planned-probe.ts";
import type { PlanSettings } from "./settings.ts";
import { clientTls } from "./look-probes.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import type { TransactionSpec, AdcFront } from "../../model/transactions.ts";
import { isIP } from "../../lib/ip.ts";
import { readHostPort } from "../../lib/host-port.ts";

/** The identity of a monitor or a look through this way; configured transactions have their own. */
export function vipProbeId(
  { adc }: Estate,
  vserver: Vserver,
  { vantage, entry, address, port }: VipReach,
  name: string,
): string {
  const way = vantage === "public" ? `${entry.name} ${address}` : entry.name;
  return probeId(adc, vantage, vserver.name, way, port, name);
}
/** The parts that every probe through a VIP has. */
export function vipCommon(id: string, estate: Estate, vserver: Vserver, reach: VipReach) {
  const through = reach.entry.name === vserver.name ? [] : [reach.entry.name];
  return {
    id,
    adc: estate.adc,
    vantage: reach.vantage,
    vserver: vserver.name,
    vservers: [vserver.name, ...through],
    server: null,
    memberAddress: null,
    memberPort: null,
    address: reach.address,
    port: reach.port,
    note: reach.note,
  };
}
/** The address that a probe through this way connects to. */
export function targetOf(reach: VipReach) {
  return { host: reach.address, port: reach.port, server: null };
}
/** TLS as a client speaks it, with the vserver's own names and CA. */
export function vipTls(settings: PlanSettings, vserver: Vserver, reach: VipReach, old = false) {
  const own = settings.vservers.get(vserver.name) ?? settings.vservers.get(reach.entry.name);
  const names = reach.name === null ? (own?.names ?? []) : [reach.name];
  return {
    ...clientTls(reach.host ?? reach.address, old, own?.ca ?? null, names),
    checkedNames: namesThrough(settings, vserver.name, reach),
  };
}

/** The client-facing names of a vserver and of the one in front of it: both are judged by the certificate seen there. */
export function namesThrough(
  settings: PlanSettings,
  vserver: string,
  { entry }: VipReach,
): readonly string[] {
  return [vserver, entry.name].flatMap((name) => clientNames(settings.vservers.get(name)));
}

/** Names the operator expects in a vserver's certificate; the host alone where no list is given. */
export function clientNames(settings: VserverConfig | undefined): readonly string[] {
  if (settings === undefined || settings.names.length > 0) {
    return settings?.names ?? [];
  }
  return settings.host === null ? [] : [settings.host];
}
/** The rate of probes through a VIP: that of its slowest monitor. */
export function slowestInterval(estate: Estate, services: readonly AdcService[]): number {
  const intervals = services.flatMap((service) =>
    service.monitors.flatMap((binding) => estate.monitors.get(binding.monitor)?.intervalMs ?? []),
  );
  return intervals.length === 0 ? 30_000 : Math.max(...intervals);
}
/** The services that a vserver balances. */
export function servicesOf(estate: Estate, vserver: LbVserver): AdcService[] {
  return vserver.services.flatMap((binding) => estate.services.get(binding.service) ?? []);
}
/** How a client comes to a vserver: its own address, that of the content-switching vserver before it, or a public one. */
export interface VipReach {
  readonly vantage: "vip" | "public";
  /** The vserver whose address is dialled. */
  readonly entry: Vserver;
  readonly address: string;
  readonly port: number;
  /** Path and Host that the content-switching policy wants; null where it does not look. */
  readonly path: string | null;
  readonly host: string | null;
  /** The Host that the policy insists on, whatever a client types otherwise. */
  readonly policyHost: string | null;
  /** The client-facing name that leads there, when one does: the certificate must hold it. */
  readonly name: string | null;
  readonly note: string | null;
  /** Why it is never contacted; null when it is. */
  readonly refused: string | null;
}
export const AT_VIP = { vantage: "vip", name: null, note: null, refused: null } as const;
/**
 * The ways to a load-balancing vserver; at most one per entry vserver: the first policy that takes the
 * preferred path, else the first that leads there. Empty when a
 * client cannot reach it (no address, no policy). `anyPort`: what is asked for where the port is `*`; null: nothing is.
 */
export function vipReach(
  graph: VserverGraph,
  estate: Estate,
  vserver: LbVserver,
  settings: PlanSettings,
  preferredPath: string | null,
  anyPort: number | null = null,
): VipReach[] {
  const own = settings.vservers.get(vserver.name);
  const direct = endpointOf(vserver, anyPort);
  if (direct !== null) {
    const way = { entry: vserver, path: own?.path ?? null, host: hostOf(own), policyHost: null };
    return [Object.assign(way, direct, AT_VIP, { note: rangeNote(vserver) })];
  }
  const reaches = new Map<string, VipReach>();
  const wanted = own?.path ?? preferredPath;
  const paths = graph.csPathTo(vserver.name, wanted);
  const asWanted = paths.filter(({ path }) => wanted !== null && path === wanted);
  for (const path of [...asWanted, ...paths]) {
    const entry = estate.csVservers.get(path.csVserver);
    const endpoint = entry === undefined ? null : endpointOf(entry, anyPort);
    if (entry === undefined || endpoint === null || reaches.has(entry.name)) {
      continue;
    }
    const before = settings.vservers.get(entry.name);
    const host = own?.host ?? path.host ?? before?.host ?? hostOf(own) ?? hostOf(before);
    const way = { entry, path: path.path, host, policyHost: path.host };
    reaches.set(entry.name, Object.assign(way, endpoint, AT_VIP, { note: rangeNote(entry) }));
  }
  return [...reaches.values()];
}
/** What a client types: the host given, else the first name. */
export function hostOf(own: VserverConfig | undefined): string | null {
  return own?.host ?? own?.names[0] ?? null;
}
/** Of several addresses in a row, the others are not asked: the reader has to know. */
function rangeNote({ range }: Vserver): string | null {
  return range > 1
    ? `the first of ${String(range)} addresses (-range); the others are not asked`
    : null;
}
function endpointOf(
  { address, port: own }: Vserver,
  anyPort: number | null,
): { readonly address: string; readonly port: number } | null {
  const port = own === "*" ? anyPort : own;
  return address === null || port === null ? null : { address, port };
}
/** Whether the ADC itself ends the clients' TLS here. */
export function endsTls({ serviceType }: Vserver): boolean {
  return serviceType === "SSL" || serviceType === "SSL_TCP";
}
/** Whether a client speaks TLS to this entry: the ADC ends it, or passes through what the server speaks. */
export function clientSpeaksTls(entry: Vserver, backendSpeaksTls: boolean): boolean {
  return endsTls(entry) || (entry.serviceType !== "HTTP" && backendSpeaksTls);
}
/** How TLS begins at this entry, by how it begins straight at the servers behind. STARTTLS passes through like any words. */
export function securityThrough(
  entry: Vserver,
  backend: TransactionSpec["security"],
): TransactionSpec["security"] {
  if (clientSpeaksTls(entry, backend === "implicit")) {
    return "implicit";
  }
  return backend === "implicit" ? "none" : backend;
}
/** What the ADC answers by itself at this vserver. */
export function adcFrontOf(estate: Estate, vserver: Vserver, hasServices: boolean): AdcFront {
  const { authentication } = vserver;
  const authServer =
    authentication.vserver === null
      ? null
      : (estate.authenticationVservers.get(authentication.vserver)?.domain ?? null);
  return {
    authentication: authentication.form ? "form" : authentication.http401 ? "401" : "none",
    authenticationHost: authentication.host ?? authServer,
    redirectUrl: hasServices ? null : vserver.redirectUrl,
  };
}

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
  if (settings.vservers.size === 0) {
    return [];
  }
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

function waysTo(reach: VipReach, own: VserverConfig, settings: PlanSettings): VipReach[] {
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
