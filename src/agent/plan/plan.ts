import type { Estate } from "../../model/estate.ts";
import { atOnce, mapInSteps, type Steps } from "../../lib/steps.ts";
import { withSites } from "../../adc/gslb-sites.ts";
import { createVserverGraph } from "../../adc/vserver-graph.ts";
import type { LearnedExchange } from "../../adc/recognise.ts";
import { configuredProbes } from "./configured-probes.ts";
import { gslbProbes } from "./gslb-probes.ts";
import { backendLookProbes, recogniserOf } from "./look-probes.ts";
import { backendMonitorProbes } from "./monitor-probes.ts";
import { withoutExcluded } from "./exclusions.ts";
import { withoutOwnHost } from "./own-host.ts";
import { atOwnPace, withPaceNote } from "./pace.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { policyProbes } from "./content-switching.ts";
import type { PlanSettings } from "./settings.ts";
import { vipProbes } from "./vip-probes.ts";
import { withRefusal } from "./vip-refusal.ts";

/**
 * Every probe an estate calls for, also those that cannot be run, each with the reason why. Pure: the same estate and
 * settings make the same plan. `learned` are members that have shown themselves to be Exchange since.
 */
export function planProbes(
  estate: Estate,
  settings: PlanSettings,
  learned: LearnedExchange = new Set(),
): PlannedProbe[] {
  return atOnce(planSteps(estate, settings, learned));
}

/** The same in steps: thousands of members take a good part of a second. */
export function* planSteps(
  imported: Estate,
  settings: PlanSettings,
  learned: LearnedExchange,
): Steps<PlannedProbe[]> {
  const { minIntervalMs } = settings;
  const paced = atOwnPace(imported, minIntervalMs);
  const estate = withSites(paced);
  const recognise = recogniserOf(estate, settings, learned);
  yield;
  const graph = createVserverGraph(estate);
  yield;
  const services = [...estate.services.values()];
  const monitors = yield* mapInSteps(services, (service) =>
    backendMonitorProbes(estate, settings, graph, service),
  );
  const looks = yield* mapInSteps(services, (service) =>
    backendLookProbes(estate, settings, recognise, graph, service),
  );
  // Sites get what their GSLB service is watched by, and looks; no login is made at them but through their own ADC's VIP.
  const others = [vipProbes, policyProbes, configuredProbes];
  const through = yield* mapInSteps(others, (probes) => probes(paced, settings, recognise, graph));
  const plan = [...monitors, ...looks, ...through, gslbProbes(estate)]
    .flat()
    .map((probe) => withoutOwnHost(probe, settings.targets, estate))
    .map((probe) => withoutExcluded(probe, settings.exclude))
    .map((probe) => withRefusal(probe, estate, settings.ownAddresses));
  return paced === imported
    ? plan
    : plan.map((probe) => withPaceNote(probe, imported, minIntervalMs));
}
