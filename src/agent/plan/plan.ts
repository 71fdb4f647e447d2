import type { Estate } from "../../estate/model.ts";
import { createVserverGraph } from "../../estate/vserver-graph.ts";
import type { LearnedExchange } from "../../probes/transactions/recognise.ts";
import { configuredProbes } from "./account-probes.ts";
import { backendLookProbes, recogniserOf } from "./look-probes.ts";
import { backendMonitorProbes } from "./monitor-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { policyProbes } from "./policy-probes.ts";
import type { PlanSettings } from "./settings.ts";
import { vipProbes } from "./vip-probes.ts";

/**
 * Every probe an estate calls for, also those that cannot be run, each with the reason why. Pure: the same estate and
 * settings make the same plan. `learned` are members that have shown themselves to be Exchange since.
 */
export function planProbes(
  estate: Estate,
  settings: PlanSettings,
  learned: LearnedExchange = new Set(),
): PlannedProbe[] {
  const recognise = recogniserOf(estate, settings, learned);
  const graph = createVserverGraph(estate);
  return [
    ...backendMonitorProbes(estate, settings, graph),
    ...backendLookProbes(estate, settings, recognise, graph),
    ...vipProbes(estate, settings, recognise, graph),
    ...policyProbes(estate, settings, recognise, graph),
    ...configuredProbes(estate, settings, recognise, graph),
  ];
}
