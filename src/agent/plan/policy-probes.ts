import type { Estate } from "../../estate/model.ts";
import type { LbVserver } from "../../estate/vserver.ts";
import type { CsRoute, VserverGraph } from "../../estate/vserver-graph.ts";
import { DIRECTORY_PATHS } from "../../probes/transactions/exchange-traits.ts";
import { looksFor } from "../../probes/transactions/recognise.ts";
import type { Recogniser } from "./look-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import type { PlanSettings } from "./settings.ts";
import { servicesOf, vipProbeId } from "./vip-common.ts";
import { vipLook } from "./vip-look-probes.ts";
import { vipReach, type VipReach } from "./vip-reach.ts";

/** What a rule may take, and Exchange answers by itself: the site's root, and each directory's own challenge. */
const ASKED_PATHS = ["/", ...DIRECTORY_PATHS];

/**
 * Content switching as what it is: every policy that takes the root or a virtual directory of Exchange for certain is
 * asked that path, beside the one path by which each target is looked at anyway. The target's opinion then falls with any
 * of the paths that lead to it.
 */
export function policyProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
): PlannedProbe[] {
  return graph.csRoutes(ASKED_PATHS).flatMap((route): PlannedProbe[] => {
    const vserver = estate.lbVservers.get(route.target);
    return vserver === undefined
      ? []
      : routeProbe({ estate, settings, recognise, graph }, route, vserver);
  });
}

interface Around {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly recognise: Recogniser;
  readonly graph: VserverGraph;
}

function routeProbe(
  { estate, settings, recognise, graph }: Around,
  route: CsRoute,
  vserver: LbVserver,
): PlannedProbe[] {
  const services = servicesOf(estate, vserver);
  const [service, recognition] = services
    .flatMap((each) => each.members.map((member) => [each, recognise(each, member)] as const))
    .find(([, { protocol }]) => protocol === "https") ?? [null, null];
  if (service === null || !looksFor(recognition).includes("https_challenge")) {
    return [];
  }
  // MAPI over HTTP came with Exchange 2013.
  if (recognition.version === "2010" && route.path.startsWith("/mapi/")) {
    return [];
  }
  return vipReach(graph, estate, vserver, settings, recognition.path)
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
