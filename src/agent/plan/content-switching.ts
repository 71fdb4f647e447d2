import type { TransactionRunConfig } from "../../config/schema.ts";
import type { Estate } from "../../model/estate.ts";
import type { PlanSettings } from "./settings.ts";
import type { Recogniser } from "./look-probes.ts";
import type { VserverGraph, CsRoute } from "../../adc/vserver-graph.ts";
import type { AdcService, Member } from "../../model/adc-service.ts";
import { vipReach, type VipReach, servicesOf } from "./vip-reach.ts";
import type { LbVserver } from "../../model/vserver.ts";
import { loginPath } from "../../probes/transactions/web-session.ts";
import { DIRECTORY_PATHS, exchangeDirectory } from "../../adc/recognise.ts";
import { isLookAllowed, looksOf, type LookRecognition } from "./look-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { vipLook, vipLookInterval, type VipLook } from "./vip-probes.ts";

/** One configured run at one service, with the members and vservers that it selects there. */
export interface RunAtService {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly recognise: Recogniser;
  readonly graph: VserverGraph;
  readonly run: TransactionRunConfig;
  readonly service: AdcService;
  readonly members: readonly Member[];
  readonly vservers: readonly string[];
}
/**
 * With content switching, a path belongs to some services only: a run that names no services is limited to those. If
 * the path is routed to no service, all are kept, because the servers can still be requested directly.
 */
export function limitToRoutedServices(selected: readonly RunAtService[]): readonly RunAtService[] {
  const routed = selected.filter(
    (at) =>
      at.run.members.adcServices.length > 0 || at.run.members.vservers.length > 0 || isRouted(at),
  );
  return routed.length === 0 ? selected : routed;
}
function isRouted(at: RunAtService): boolean {
  const path = requestPath(at);
  const lbVservers = at.vservers.flatMap((name) => at.estate.lbVservers.get(name) ?? []);
  return (
    path === null ||
    lbVservers.length === 0 ||
    lbVservers.some((vserver) =>
      vipReach(at.graph, at.estate, vserver, at.settings, path).some(
        (reach) => reach.entry.name === vserver.name || routesTo(at, vserver, reach, path),
      ),
    )
  );
}
function routesTo(at: RunAtService, vserver: LbVserver, reach: VipReach, path: string): boolean {
  const { entry, host } = reach;
  return at.graph.csTargets(entry.name, { path, host }).includes(vserver.name);
}
/** The path of the request; null if it is the member's own, or there is none. */
function requestPath({ run }: RunAtService): string | null {
  return run.path ?? loginPath(run.transaction);
}
/**
 * Whether a run uses this route to a vserver: only if its path leads there. `unrouted` holds the entry vservers at
 * which an unrouted path is probed already: once is enough.
 */
export function reachFilter(
  at: RunAtService,
  unrouted: Set<string>,
): (vserver: LbVserver, reach: VipReach) => boolean {
  const path = requestPath(at);
  return (vserver, reach) => {
    if (path === null || reach.entry.name === vserver.name || routesTo(at, vserver, reach, path)) {
      return true;
    }
    const { entry, host, address } = reach;
    if (at.graph.csTargets(entry.name, { path, host }).length > 0) {
      return false;
    }
    const isNew = !unrouted.has(`${entry.name} ${address}`);
    unrouted.add(`${entry.name} ${address}`);
    return isNew;
  };
}
/** Paths that a rule may match and that Exchange answers itself: the root, and the challenge of each directory. */
const ROUTED_PATHS = ["/", ...DIRECTORY_PATHS];
/**
 * Covers content switching: for every policy that certainly matches the root or a virtual directory of Exchange, that
 * path is probed, in addition to the one path of each target's look. If any path that leads to a target fails, the
 * target's opinion is down.
 */
export function* policyProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
): Generator<readonly PlannedProbe[], void, undefined> {
  const targets = new Map<string, RouteTarget>();
  for (const vserver of estate.lbVservers.values()) {
    const target = routeTarget(estate, settings, recognise, vserver);
    if (target !== null) {
      targets.set(vserver.name, target);
    }
  }
  const routes = graph.csRoutes(ROUTED_PATHS, (target) => targets.has(target), isAskedByClients);
  // Many CS routes lead to one target, through the same VIP routes.
  const reachesOf = new Map<RouteTarget, readonly VipReach[]>();
  for (const route of routes) {
    const target = targets.get(route.target);
    if (target === undefined) {
      continue;
    }
    const reaches =
      reachesOf.get(target) ??
      vipReach(graph, estate, target.vserver, settings, target.recognition.path);
    reachesOf.set(target, reaches);
    yield routeProbe(graph, estate, settings, reaches, route, target);
  }
}

/** Clients ask a host named `autodiscover` for nothing else. */
function isAskedByClients({ path, host }: { path: string; host: string | null }): boolean {
  return !/^autodiscover\./i.test(host ?? "") || exchangeDirectory(path) === "autodiscover";
}

/** Whether the look at the first path is one at the second: `/oab` for `/OAB/`, the directory alone for its challenge. */
function isSameLook(first: string | null, second: string): boolean {
  const directory = exchangeDirectory(second);
  const isDirectoryAlone =
    directory !== null && first?.replace(/\/$/, "").toLowerCase() === `/${directory}`;
  return first === second || isDirectoryAlone;
}

/** The target of a route that can be probed: an Exchange web service. */
interface RouteTarget {
  readonly vserver: LbVserver;
  readonly service: AdcService;
  readonly intervalMs: number;
  readonly recognition: LookRecognition;
}
function routeTarget(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  vserver: LbVserver,
): RouteTarget | null {
  const services = servicesOf(estate, vserver);
  const [service, recognition] = services
    .flatMap((each) => each.members.map((member) => [each, recognise(each, member)] as const))
    .find(([, { protocol, exchange }]) => protocol === "https" && exchange !== "no") ?? [
    null,
    null,
  ];
  const isAllowed = isLookAllowed(settings, "https_challenge", null, [vserver.name]);
  return service === null || !isAllowed || !looksOf(recognition).includes("https_challenge")
    ? null
    : {
        vserver,
        service,
        intervalMs: vipLookInterval(estate, services, service),
        recognition,
      };
}
function routeProbe(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  reaches: readonly VipReach[],
  route: CsRoute,
  target: RouteTarget,
): PlannedProbe[] {
  const { recognition } = target;
  // MAPI over HTTP was introduced with Exchange 2013.
  if (recognition.version === "2010" && route.path.startsWith("/mapi/")) {
    return [];
  }
  const look: VipLook = {
    ...target,
    graph,
    estate,
    settings,
    transaction: "https_challenge",
    name: `https_challenge ${route.path}`,
  };
  return reaches
    .filter(({ entry, path }) => entry.name === route.csVserver && !isSameLook(path, route.path))
    .map((main): PlannedProbe => {
      const reach: VipReach = { ...main, path: route.path, host: route.host ?? main.host };
      return vipLook(look, reach);
    });
}
