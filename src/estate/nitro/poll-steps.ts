import type { Estate } from "../model.ts";
import type { PullStep } from "./rows.ts";

export const GROUP_MEMBERS = "servicegroup_servicegroupmember_binding";
export const GROUP_MONITORS = "servicegroup_servicegroupentitymonbindings_binding";
export const SERVICE_MONITORS = "service_lbmonitor_binding";

/**
 * What some firmware may not know, and no state depends on. Whoever does not know the rest (a web server's 404 while the
 * appliance starts) has not answered.
 */
export const MAY_BE_MISSING: ReadonlySet<string> = new Set([GROUP_MONITORS, SERVICE_MONITORS]);

/** The smallest set of requests that tells every state; what the ADC does not have is not asked for. */
export function pollSteps(estate: Estate): readonly (readonly [PullStep, readonly string[]])[] {
  const services: string[] = [];
  const groups: string[] = [];
  for (const { kind, name } of estate.services.values()) {
    (kind === "service" ? services : groups).push(name);
  }
  return [
    [LB_VSERVERS, []],
    ...(estate.csVservers.size === 0 ? [] : ([[CS_VSERVERS, []]] as const)),
    [SERVERS, []],
    [SERVICES, []],
    [SERVICE_GROUPS, []],
    [{ kind: "config", resource: GROUP_MEMBERS, binding: { key: "servicegroupname" } }, groups],
    [{ kind: "config", resource: GROUP_MONITORS, binding: { key: "servicegroupname" } }, groups],
    [{ kind: "config", resource: SERVICE_MONITORS, binding: { key: "name" } }, services],
  ];
}

const LB_VSERVERS: PullStep = {
  kind: "config",
  resource: "lbvserver",
  paged: true,
  attributes: [
    "name",
    "curstate",
    "effectivestate",
    "health",
    "backupvserverstatus",
    "value",
    "tickssincelaststatechange",
  ],
};
const CS_VSERVERS: PullStep = {
  kind: "config",
  resource: "csvserver",
  paged: true,
  attributes: ["name", "curstate", "value", "tickssincelaststatechange"],
};
const SERVERS: PullStep = {
  kind: "config",
  resource: "server",
  paged: true,
  attributes: ["name", "state"],
};
const SERVICES: PullStep = {
  kind: "config",
  resource: "service",
  paged: true,
  attributes: [
    "name",
    "state",
    "svrstate",
    "trofsreason",
    "serviceconftype2",
    "tickssincelaststatechange",
  ],
};
const SERVICE_GROUPS: PullStep = {
  kind: "config",
  resource: "servicegroup",
  paged: true,
  attributes: ["servicegroupname", "state", "servicegroupeffectivestate"],
};
