import type { TransactionRunConfig } from "../../config/schema.ts";
import type { Estate } from "../../model/estate.ts";
import type { PlanSettings } from "./settings.ts";
import type { Recogniser } from "./look-probes.ts";
import type { VserverGraph, CsRoute } from "../../adc/vserver-graph.ts";
import type { AdcService, Member } from "../../model/adc-service.ts";
import { vipReach, type VipReach, servicesOf, vipProbeId } from "./vip-reach.ts";
import type { LbVserver } from "../../model/vserver.ts";
import { loginPath } from "../../probes/transactions/web-session.ts";
import { DIRECTORY_PATHS } from "../../adc/recognise.ts";
import { isLookAllowed, looksOf, type LookRecognition } from "./look-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { vipLook } from "./vip-probes.ts";

/** One configured run at one service, with the members and vservers it means there. */
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
 * Behind content switching a path belongs to some services alone: a run that names no services goes to those. All of
 * them where the path leads nowhere, since the servers may be asked for it all the same.
 */
export function whereItsPathLeads(meant: readonly RunAtService[]): readonly RunAtService[] {
  const led = meant.filter(
    (at) =>
      at.run.members.adcServices.length > 0 || at.run.members.vservers.length > 0 || isLed(at),
  );
  return led.length === 0 ? meant : led;
}
function isLed(at: RunAtService): boolean {
  const path = askedPath(at);
  const lbVservers = at.vservers.flatMap((name) => at.estate.lbVservers.get(name) ?? []);
  return (
    path === null ||
    lbVservers.length === 0 ||
    lbVservers.some((vserver) =>
      vipReach(at.graph, at.estate, vserver, at.settings, path).some(
        (reach) => reach.entry.name === vserver.name || leadsThere(at, vserver, reach, path),
      ),
    )
  );
}
function leadsThere(at: RunAtService, vserver: LbVserver, reach: VipReach, path: string): boolean {
  const { entry, host } = reach;
  return at.graph.csTargets(entry.name, { path, host }).includes(vserver.name);
}
/** The path that is asked for; null where it is the member's own, or there is none. */
function askedPath({ run }: RunAtService): string | null {
  return run.path ?? loginPath(run.transaction);
}
/**
 * Whether a run asks at a vserver through this way: only where its path leads there. `unrouted` remembers which paths that
 * lead nowhere have been asked at which vserver in front: once is enough.
 */
export function asksThrough(
  at: RunAtService,
  unrouted: Set<string>,
): (vserver: LbVserver, reach: VipReach) => boolean {
  const path = askedPath(at);
  return (vserver, reach) => {
    if (
      path === null ||
      reach.entry.name === vserver.name ||
      leadsThere(at, vserver, reach, path)
    ) {
      return true;
    }
    const { entry, host, address } = reach;
    if (at.graph.csTargets(entry.name, { path, host }).length > 0) {
      return false;
    }
    const fresh = !unrouted.has(`${entry.name} ${address}`);
    unrouted.add(`${entry.name} ${address}`);
    return fresh;
  };
}
/** What a rule may take, and Exchange answers by itself: the site's root, and each directory's own challenge. */
const ASKED_PATHS = ["/", ...DIRECTORY_PATHS];
/**
 * Content switching as what it is: every policy that takes the root or a virtual directory of Exchange for certain is
 * asked that path, beside the one path by which each target is looked at anyway. The target's opinion then falls with any
 * of the paths that lead to it.
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
  const routes = graph.csRoutes(ASKED_PATHS, (target) => targets.has(target));
  // Many routes lead to one target, by the same ways.
  const waysTo = new Map<RouteTarget, readonly VipReach[]>();
  for (const route of routes) {
    const target = targets.get(route.target);
    if (target === undefined) {
      continue;
    }
    const ways =
      waysTo.get(target) ??
      vipReach(graph, estate, target.vserver, settings, target.recognition.path);
    waysTo.set(target, ways);
    yield routeProbe(estate, settings, ways, route, target);
  }
}
/** What is asked at the end of a route: Exchange's web. */
interface RouteTarget {
  readonly vserver: LbVserver;
  readonly services: readonly AdcService[];
  readonly service: AdcService;
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
    : { vserver, services, service, recognition };
}
function routeProbe(
  estate: Estate,
  settings: PlanSettings,
  ways: readonly VipReach[],
  route: CsRoute,
  { vserver, services, service, recognition }: RouteTarget,
): PlannedProbe[] {
  // MAPI over HTTP came with Exchange 2013.
  if (recognition.version === "2010" && route.path.startsWith("/mapi/")) {
    return [];
  }
  return ways
    .filter(({ entry, path }) => entry.name === route.csVserver && path !== route.path)
    .map((main): PlannedProbe => {
      const reach: VipReach = { ...main, path: route.path, host: route.host ?? main.host };
      return {
        ...vipLook(
          estate,
          settings,
          vserver,
          services,
          service,
          reach,
          recognition,
          "https_challenge",
        ),
        id: vipProbeId(estate, vserver, reach, `https_challenge ${route.path}`),
      };
    });
}
