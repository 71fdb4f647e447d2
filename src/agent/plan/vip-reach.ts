import type { VserverConfig } from "../../config/schema.ts";
import type { Estate } from "../../model/estate.ts";
import type { Vserver, LbVserver } from "../../model/vserver.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";
import type { PlanSettings } from "./settings.ts";
import { clientTls } from "./look-probes.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { VserverGraph } from "../../adc/vserver-graph.ts";
import type { TransactionSpec, AdcFront } from "../../model/transactions.ts";
import { isIP } from "../../lib/ip.ts";
import { readHostPort } from "../../lib/host-port.ts";

/** The identity of a monitor or look through this route; configured transactions have their own. */
export function vipProbeId(
  { adc }: Estate,
  vserver: Vserver,
  { vantage, entry, address, port }: VipReach,
  name: string,
): string {
  const route = vantage === "public" ? `${entry.name} ${address}` : entry.name;
  return probeId(adc, vantage, vserver.name, route, port, name);
}

/** What a probe through a VIP has besides its route. */
type OwnProperties = Pick<
  PlannedProbe,
  | "id"
  | "adcService"
  | "intervalMs"
  | "timeoutMs"
  | "type"
  | "source"
  | "sourceAddresses"
  | "tlsSource"
  | "note"
  | "action"
>;

/** A probe through a VIP. Written out, since a large plan has tens of thousands of them. */
export function vipProbe(
  estate: Estate,
  vserver: Vserver,
  { entry, vantage, address, port }: VipReach,
  own: OwnProperties,
): PlannedProbe {
  return {
    id: own.id,
    adc: estate.adc,
    vantage,
    vserver: vserver.name,
    vservers: entry.name === vserver.name ? [entry.name] : [vserver.name, entry.name],
    adcService: own.adcService,
    server: null,
    memberAddress: null,
    memberPort: null,
    address,
    port,
    intervalMs: own.intervalMs,
    timeoutMs: own.timeoutMs,
    type: own.type,
    source: own.source,
    sourceAddresses: own.sourceAddresses,
    tlsSource: own.tlsSource,
    note: own.note,
    action: own.action,
  };
}
/** The address to which a probe through this route connects. */
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

/** The client-facing names of a vserver and of the one in front of it: the certificate there must be valid for both. */
export function namesThrough(
  settings: PlanSettings,
  vserver: string,
  { entry }: VipReach,
): readonly string[] {
  return [vserver, entry.name].flatMap((name) => clientNames(settings.vservers.get(name)));
}

/** The names that the operator expects in a vserver's certificate; only the host if no list is given. */
export function clientNames(settings: VserverConfig | undefined): readonly string[] {
  if (settings === undefined || settings.names.length > 0) {
    return settings?.names ?? [];
  }
  return settings.host === null ? [] : [settings.host];
}
/** The interval of probes through a VIP: that of its slowest monitor. */
export function slowestInterval(estate: Estate, services: readonly AdcService[]): number {
  let slowest = 0;
  for (const { monitors } of services) {
    for (const { monitor } of monitors) {
      slowest = Math.max(slowest, estate.monitors.get(monitor)?.intervalMs ?? 0);
    }
  }
  return slowest === 0 ? 30_000 : slowest;
}
/** The services that a vserver balances. */
export function servicesOf(estate: Estate, vserver: LbVserver): AdcService[] {
  return vserver.services.flatMap((binding) => estate.services.get(binding.service) ?? []);
}
/**
 * One route of clients to a vserver: its own address, that of the content-switching vserver in front, or a public one.
 */
export interface VipReach {
  readonly vantage: "vip" | "public";
  /** The vserver to whose address the probe connects. */
  readonly entry: Vserver;
  readonly address: string;
  readonly port: number;
  /** The path and Host that the content-switching policy requires; null if it does not check them. */
  readonly path: string | null;
  readonly host: string | null;
  /** The Host that the policy requires, whatever name clients use otherwise. */
  readonly policyHost: string | null;
  /** The client-facing name of this route, if there is one: the certificate must contain it. */
  readonly name: string | null;
  readonly note: string | null;
  /** Why this route is never used; null if it is. */
  readonly refused: string | null;
}
/** The way to a vserver's own address, or to that of one in front. */
export function reachAt(
  entry: Vserver,
  { address, port }: { readonly address: string; readonly port: number },
  { path, host, policyHost }: Pick<VipReach, "path" | "host" | "policyHost">,
): VipReach {
  const note = rangeNote(entry);
  return {
    vantage: "vip",
    entry,
    address,
    port,
    path,
    host,
    policyHost,
    name: null,
    note,
    refused: null,
  };
}
/**
 * The routes to a load-balancing vserver, at most one per entry vserver: the first policy that matches the preferred
 * path, or else the first that leads to the vserver. Empty if clients cannot reach it (no address, no policy).
 * `anyPort`: the port to use if the vserver listens on `*`; null: none.
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
    const request = { path: own?.path ?? null, host: hostOf(own), policyHost: null };
    return [reachAt(vserver, direct, request)];
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
    const request = { path: path.path, host, policyHost: path.host };
    reaches.set(entry.name, reachAt(entry, endpoint, request));
  }
  return [...reaches.values()];
}
/** The host name that clients use: the configured host, or else the first name. */
export function hostOf(own: VserverConfig | undefined): string | null {
  return own?.host ?? own?.names[0] ?? null;
}
/** Only the first of several consecutive addresses is probed, which the reader has to know. */
function rangeNote({ range }: Vserver): string | null {
  return range > 1
    ? `the first of ${String(range)} addresses (-range); the others are not probed`
    : null;
}
function endpointOf(
  { address, port: own }: Vserver,
  anyPort: number | null,
): { readonly address: string; readonly port: number } | null {
  const port = own === "*" ? anyPort : own;
  return address === null || port === null ? null : { address, port };
}
/** Whether the ADC itself terminates the clients' TLS here. */
export function endsTls({ serviceType }: Vserver): boolean {
  return serviceType === "SSL" || serviceType === "SSL_TCP";
}
/** Whether clients speak TLS to this entry: the ADC terminates it, or passes it through to the server. */
export function clientSpeaksTls(entry: Vserver, backendSpeaksTls: boolean): boolean {
  return endsTls(entry) || (entry.serviceType !== "HTTP" && backendSpeaksTls);
}
/**
 * How TLS starts at this entry, given how it starts directly at the servers. STARTTLS is passed through like any other
 * data.
 */
export function securityThrough(
  entry: Vserver,
  backend: TransactionSpec["security"],
): TransactionSpec["security"] {
  if (clientSpeaksTls(entry, backend === "implicit")) {
    return "implicit";
  }
  return backend === "implicit" ? "none" : backend;
}
/** What the ADC itself answers at this vserver. */
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
 * The routes to a vserver by its client-facing names and addresses, from the configuration: every address that a name
 * resolves to is a site of its own, except for the VIP itself, which is probed as such. A name that does not resolve is
 * also a route, because clients fail there.
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
    for (const route of own === undefined ? [] : waysTo(reach, own, settings)) {
      const key = `${reach.entry.name} ${route.address} ${String(route.port)}`;
      if (!ways.has(key)) {
        ways.set(key, route);
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
    const route: VipReach = { ...reach, vantage: "public", port };
    return isIP(host) === 0
      ? sitesOf(route, reach, host, settings)
      : [{ ...route, address: host, host: reach.host ?? hostOf(own) }];
  });
}

function sitesOf(
  route: VipReach,
  vip: VipReach,
  name: string,
  { resolved }: PlanSettings,
): VipReach[] {
  const byName: VipReach = { ...route, address: name, name, host: route.policyHost ?? name };
  const known = resolved.get(name.toLowerCase());
  switch (known?.kind) {
    case undefined:
    case "mapped":
      return [byName];
    case "forbidden":
      return [{ ...byName, refused: known.message }];
    case "asked": {
      const sites = known.addresses
        .filter(({ address }) => address !== vip.address || route.port !== vip.port)
        .map(({ address }) => ({ ...byName, address, note: `an address of ${name}` }));
      return known.failure === null
        ? sites
        : [...sites, { ...byName, note: `does not resolve: ${known.failure}` }];
    }
  }
}
