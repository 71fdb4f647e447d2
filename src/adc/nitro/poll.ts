import type { Estate } from "../../model/estate.ts";
import { gapOf } from "./gaps.ts";
import { UnknownTexts, type UnknownText, text, type Row, type RowTables } from "./row-values.ts";
import type {
  NitroGap,
  AdcNode,
  AdcState,
  MemberState,
  VserverState,
} from "../../model/adc-state.ts";
import { type Pulled, type PullStep, pullRows } from "./rows.ts";
import type { AdcService } from "../../model/adc-service.ts";
import { READ_BUDGET, withBudget } from "./budget.ts";
import { isAnswer } from "./judge.ts";
import type { NitroClient, NitroFailure, NitroStop } from "./client.ts";
import { addConnections } from "./connections.ts";
import {
  classifyLastResponse,
  type LastResponseClass,
  confirmPrimary,
  readRole,
  type NodeRole,
} from "./roles.ts";
import { memberStates, secondaryMembers, vserverState, vserverStates } from "./states.ts";
import { gslbMemberRows, siteStates, withoutExchange } from "./gslb.ts";
import { siteServices, withSites } from "../gslb-fields.ts";
import type { GslbSiteState } from "../../model/gslb.ts";
import { createPacer, forEachPaced, type Pacer } from "../../lib/pacing.ts";
import { readPersistence } from "./persistence.ts";

const GROUP_MEMBERS = "servicegroup_servicegroupmember_binding";
const GROUP_MONITORS = "servicegroup_servicegroupentitymonbindings_binding";
const SERVICE_MONITORS = "service_lbmonitor_binding";

/**
 * A node that does not return these (a web server's 404 while the appliance starts) has reported no state. Any other missing
 * resource is a gap.
 */
const REQUIRED_BY_POLL: ReadonlySet<string> = new Set([
  "lbvserver",
  "service",
  "servicegroup",
  GROUP_MEMBERS,
]);

function isOff(pulled: Pulled): boolean {
  return pulled.kind === "unavailable" && pulled.what === "feature";
}

/**
 * The smallest set of requests that returns every state, starting with the ones that can end a poll. What the ADC does
 * not have is not requested.
 */
function pollSteps(estate: Estate): readonly (readonly [PullStep, readonly string[]])[] {
  const services: string[] = [];
  const groups: string[] = [];
  for (const { kind, name } of estate.services.values()) {
    (kind === "service" ? services : groups).push(name);
  }
  return [
    [lbVservers(estate), []],
    [SERVICES, []],
    [SERVICE_GROUPS, []],
    [{ kind: "config", resource: GROUP_MEMBERS, binding: { key: "servicegroupname" } }, groups],
    ...(estate.csVservers.size === 0 ? [] : ([[CS_VSERVERS, []]] as const)),
    ...(estate.authenticationVservers.size === 0 ? [] : ([[AAA_VSERVERS, []]] as const)),
    [SERVERS, []],
    [{ kind: "config", resource: GROUP_MONITORS, binding: { key: "servicegroupname" } }, groups],
    [{ kind: "config", resource: SERVICE_MONITORS, binding: { key: "name" } }, services],
  ];
}

/** GSLB's part; nothing where the ADC has none. */
function gslbSteps({ gslb }: Estate): readonly (readonly [PullStep, readonly string[]])[] {
  const { sites, services, vservers } = gslb;
  if (sites.size === 0) {
    return [];
  }
  const named = (kind: "service" | "serviceGroup"): string[] =>
    [...services.values()].filter((one) => one.kind === kind).map(({ name }) => name);
  const [singles, groups] = [named("service"), named("serviceGroup")];
  return [
    [GSLB_SITES, []],
    ...(vservers.size === 0 ? [] : ([[GSLB_VSERVERS, []]] as const)),
    ...(singles.length === 0 ? [] : ([[GSLB_SERVICES, []]] as const)),
    ...(groups.length === 0 ? [] : ([[GSLB_GROUPS, []]] as const)),
    [{ ...GSLB_GROUP_MEMBERS, binding: { key: "servicegroupname" } }, groups],
    ...(groups.length === 0
      ? []
      : ([[{ ...GSLB_GROUP_MONITORS, binding: { key: "servicegroupname" } }, groups]] as const)),
    [{ ...GSLB_SERVICE_MONITORS, binding: { key: "servicename" } }, singles],
  ];
}

const GSLB_SITES: PullStep = {
  kind: "config",
  resource: "gslbsite",
  attributes: ["sitename", "status"],
};
const GSLB_VSERVERS: PullStep = {
  kind: "config",
  resource: "gslbvserver",
  paged: true,
  attributes: ["name", "curstate", "health", "tickssincelaststatechange"],
};
const GSLB_SERVICES: PullStep = {
  kind: "config",
  resource: "gslbservice",
  paged: true,
  attributes: ["servicename", "state", "svrstate", "tickssincelaststatechange"],
};
const GSLB_GROUPS: PullStep = {
  kind: "config",
  resource: "gslbservicegroup",
  attributes: ["servicegroupname", "state"],
};
const GSLB_GROUP_MEMBERS = {
  kind: "config",
  resource: "gslbservicegroup_gslbservicegroupmember_binding",
} as const;
const GSLB_GROUP_MONITORS = {
  kind: "config",
  resource: "gslbservicegroup_servicegroupentitymonbindings_binding",
} as const;
const GSLB_SERVICE_MONITORS = {
  kind: "config",
  resource: "gslbservice_lbmonitor_binding",
} as const;

const LB_VSERVERS = {
  kind: "config",
  resource: "lbvserver",
  paged: true,
  attributes: [
    "name",
    "curstate",
    "effectivestate",
    "health",
    "value",
    "tickssincelaststatechange",
  ],
} as const;

/** Whether a backup is in use is documented from 11 on. */
function lbVservers({ firmware }: Estate): PullStep {
  const { attributes } = LB_VSERVERS;
  return firmware !== null && firmware.major < 11
    ? LB_VSERVERS
    : { ...LB_VSERVERS, attributes: [...attributes, "backupvserverstatus"] };
}
const AAA_VSERVERS: PullStep = {
  kind: "config",
  resource: "authenticationvserver",
  attributes: ["name", "curstate"],
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
  attributes: ["name", "state", "svrstate", "serviceconftype2", "tickssincelaststatechange"],
};
const SERVICE_GROUPS: PullStep = {
  kind: "config",
  resource: "servicegroup",
  paged: true,
  attributes: ["servicegroupname", "state"],
};

/** NITRO docs: enums of `svrstate` and `curstate`, long and short, and of `hacurmasterstate`. */
const KNOWN_STATES =
  /^(?:$|(?:up|down|unknown|busy|ofs|trofs|trofs[ _]down|ns_empty_str|disabled|out of service|(?:down when )?going out of service)\b)/i;
const KNOWN_ROLES =
  /^(primary|secondary|stayprimary|staysecondary|claiming|force change|inactive|partialfail|unknown)?$/i;

export type PollResult =
  | {
      readonly kind: "state";
      readonly state: AdcState;
      /** What is missing. */
      readonly gaps: readonly NitroGap[];
      /** How many monitors' last responses fall into each class, `unknown` texts included. */
      readonly lastResponses: ReadonlyMap<LastResponseClass, number>;
      /** Texts that are not understood, each once; at most {@link MAX_UNKNOWN_TEXTS}. */
      readonly unknownTexts: readonly UnknownText[];
    }
  /**
   * Only a secondary answered, or two primaries (`split_brain`). `state` names the nodes and has every member as
   * unknown.
   */
  | {
      readonly kind: "secondary";
      readonly code: string;
      readonly message: string;
      readonly state: AdcState;
    }
  | (NitroFailure & { readonly nodes: readonly AdcNode[] })
  | (NitroStop & { readonly nodes: readonly AdcNode[] });

export interface PollOptions {
  /**
   * Services whose connections are requested, besides those with a member that is out of service or leaving: members in
   * maintenance or in mismatch.
   */
  readonly wantsConnections?: (adcService: string) => boolean;
  /**
   * The source addresses of our probes, whose persistence entries are read. Empty: the system chooses, and the address of this
   * connection is used. Absent: entries are not read.
   */
  readonly ownAddresses?: readonly string[];
  /** Counts polls; see {@link addConnections}. */
  readonly turn?: number;
}

/** Reads the live state of an estate from one appliance. `now`: wall clock in milliseconds. Never rejects. */
export async function pollState(
  client: NitroClient,
  estate: Estate,
  previous: AdcState | null,
  now: () => number,
  options: PollOptions = {},
): Promise<PollResult> {
  const role = await readRole(client);
  if (role.kind !== "role") {
    return { ...role, nodes: [unreachableNode(client)] };
  }
  return pollNode(client, role, [nodeOf(client, role)], estate, previous, now, options);
}

/** As {@link pollState}, for a node whose role is known; `nodes` are all of the pair. */
export async function pollNode(
  client: NitroClient,
  role: NodeRole,
  nodes: readonly AdcNode[],
  estate: Estate,
  previous: AdcState | null,
  now: () => number,
  options: PollOptions,
): Promise<PollResult> {
  if (role.role === "secondary") {
    return secondaryResult(nodes, estate, now(), "the node is the secondary");
  }
  if (role.role === "unknown" && role.gap === null) {
    return secondaryResult(nodes, estate, now(), "the node is changing its HA role");
  }
  const askedAt = now();
  const rows = new Map<string, readonly Row[]>();
  const gaps: NitroGap[] = role.gap === null ? [] : [role.gap];
  let stale = false;
  const bounded = withBudget(client, READ_BUDGET);
  for (const [step, names] of [...pollSteps(estate), ...gslbSteps(estate)]) {
    const pulled = await pullRows(bounded, step, names);
    switch (pulled.kind) {
      case "rows":
        if (pulled.secondary) {
          return secondaryResult(nodes, estate, now(), "the node has become the secondary");
        }
        rows.set(step.resource, pulled.rows);
        stale ||= pulled.stale;
        break;
      case "permission":
        gaps.push(gapOf(client.node, step.resource, pulled));
        break;
      case "unavailable":
      case "failed":
        if (REQUIRED_BY_POLL.has(step.resource) && !isOff(pulled)) {
          const { code, message } = pulled;
          return { kind: "failed", code, message, nodes };
        }
        // An appliance that is too busy is not queried further; its answers so far count.
        if (pulled.code === "aborted" || (client.pausedForMs() > 0 && !isAnswer(pulled.code))) {
          return { kind: "failed", code: pulled.code, message: pulled.message, nodes };
        }
        if (!isOff(pulled)) {
          gaps.push(gapOf(client.node, step.resource, pulled));
        }
        break;
      case "secondary":
        return secondaryResult(nodes, estate, now(), pulled.message);
      case "stopped":
        return { ...pulled, nodes };
    }
  }
  const at = now();
  const pacer = createPacer();
  const before = previous?.members ?? new Map<string, MemberState>();
  const { members, stale: differs } = await memberStates(
    estate,
    {
      servers: rows.get("server") ?? [],
      services: rows.get("service") ?? [],
      serviceGroups: rows.get("servicegroup") ?? [],
      groupMembers: rows.get(GROUP_MEMBERS) ?? [],
      groupMonitors: rows.get(GROUP_MONITORS) ?? [],
      serviceMonitors: rows.get(SERVICE_MONITORS) ?? [],
    },
    before,
    at,
    pacer,
  );
  const chosen = servicesToCount(estate, members, options.wantsConnections);
  const counted = await addConnections(client, members, before, chosen, options.turn ?? 0);
  if (counted.end !== null) {
    return { ...counted.end, nodes };
  }
  gaps.push(...counted.gaps);
  const still = await confirmPrimary(client);
  switch (still.kind) {
    case "primary":
      break;
    case "secondary":
      return secondaryResult(
        nodes,
        estate,
        now(),
        "the node lost the primary role during the poll",
      );
    case "failed":
    case "stopped":
      return { ...still, nodes };
  }
  const gslbSites = siteStates(estate, rows);
  const sites = await siteMembers(estate, rows, gslbSites, before, at, pacer);
  for (const [key, member] of sites.members) {
    members.set(key, member);
  }
  const complete = !gaps.some(({ resource }) => !/^(?:hanode$|cluster$|stat\/)/.test(resource));
  const changed = complete && (differs || sites.stale);
  const { persistence, missing } = await readPersistence(
    client,
    estate,
    members,
    sourcesOf(client, options.ownAddresses),
    options.turn ?? 0,
  );
  if (missing !== null) {
    gaps.push(gapOf(client.node, "lbpersistentsessions", missing));
  }
  const state: AdcState = {
    at: now(),
    askedAt,
    nodes,
    vservers: new Map([
      ...vserverStates([
        ["aaa", rows.get("authenticationvserver") ?? []],
        ["lb", rows.get("lbvserver") ?? []],
        ["cs", rows.get("csvserver") ?? []],
      ]),
      ...gslbVserverStates(estate, rows),
    ]),
    members,
    gslbSites,
    persistence,
    failedOverAt: failedOverAt(previous, nodes, role.address, at),
    primaryAddress: role.address,
    estateStale: stale || changed,
  };
  const unknown = new UnknownTexts();
  unknown.add("role", role.masterState ?? "", KNOWN_ROLES);
  for (const { rawState } of [...members.values(), ...state.vservers.values()]) {
    unknown.add("state", rawState, KNOWN_STATES);
  }
  const lastResponses = await countLastResponses(estate, members, unknown, pacer);
  return { kind: "state", state, gaps, lastResponses, unknownTexts: unknown.all() };
}

/** The VIPs that GSLB returns, as members like all others; those with an outdated state are marked. */
async function siteMembers(
  estate: Estate,
  rows: RowTables,
  sites: ReadonlyMap<string, GslbSiteState>,
  before: ReadonlyMap<string, MemberState>,
  at: number,
  pacer: Pacer,
): Promise<{ readonly members: ReadonlyMap<string, MemberState>; readonly stale: boolean }> {
  if (estate.gslb.services.size === 0) {
    return { members: new Map(), stale: false };
  }
  const only = siteServices(estate);
  const asked = { servers: rows.get("server") ?? [], ...gslbMemberRows(estate, rows) };
  const { members, stale } = await memberStates(only, asked, before, at, pacer);
  for (const key of withoutExchange(estate, sites)) {
    const member = members.get(key);
    if (member !== undefined) {
      members.set(key, { ...member, blind: [...member.blind, "mep_down"] });
    }
  }
  return { members, stale };
}

function gslbVserverStates(estate: Estate, rows: RowTables): Map<string, VserverState> {
  const states = new Map<string, VserverState>();
  for (const row of rows.get("gslbvserver") ?? []) {
    const name = text(row, "name");
    if (name !== null) {
      const shown = estate.gslb.vservers.get(name)?.shownAs ?? name;
      states.set(shown, vserverState(shown, "gslb", row));
    }
  }
  return states;
}

function sourcesOf(client: NitroClient, own: PollOptions["ownAddresses"]): readonly string[] {
  const local = client.localAddress();
  return own === undefined ? [] : own.length > 0 || local === null ? own : [local];
}

function servicesToCount(
  estate: Estate,
  members: ReadonlyMap<string, MemberState>,
  wanted: PollOptions["wantsConnections"],
): AdcService[] {
  const out = new Set<string>();
  for (const { adcService, state } of members.values()) {
    if (state === "out" || state === "leaving" || state === "leaving_down") {
      out.add(adcService);
    }
  }
  return [...estate.services.values()].filter(
    ({ name }) => out.has(name) || wanted?.(name) === true,
  );
}

/** Another node is primary than the last time one was. Behind one shared address only its own name shows it. */
function failedOverAt(
  previous: AdcState | null,
  nodes: readonly AdcNode[],
  address: string | null,
  now: number,
): number | null {
  const known = previous?.primaryAddress ?? null;
  const before = previous?.nodes.find(({ role }) => role === "primary")?.node;
  const after = nodes.find(({ role }) => role === "primary")?.node;
  const changed =
    known !== null && address !== null
      ? known !== address
      : before !== undefined && after !== undefined && before !== after;
  return changed ? now : (previous?.failedOverAt ?? null);
}

async function countLastResponses(
  estate: Estate,
  members: ReadonlyMap<string, MemberState>,
  unknown: UnknownTexts,
  pacer: Pacer,
): Promise<Map<LastResponseClass, number>> {
  const counts = new Map<LastResponseClass, number>();
  // Thousands of monitors have the same few responses.
  const known = new Map<string, LastResponseClass>();
  await forEachPaced(members.values(), pacer, ({ monitors }) => {
    for (const { monitor, lastResponse } of monitors) {
      if (lastResponse !== null) {
        const scripted = (estate.monitors.get(monitor)?.parameters.scriptName ?? null) !== null;
        const key = `${String(scripted)} ${lastResponse}`;
        const found = known.get(key) ?? classifyLastResponse(lastResponse, scripted);
        known.set(key, found);
        if (found === "unknown") {
          unknown.add("lastresponse", lastResponse, /^(unknown)?$/i);
        }
        counts.set(found, (counts.get(found) ?? 0) + 1);
      }
    }
  });
  return counts;
}

function secondaryResult(
  nodes: readonly AdcNode[],
  estate: Estate,
  at: number,
  message: string,
): PollResult {
  const members = secondaryMembers(withSites(estate), "secondary");
  const state: AdcState = { at, nodes, vservers: new Map(), members };
  return { kind: "secondary", code: "secondary", message, state };
}

/** Both nodes of a pair claim to be the primary: each may serve clients, and neither's state is used. */
export function splitResult(nodes: readonly AdcNode[], estate: Estate, at: number): PollResult {
  const claimants = nodes.filter(({ role }) => role === "primary").map(({ node }) => node);
  const message =
    `${claimants.join(" and ")} both say that they are the primary (split brain): neither is believed; ` +
    "see the link between them, and adcs[].nitro.urls if they are no pair";
  const members = secondaryMembers(withSites(estate), "split_brain");
  return {
    kind: "secondary",
    code: SPLIT_BRAIN,
    message,
    state: { at, nodes, vservers: new Map(), members },
  };
}

/** Code of a poll in which two nodes claimed to be the primary. */
export const SPLIT_BRAIN = "split_brain";

export function nodeOf(client: NitroClient, role: NodeRole): AdcNode {
  return { node: client.node, role: role.role, masterState: role.masterState, reachable: true };
}

export function unreachableNode(client: NitroClient): AdcNode {
  return { node: client.node, role: "unknown", masterState: null, reachable: false };
}
