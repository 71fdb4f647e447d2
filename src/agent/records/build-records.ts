import type { Estate } from "../../model/estate.ts";
import type { GslbVserver } from "../../model/gslb.ts";
import type { Vserver, VserverKind } from "../../model/vserver.ts";
import { withSites } from "../../adc/gslb-fields.ts";
import { asBalancing, asLoginVserver } from "../../adc/vserver-fields.ts";
import { runSync, mapInSteps, type Steps, append, groupBy } from "../../lib/steps.ts";
import { createVserverGraph, csTargetOf, type VserverGraph } from "../../adc/vserver-graph.ts";
import { readHostPort } from "../../lib/host-port.ts";
import { graceLengths, type SettlingProtocol } from "../../verdict/grace.ts";
import type { ExcludeConfig, VserverConfig } from "../../config/schema.ts";
import { unjudgedMember, unjudgedVserver } from "../plan/plan.ts";
import { compareWithVip, type ResolvedNames } from "../public-names.ts";
import type { PlannedProbe } from "../plan/planned-probe.ts";
import { clientNames } from "../plan/vip-reach.ts";
import { signProtocolOf } from "../../verdict/member-detection.ts";
import { tlsEnd } from "../../verdict/vserver-findings.ts";
import { VserverRecord } from "./vserver-record.ts";
import { GslbRecord } from "./gslb-record.ts";
import { MemberRecord } from "./member-record.ts";
import { ProbeRecord } from "./probe-record.ts";

/** The records of one ADC's estate, linked to one another. */
export interface EstateRecords {
  readonly estate: Estate;
  readonly members: readonly MemberRecord[];
  readonly vservers: readonly VserverRecord[];
  readonly probes: readonly ProbeRecord[];
  /** For each probe, the members and vservers that its result affects. */
  readonly memberOf: ReadonlyMap<ProbeRecord, MemberRecord>;
  readonly vserversOf: ReadonlyMap<ProbeRecord, readonly VserverRecord[]>;
  readonly vserversOfMember: ReadonlyMap<MemberRecord, readonly VserverRecord[]>;
  readonly membersOfService: ReadonlyMap<string, readonly MemberRecord[]>;
}

export interface RecordOptions {
  readonly pollMs: number;
  readonly vservers: ReadonlyMap<string, VserverConfig>;
  /** What gets no verdict; absent: nothing. */
  readonly exclude?: readonly ExcludeConfig[];
  /** What DNS answers for client-facing names. */
  readonly resolved?: ResolvedNames;
  readonly now: () => number;
  /** The clock by which results expire, which is never set; default: `now`. */
  readonly monotonic?: () => number;
}

/** Makes the records of an estate and its plan, with the state of earlier records of the same things. */
export function buildRecords(
  estate: Estate,
  plan: readonly PlannedProbe[],
  options: RecordOptions,
  earlier: EstateRecords | null,
): EstateRecords {
  const records = runSync(recordSteps(estate, plan, options));
  inheritRecords(records, earlier);
  return records;
}

/** Takes over the state of earlier records, which may receive results until this moment. */
export function inheritRecords(records: EstateRecords, earlier: EstateRecords | null): void {
  inheritAll(records.probes, earlier?.probes ?? [], (probe) => probe.id);
  inheritAll(records.members, earlier?.members ?? [], memberIdOf);
  const servers = new Set(records.members.map(({ server }) => server));
  inheritAll(records.vservers, earlier?.vservers ?? [], (each) => each.vserver, servers);
}

/** New records without any state, in steps. */
export function* recordSteps(
  imported: Estate,
  plan: readonly PlannedProbe[],
  options: RecordOptions,
): Steps<EstateRecords> {
  const estate = withSites(imported);
  const probes = yield* mapInSteps(
    plan,
    (planned) => new ProbeRecord(planned, options.monotonic ?? options.now),
  );
  const backend = groupBy(
    probes.filter((probe) => probe.vantage === "backend"),
    (probe) => memberId(probe.adcService, probe.server, String(probe.port)),
  );
  yield;
  const graph = createVserverGraph(estate);
  yield;
  const byService = yield* mapInSteps(estate.services.values(), (service) => {
    const vservers = graph.vserversOfService(service.name);
    return service.members.map((member) => {
      const own = backend.get(memberId(service.name, member.server, String(member.port))) ?? [];
      const grace = graceLengths(monitorsOf(own), options.pollMs, protocolOf(own));
      const record = new MemberRecord(
        estate.adc,
        service,
        member,
        vservers,
        own,
        grace,
        options.now(),
      );
      record.unjudged = unjudgedMember(options.exclude ?? [], member);
      return record;
    });
  });
  const members = byService.flat();
  yield;
  const behind = membersByVserver(members);
  const through = groupBy(
    probes.filter((probe) => probe.vantage !== "backend"),
    (probe) => probe.vserver,
  );
  yield;
  const vservers = yield* mapInSteps(
    [...estate.lbVservers.values(), ...estate.csVservers.values()],
    (vserver) =>
      vserverRecord(estate, graph, vserver, behind.get(vserver.name) ?? [], through, options),
  );
  const names = [...estate.gslb.vservers.values()].map((vserver) =>
    nameRecord(estate, backupChain(estate, vserver), behind, through, options),
  );
  const logins = [...estate.authenticationVservers.values()].map((vserver) =>
    vserverRecord(estate, graph, asLoginVserver(vserver), [], through, options, "aaa"),
  );
  return yield* wire(imported, members, [...vservers, ...names, ...logins], probes);
}

/** A GSLB vserver, and its backups in their order. */
function backupChain(
  { gslb }: Estate,
  vserver: GslbVserver,
): readonly [GslbVserver, ...GslbVserver[]] {
  const backups = new Set<GslbVserver>();
  let next = gslb.vservers.get(vserver.backupVserver ?? "");
  while (next !== undefined && next !== vserver && !backups.has(next)) {
    backups.add(next);
    next = gslb.vservers.get(next.backupVserver ?? "");
  }
  return [vserver, ...backups];
}

/** A GSLB vserver in the form of one without its own address. */
function nameRecord(
  estate: Estate,
  chain: readonly [GslbVserver, ...GslbVserver[]],
  behind: ReadonlyMap<string, readonly MemberRecord[]>,
  through: ReadonlyMap<string, readonly ProbeRecord[]>,
  { exclude = [], now }: RecordOptions,
): VserverRecord {
  const { shownAs, serviceType, enabled, backupVserver, services, method, comment, line } =
    chain[0];
  const ofBackups = chain.flatMap((each) => behind.get(each.shownAs) ?? []);
  const questions = through.get(shownAs) ?? [];
  const record = new VserverRecord(
    estate.adc,
    asBalancing({
      name: shownAs,
      serviceType,
      enabled,
      method,
      backupVserver,
      services,
      comment,
      line,
    }),
    behind.get(shownAs) ?? [],
    {
      certificate: { names: [], serials: [], tlsEnds: "none", same: false },
      publicNames: [],
      gslb: new GslbRecord(chain, estate.gslb.services, ofBackups, questions),
    },
    now(),
  );
  record.unjudged = unjudgedVserver(exclude, shownAs);
  record.probes.push(...questions);
  return record;
}

function vserverRecord(
  estate: Estate,
  graph: VserverGraph,
  vserver: Vserver,
  members: readonly MemberRecord[],
  through: ReadonlyMap<string, readonly ProbeRecord[]>,
  options: RecordOptions,
  kind: VserverKind = vserver.kind,
): VserverRecord {
  const settings = options.vservers.get(vserver.name);
  const record = new VserverRecord(
    estate.adc,
    vserver,
    members,
    {
      certificate: {
        names: clientNames(settings),
        serials: boundSerials(estate, vserver),
        tlsEnds: tlsEnd(
          entriesOf(estate, graph, vserver).map(({ serviceType }) => serviceType),
          members.flatMap(({ adcService }) => estate.services.get(adcService)?.serviceType ?? []),
        ),
        same: settings?.sameCertificate ?? false,
      },
      publicNames: compareWithVip(
        settings === undefined ? [] : [...publicHosts(settings), ...settings.names],
        vipsOf(estate, graph, vserver),
        options.resolved ?? new Map(),
      ),
      kind,
    },
    options.now(),
  );
  record.unjudged = unjudgedVserver(options.exclude ?? [], vserver.name);
  record.probes.push(...(through.get(vserver.name) ?? []));
  for (const target of vserver.kind === "cs" ? new Set(targetsOf(estate, vserver)) : []) {
    const own = through.get(target) ?? [];
    record.probes.push(...own.filter((each) => each.planned.vservers.includes(vserver.name)));
  }
  return record;
}

function membersByVserver(
  members: readonly MemberRecord[],
): ReadonlyMap<string, readonly MemberRecord[]> {
  const behind = new Map<string, MemberRecord[]>();
  for (const member of members) {
    for (const name of member.vservers) {
      append(behind, name, member);
    }
  }
  return behind;
}

/** Which bound certificate a client sees depends on its SNI and key types, so all of them are compared. */
function boundSerials(estate: Estate, vserver: Vserver): readonly string[] {
  const bound = vserver.certKeys.filter((binding) => !binding.ca);
  const serials = bound.flatMap(({ certKey }) => estate.certKeys.get(certKey)?.serial ?? []);
  return serials.length === bound.length ? serials : [];
}

function publicHosts(settings: VserverConfig): string[] {
  return settings.public.map((text) => readHostPort(text).host);
}

/** The addresses that this vserver's clients connect to: its own, or those of content switching in front. */
function vipsOf(estate: Estate, graph: VserverGraph, vserver: Vserver): string[] {
  return entriesOf(estate, graph, vserver).flatMap(({ address }) => address ?? []);
}

/** The vservers that clients connect to: this one, or content switching in front of one without an address. */
function entriesOf(estate: Estate, graph: VserverGraph, vserver: Vserver): Vserver[] {
  return vserver.address === null
    ? graph
        .csPathTo(vserver.name, null)
        .flatMap(({ csVserver }) => estate.csVservers.get(csVserver) ?? [])
    : [vserver];
}

function targetsOf(estate: Estate, vserver: Extract<Vserver, { kind: "cs" }>): string[] {
  const targets = vserver.targets.map((binding) => csTargetOf(estate, binding));
  return [...targets, vserver.defaultTarget].filter((target) => target !== null);
}

function* wire(
  estate: Estate,
  members: readonly MemberRecord[],
  vservers: readonly VserverRecord[],
  probes: readonly ProbeRecord[],
): Steps<EstateRecords> {
  const memberOf = new Map<ProbeRecord, MemberRecord>();
  for (const member of members) {
    for (const probe of member.probes) {
      memberOf.set(probe, member);
    }
    yield;
  }
  const vserversOf = new Map<ProbeRecord, VserverRecord[]>();
  const vserversOfMember = new Map<MemberRecord, VserverRecord[]>();
  for (const vserver of vservers) {
    for (const probe of vserver.probes) {
      append(vserversOf, probe, vserver);
    }
    for (const member of vserver.memberRecords) {
      append(vserversOfMember, member, vserver);
    }
    yield;
  }
  const membersOfService = groupBy(members, (member) => member.adcService);
  return {
    estate,
    members,
    vservers,
    probes,
    memberOf,
    vserversOf,
    vserversOfMember,
    membersOfService,
  };
}

function monitorsOf(probes: readonly ProbeRecord[]) {
  return probes.flatMap(({ planned }) =>
    planned.action.kind === "monitor" ? [planned.action.monitor] : [],
  );
}

/** The protocol of a member, which determines how late it shows a change of state. */
function protocolOf(probes: readonly ProbeRecord[]): SettlingProtocol {
  for (const probe of probes) {
    const protocol = probe.transaction === "smtp_submission" ? "smtp" : signProtocolOf(probe);
    if (protocol !== "other") {
      return protocol;
    }
  }
  return "other";
}

function memberIdOf({ adcService, server, port }: MemberRecord): string {
  return memberId(adcService, server, String(port));
}

function memberId(adcService: string, server: string, port: string): string {
  return `${adcService}\u0000${server}\u0000${port}`;
}

function inheritAll<
  Around extends unknown[],
  R extends { inherit(earlier: R, ...around: Around): void },
>(
  records: readonly R[],
  earlier: readonly R[],
  keyOf: (record: R) => string,
  ...around: Around
): void {
  const known = new Map(earlier.map((record) => [keyOf(record), record]));
  for (const record of records) {
    const before = known.get(keyOf(record));
    if (before !== undefined) {
      record.inherit(before, ...around);
    }
  }
}
