import type { Estate } from "../../estate/model.ts";
import type { VserverGraph } from "../../estate/vserver-graph.ts";
import type { Recogniser } from "./look-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { redirectProbe } from "./redirect-probe.ts";
import type { PlanSettings } from "./settings.ts";
import { servicesOf } from "./vip-common.ts";
import { vipLookProbes } from "./vip-look-probes.ts";
import { vipMonitorProbes } from "./vip-monitor-probes.ts";

/**
 * Every vserver's monitors and looks, through the ADC as a client comes: only those whose success is an application's
 * answer, because the ADC completes a TCP handshake itself.
 */
export function vipProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
): PlannedProbe[] {
  const planned: PlannedProbe[] = [];
  for (const vserver of estate.lbVservers.values()) {
    const services = servicesOf(estate, vserver);
    if (services.length === 0) {
      planned.push(...redirectProbe(estate, settings, vserver));
      continue;
    }
    planned.push(...vipMonitorProbes(graph, estate, settings, vserver, services));
    const looks = vipLookProbes(graph, estate, settings, recognise, vserver, services);
    // Behind a vserver that redirects by a responder policy stands a service that is always up, and nothing to look at.
    planned.push(...(looks.length > 0 ? looks : redirectProbe(estate, settings, vserver)));
  }
  for (const vserver of estate.csVservers.values()) {
    if (vserver.targets.length === 0 && vserver.defaultTarget === null) {
      planned.push(...redirectProbe(estate, settings, vserver));
    }
  }
  return planned;
}
