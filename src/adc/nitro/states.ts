import type { AdcOpinion } from "../../model/verdicts.ts";
import {
  type DisabledObject,
  type VserverState,
  memberKey,
  type MemberState,
  type MonitorState,
} from "../../model/adc-state.ts";
import { address, number, text, type Row, count, flag, port } from "./row-values.ts";
import type { AdcService, Member, Port } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import { blindReasons, probesUnchangedSince } from "./roles.ts";
import { forEachPaced, type Pacer } from "../../lib/pacing.ts";

/**
 * NITRO's state texts as an opinion. Statistics have short names (`OFS`, `TROFS`), the configuration long ones; case and
 * suffixes differ between firmware versions. Any other text is `unknown`, and so is BUSY: the member is at its client limit,
 * whatever its health. Source: NITRO docs, enum of `svrstate`, `curstate`, `effectivestate`, `monitor_state` and of the
 * statistics' `state`.
 */
export function adcOpinion(raw: string | null): AdcOpinion {
  const state = (raw ?? "")
    .trim()
    .toUpperCase()
    .replaceAll(/[\s_]+/g, " ");
  if (state.startsWith("DOWN WHEN GOING OUT OF SERVICE") || state.startsWith("TROFS DOWN")) {
    return "leaving_down";
  }
  if (state.startsWith("GOING OUT OF SERVICE") || state.startsWith("TROFS")) {
    return "leaving";
  }
  if (state.startsWith("OUT OF SERVICE") || state.startsWith("OFS") || state === "DISABLED") {
    return "out";
  }
  if (/^UP\b/.test(state)) {
    return "up";
  }
  return /^DOWN\b/.test(state) ? "down" : "unknown";
}

/**
 * Whether the administrator has enabled it. Lists of services and vservers have no `state`: one that is out of service or
 * leaving by `live`, the field of its live state, is disabled.
 */
export function isEnabled(row: Row, live: "svrstate" | "curstate"): boolean {
  const isOut = ["out", "leaving", "leaving_down"].includes(adcOpinion(text(row, live)));
  return flag(row, "state") ?? !isOut;
}

/** BUSY: the member has reached `-maxClient`. */
export function isBusy(raw: string | null): boolean {
  return (raw ?? "").trim().toUpperCase().startsWith("BUSY");
}

/** The state of the ADC's vservers, by name. NITRO reports no effective state for content-switching vservers. */
export function vserverStates(
  reported: readonly (readonly [VserverState["kind"], readonly Row[]])[],
): Map<string, VserverState> {
  const states = new Map<string, VserverState>();
  for (const [kind, rows] of reported) {
    for (const row of rows) {
      const name = text(row, "name");
      if (name !== null) {
        states.set(name, vserverState(name, kind, row));
      }
    }
  }
  return states;
}

/** The state of one vserver from its row; `name`: as the estate has it. */
export function vserverState(name: string, kind: VserverState["kind"], row: Row): VserverState {
  const rawState = text(row, "curstate") ?? "";
  const effective = text(row, "effectivestate");
  const state = adcOpinion(rawState);
  return {
    name,
    kind,
    state,
    effectiveState: effective === null ? state : adcOpinion(effective),
    rawState,
    healthPercent: number(row, "health", 0, 100),
    // "(Backup Active)", as `show lb vserver` prints it behind the backup's name.
    backupActive: /\bactive\b/i.test(text(row, "backupvserverstatus") ?? ""),
    remark: text(row, "value"),
    sinceMs: ticksAsMs(row),
  };
}

/** The longest response time-out of any monitor. */
const MAX_RESPONSE_MS = 20_939_000;
/** A hundred years: no state is older. */
const MAX_TICKS = 315_576_000_000;

/** Rows of one poll about members and their monitors. */
interface MemberRows {
  readonly servers: readonly Row[];
  readonly services: readonly Row[];
  readonly serviceGroups: readonly Row[];
  readonly groupMembers: readonly Row[];
  readonly groupMonitors: readonly Row[];
  readonly serviceMonitors: readonly Row[];
}

interface MemberStates {
  readonly members: Map<string, MemberState>;
  /** The rows name something that the estate lacks, or the other way round. */
  readonly stale: boolean;
}

/** The ADC's state of every member of the estate. Members that the rows do not show are unknown. */
export async function memberStates(
  estate: Estate,
  rows: MemberRows,
  previous: ReadonlyMap<string, MemberState>,
  now: number,
  pacer: Pacer,
): Promise<MemberStates> {
  const index = await indexRows(rows, pacer);
  const members = new Map<string, MemberState>();
  let matched = 0;
  let missing = 0;
  let moved = false;
  for (const service of estate.services.values()) {
    const serviceRow = index.services.get(service.name);
    await forEachPaced(service.members, pacer, (member) => {
      const key = memberKey(member.adcService, member.server, member.port);
      const row = service.kind === "service" ? serviceRow : memberRow(index, member);
      matched += row === undefined ? 0 : 1;
      missing += row === undefined ? 1 : 0;
      moved ||= hasMoved(member, row);
      const enabled =
        (row === undefined ? member.enabled : isEnabled(row, "svrstate")) &&
        flag(serviceRow ?? {}, "state") !== false &&
        index.servers.get(member.server) !== false;
      const monitors = monitorStates(
        service,
        monitorRows(index, service, member),
        previous.get(key)?.monitors ?? [],
        now,
      );
      const rawState = text(row ?? {}, "svrstate") ?? "";
      const disabled = disabledObjects(service, row, serviceRow, index.servers.get(member.server));
      members.set(key, {
        adcService: member.adcService,
        server: member.server,
        address: member.address,
        port: member.port,
        state: adcOpinion(rawState),
        rawState,
        trofsReason: text(row ?? {}, "trofsreason"),
        connections: null,
        sinceMs: ticksAsMs(row ?? {}),
        enabled,
        ...(row === undefined ? {} : { disabled }),
        monitors,
        blind: blindReasons({
          service,
          enabled,
          busy: isBusy(rawState),
          monitors,
          definitions: estate.monitors,
          now,
        }),
      });
    });
  }
  const reported = index.groupMemberCount + countOwnServices(rows.services);
  return { members, stale: missing > 0 || matched < reported || moved };
}

/**
 * Which of its objects are disabled. If a row has no `state`, one that is out of service is disabled itself if nothing
 * else is.
 */
function disabledObjects(
  { kind }: AdcService,
  row: Row | undefined,
  serviceRow: Row | undefined,
  serverEnabled: boolean | undefined,
): readonly DisabledObject[] {
  const disabled: readonly DisabledObject[] = [
    ...(serverEnabled === false ? (["server"] as const) : []),
    ...(flag(serviceRow ?? {}, "state") === false ? (["service"] as const) : []),
    ...(kind === "serviceGroup" && flag(row ?? {}, "state") === false ? (["member"] as const) : []),
  ];
  const isOut = row !== undefined && !isEnabled(row, "svrstate");
  const own = kind === "service" ? "service" : "member";
  return disabled.length === 0 && isOut ? [own] : disabled;
}

/** The same members, all unknown: what a secondary says, or one of two primaries, counts for nothing. */
export function secondaryMembers(
  estate: Estate,
  why: "secondary" | "split_brain",
): Map<string, MemberState> {
  const members = new Map<string, MemberState>();
  for (const service of estate.services.values()) {
    for (const member of service.members) {
      members.set(memberKey(member.adcService, member.server, member.port), {
        adcService: member.adcService,
        server: member.server,
        address: member.address,
        port: member.port,
        state: "unknown",
        rawState: "",
        trofsReason: null,
        connections: null,
        sinceMs: null,
        enabled: member.enabled,
        monitors: [],
        blind: [why],
      });
    }
  }
  return members;
}

interface Index {
  readonly servers: ReadonlyMap<string, boolean>;
  readonly services: ReadonlyMap<string, Row>;
  /** By `memberKey` of the server's name: behind one name may be several addresses, in any order. */
  readonly groupMembers: ReadonlyMap<string, readonly Row[]>;
  /** By `memberKey` of the address. */
  readonly groupAddresses: ReadonlyMap<string, Row>;
  readonly groupMemberCount: number;
  /** By the entity name `group?server?port`. */
  readonly groupMonitors: ReadonlyMap<string, readonly Row[]>;
  readonly serviceMonitors: ReadonlyMap<string, readonly Row[]>;
}

async function indexRows(rows: MemberRows, pacer: Pacer): Promise<Index> {
  const servers = new Map<string, boolean>();
  await forEachPaced(rows.servers, pacer, (row) => {
    servers.set(text(row, "name") ?? "", flag(row, "state") ?? true);
  });
  const services = new Map<string, Row>();
  await forEachPaced(rows.services, pacer, (row) => {
    services.set(text(row, "name") ?? "", row);
  });
  await forEachPaced(rows.serviceGroups, pacer, (row) => {
    services.set(text(row, "servicegroupname") ?? "", row);
  });
  const groupMembers = new Map<string, Row[]>();
  const groupAddresses = new Map<string, Row>();
  let groupMemberCount = 0;
  await forEachPaced(rows.groupMembers, pacer, (row) => {
    const group = text(row, "servicegroupname") ?? "";
    const memberPort = port(row, "port") ?? NO_PORT;
    const ip = address(row, "ip");
    const key = memberKey(group, text(row, "servername") ?? ip ?? "", memberPort);
    const known = groupMembers.get(key);
    const isTwin = (known ?? []).some((each) => ip === null || address(each, "ip") === ip);
    if (isTwin) {
      return;
    }
    groupMemberCount += 1;
    if (known === undefined) {
      groupMembers.set(key, [row]);
    } else {
      known.push(row);
    }
    if (ip !== null) {
      groupAddresses.set(memberKey(group, ip, memberPort), row);
    }
  });
  return {
    servers,
    services,
    groupMembers,
    groupAddresses,
    groupMemberCount,
    groupMonitors: await groupRows(rows.groupMonitors, "servicegroupentname2", pacer),
    serviceMonitors: await groupRows(rows.serviceMonitors, "name", pacer),
  };
}

async function groupRows(
  rows: readonly Row[],
  field: string,
  pacer: Pacer,
): Promise<Map<string, Row[]>> {
  const groups = new Map<string, Row[]>();
  await forEachPaced(rows, pacer, (row) => {
    const name = text(row, field) ?? "";
    const group = groups.get(name);
    if (group === undefined) {
      groups.set(name, [row]);
    } else {
      group.push(row);
    }
  });
  return groups;
}

/** If a row has no port, the group's applies. */
const NO_PORT = 0;

/**
 * The row of a member. If several addresses share its name, it is that of its address; a further address is a separate
 * member.
 */
function memberRow({ groupMembers, groupAddresses }: Index, member: Member): Row | undefined {
  for (const memberPort of [member.port, NO_PORT]) {
    const key = memberKey(member.adcService, member.server, memberPort);
    const named = groupMembers.get(key) ?? [];
    const own = named.find((row) => address(row, "ip") === member.address);
    const row = own ?? (named.length === 1 ? named[0] : groupAddresses.get(key));
    if (row !== undefined) {
      return row;
    }
  }
  return undefined;
}

/** Its name has come to stand for another address since the import. */
function hasMoved({ domain, address: own }: Member, row: Row | undefined): boolean {
  const now = address(row ?? {}, "ip");
  return domain !== null && own !== null && now !== null && now !== own;
}

/** Entities are named by the server's name, or by its address if the server has no name of its own. */
function monitorRows(index: Index, service: AdcService, member: Member): readonly Row[] {
  if (service.kind === "service") {
    return index.serviceMonitors.get(service.name) ?? [];
  }
  const byName = index.groupMonitors.get(entity(service.name, member.server, member.port));
  return (
    byName ?? index.groupMonitors.get(entity(service.name, member.address ?? "", member.port)) ?? []
  );
}

function entity(group: string, server: string, memberPort: Port): string {
  return `${group}?${server}?${memberPort === "*" ? "65535" : String(memberPort)}`;
}

/** One state for each bound monitor, and for each that the ADC runs in addition. */
function monitorStates(
  service: AdcService,
  rows: readonly Row[],
  previous: readonly MonitorState[],
  now: number,
): MonitorState[] {
  const rowByMonitor = new Map(rows.map((row) => [text(row, "monitor_name") ?? "", row]));
  const names = new Set([
    ...service.monitors.map((binding) => binding.monitor),
    ...rowByMonitor.keys(),
  ]);
  return [...names].map((monitor) => {
    const row = rowByMonitor.get(monitor) ?? {};
    const binding = service.monitors.find((candidate) => candidate.monitor === monitor);
    const totalProbes = count(row, "monitortotalprobes") ?? count(row, "totalprobes");
    return {
      monitor,
      state: adcOpinion(text(row, "monitor_state")),
      bindingEnabled: flag(row, "monstate") ?? binding?.enabled ?? true,
      lastResponse: text(row, "lastresponse"),
      responseTimeMs: number(row, "responsetime", 0, MAX_RESPONSE_MS),
      totalProbes,
      failedProbes: count(row, "monitortotalfailedprobes") ?? count(row, "totalfailedprobes"),
      currentFailedProbes: count(row, "monitorcurrentfailedprobes") ?? count(row, "failedprobes"),
      probesUnchangedSince: probesUnchangedSince(
        totalProbes,
        previous.find((candidate) => candidate.monitor === monitor),
        now,
      ),
    };
  });
}

function countOwnServices(rows: readonly Row[]): number {
  return new Set(
    rows.flatMap((row) =>
      text(row, "serviceconftype2") === "Internal" ? [] : (text(row, "name") ?? []),
    ),
  ).size;
}

/** NITRO counts in ticks of 10 ms; its clock times carry no zone and are of no use. */
function ticksAsMs(row: Row): number | null {
  const ticks = number(row, "tickssincelaststatechange", 0, MAX_TICKS);
  return ticks === null ? null : ticks * 10;
}
