import type { Estate, LbVserver, Vserver } from "../../estate/model.ts";
import type { VserverGraph } from "../../estate/vserver-graph.ts";
import { parseEndpoint } from "../../probes/wire/network.ts";
import type { AdcFront } from "../../probes/transactions/spec.ts";
import type { PlanSettings } from "./settings.ts";

/** How a client comes to a vserver: its own address, or that of the content-switching vserver before it. */
export interface VipReach {
  /** The vserver whose address is dialled. */
  readonly entry: Vserver;
  readonly address: string;
  readonly port: number;
  /** Path and Host that the content-switching policy wants; null where it does not look. */
  readonly path: string | null;
  readonly host: string | null;
}

/**
 * The ways to a load-balancing vserver; at most one per entry vserver: the first policy that takes the
 * preferred path, else the first that leads there. Empty when a
 * client cannot reach it (no address, port `*`, no policy).
 */
export function vipReach(
  graph: VserverGraph,
  estate: Estate,
  vserver: LbVserver,
  settings: PlanSettings,
  preferredPath: string | null,
): VipReach[] {
  const own = settings.vservers.get(vserver.name);
  const direct = endpointOf(vserver);
  if (direct !== null) {
    return [{ entry: vserver, ...direct, path: own?.path ?? null, host: own?.host ?? null }];
  }
  const reaches = new Map<string, VipReach>();
  const wanted = own?.path ?? preferredPath;
  const paths = graph.csPathTo(vserver.name, wanted);
  const asWanted = paths.filter(({ path }) => wanted !== null && path === wanted);
  for (const path of [...asWanted, ...paths]) {
    const entry = estate.csVservers.get(path.csVserver);
    const endpoint = entry === undefined ? null : endpointOf(entry);
    if (entry === undefined || endpoint === null || reaches.has(entry.name)) {
      continue;
    }
    const host = own?.host ?? path.host ?? settings.vservers.get(entry.name)?.host ?? null;
    reaches.set(entry.name, { entry, ...endpoint, path: path.path, host });
  }
  return [...reaches.values()];
}

/** The ways to a vserver by its client-facing addresses, from the configuration: as `vipReach`, at another address. */
export function publicReach(
  graph: VserverGraph,
  estate: Estate,
  vserver: LbVserver,
  settings: PlanSettings,
  preferredPath: string | null,
): VipReach[] {
  const reaches = vipReach(graph, estate, vserver, settings, preferredPath);
  return reaches.flatMap((reach) => {
    const own = settings.vservers.get(vserver.name) ?? settings.vservers.get(reach.entry.name);
    return (own?.public ?? []).map((text) => {
      const { host, port } = parseEndpoint(text);
      return {
        ...reach,
        address: host,
        port: port ?? reach.port,
        host: reach.host ?? own?.host ?? null,
      };
    });
  });
}

function endpointOf(vserver: Vserver): { readonly address: string; readonly port: number } | null {
  return vserver.address === null || typeof vserver.port !== "number"
    ? null
    : { address: vserver.address, port: vserver.port };
}

/** Whether a client speaks TLS to this entry: the ADC ends it, or passes through what the server speaks. */
export function clientSpeaksTls(entry: Vserver, backendSpeaksTls: boolean): boolean {
  switch (entry.serviceType) {
    case "SSL":
    case "SSL_TCP":
      return true;
    case "HTTP":
      return false;
    default:
      return backendSpeaksTls;
  }
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
    redirectUrl: hasServices ? null : (vserver.redirectUrl ?? vserver.httpsRedirectUrl),
  };
}
