import type { MemberDepths } from "../model/depth.ts";
import type {
  LiveMember,
  LivePersistence,
  LiveProbe,
  LiveState,
  LiveVserver,
  TlsEnd,
} from "../model/live.ts";

/** `compare --json` and `/api/v1/verdicts`: the same data, so that a script may read either. Names are a contract. */
export interface CompareJson {
  readonly rows: readonly MemberRow[];
  readonly vservers: readonly VserverRow[];
  /** How many rows and vservers hold each verdict; those nobody holds are absent. */
  readonly summary: Readonly<Record<string, number>>;
}

export interface MemberRow {
  readonly adc: string;
  /** The first of `vservers`, or null when the member is bound to none. */
  readonly vserver: string | null;
  readonly vservers: readonly string[];
  readonly adc_service: string;
  readonly server: string;
  readonly address: string | null;
  readonly port: number | "*";
  /** The monitor or transaction that decided. */
  readonly monitor: string | null;
  readonly monitors: readonly MonitorRow[];
  readonly opinions: { readonly adc: string; readonly replica: string; readonly service: string };
  /** How deep each opinion sees; null where it says nothing. */
  readonly depth: MemberDepths;
  readonly adc_last_response: string | null;
  readonly verdict: string;
  readonly step: string | null;
  readonly reason: string | null;
  /** RFC 3339. */
  readonly since: string | null;
  /** Since when it has been out of service, or DOWN and not working; null while it is neither. */
  readonly away_since: string | null;
}

export interface MonitorRow {
  readonly monitor: string;
  readonly vantage: string;
  readonly opinion: string;
  readonly step: string | null;
  readonly reason: string | null;
}

export interface VserverRow {
  readonly adc: string;
  readonly vserver: string;
  readonly address: string | null;
  readonly port: number | "*" | null;
  readonly adc_state: string;
  readonly vip: string;
  /** Members that are up by our opinions, of those configured. */
  readonly members_up: number;
  readonly members_total: number;
  readonly verdict: string;
  readonly reason: string | null;
  readonly since: string | null;
  /** Whether servers behind it see the client's address, as SMTP servers tell; null where none told. */
  readonly client_address_kept: boolean | null;
  /** Paths of policies that lead here, and that another group's server answered last. */
  readonly misrouted: NonNullable<LiveVserver["misrouted"]>;
  /** Where its clients' TLS ends, derived from the estate. */
  readonly tls_ends: TlsEnd;
  /** Whether certificates differ that must be alike; null where nothing says that they must. */
  readonly certificate_differs: boolean | null;
  /** Members that offer other login schemes than all others of their group; null where nothing can be compared. */
  readonly auth_schemes_differ: NonNullable<LiveVserver["oddSchemes"]> | null;
  /** Where clients stick to servers by their address; null where they do not. */
  readonly persistence: PersistenceJson | null;
  /** Client-facing names from the configuration, as DNS answers them. */
  readonly public_names: NonNullable<LiveVserver["publicNames"]>;
}

export interface PersistenceJson {
  readonly type: string;
  readonly probes: LivePersistence["probes"];
  readonly sticks_to: LivePersistence["sticksTo"];
  readonly observable: boolean;
}

export function compareJson(live: Pick<LiveState, "members" | "vservers">): CompareJson {
  const rows = live.members.map(memberRow);
  const vservers = live.vservers.map(vserverRow);
  return { rows, vservers, summary: verdictCounts([...rows, ...vservers]) };
}

export function memberRow(member: LiveMember): MemberRow {
  return {
    adc: member.adc,
    vserver: member.vservers[0] ?? null,
    vservers: member.vservers,
    adc_service: member.adcService,
    server: member.server,
    address: member.address,
    port: member.port,
    monitor: member.decidedBy,
    monitors: member.probes.map(monitorRow),
    opinions: { adc: member.adcOpinion, replica: member.replica, service: member.service },
    depth: member.depth ?? { adc: null, replica: null, service: null },
    adc_last_response: member.adcLastResponse,
    verdict: member.verdict,
    step: member.step,
    reason: member.reason,
    since: instant(member.since),
    away_since: instant(member.awaySince ?? null),
  };
}

export function vserverRow(vserver: LiveVserver): VserverRow {
  return {
    adc: vserver.adc,
    vserver: vserver.vserver,
    address: vserver.address,
    port: vserver.port,
    adc_state: vserver.adcOpinion,
    vip: vserver.vip,
    members_up: vserver.members.reallyUp,
    members_total: vserver.members.configured,
    verdict: vserver.verdict,
    reason: vserver.reason,
    since: instant(vserver.since),
    client_address_kept: vserver.clientAddressKept ?? null,
    misrouted: vserver.misrouted ?? [],
    tls_ends: vserver.tlsEnds ?? "none",
    certificate_differs: vserver.certificateDiffers,
    auth_schemes_differ: vserver.oddSchemes ?? null,
    persistence: persistenceJson(vserver.persistence ?? null),
    public_names: vserver.publicNames ?? [],
  };
}

function persistenceJson(persistence: LivePersistence | null): PersistenceJson | null {
  if (persistence === null) {
    return null;
  }
  const { type, probes, sticksTo, observable } = persistence;
  return { type, probes, sticks_to: sticksTo, observable };
}

/** How often each verdict occurs, in the order of first appearance. */
export function verdictCounts(
  rows: readonly { readonly verdict: string }[],
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { verdict } of rows) {
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

/** RFC 3339 in UTC; null stays null, and so does a moment that never comes. */
export function instant(atMs: number | null): string | null {
  return atMs === null || !Number.isFinite(atMs) ? null : new Date(atMs).toISOString();
}

function monitorRow(probe: LiveProbe): MonitorRow {
  return {
    monitor: probe.kind === "monitor" ? probe.monitor : probe.transaction,
    vantage: probe.vantage,
    opinion: probe.opinion,
    step: probe.last?.step ?? null,
    reason: probe.last?.reason ?? ((probe.notRepeated ?? null) === null ? null : "unsupported"),
  };
}
