import type { ProbeRecord } from "./records/probe-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";
import type { Port } from "../model/adc-service.ts";
import type { OddSchemes, TlsEnd } from "../model/live.ts";
import { groupBy } from "../lib/steps.ts";
import type { MemberRecord } from "./records/member-record.ts";
import { CHALLENGE_PATH } from "../probes/transactions/web-session.ts";
import type { TlsFacts } from "../model/observation.ts";
import { isSubmissionPort } from "../model/transactions.ts";

/**
 * Whether the client's address survives the VIP, by what SMTP servers call us: through the ADC they see the address we came
 * from, or the one they see without the ADC (behind an address translation). Null if no server reported it through the VIP.
 */
export function clientAddressKept(record: VserverRecord): boolean | null {
  const [reported] = record.probes.filter((probe) => probe.vantage === "vip").flatMap(addressSeen);
  if (reported === undefined) {
    return null;
  }
  const direct = record.memberRecords.flatMap((member) => member.probes).flatMap(addressSeen);
  return reported.own || direct.some(({ seenAs }) => seenAs === reported.seenAs);
}

function addressSeen({ current }: ProbeRecord) {
  return current?.clientAddress ?? [];
}

/** What one member's challenge offered when it was asked for a path. */
export interface OfferedSchemes {
  readonly adcService: string;
  readonly server: string;
  readonly port: Port;
  readonly path: string;
  /** As an observation holds them: in one order, whatever the server's was. */
  readonly schemes: string;
}
/**
 * The odd ones out among members of one group that were asked for the same URL: of two that differ each is the other's.
 * Null where nothing can be compared: fewer than two have answers, or they follow no common rule that one of them could break.
 */
export function oddSchemes(offered: readonly OfferedSchemes[]): readonly OddSchemes[] | null {
  const alike = groupBy(offered, ({ adcService, port, path }) => `${adcService}\n${port}${path}`);
  const judged = [...alike.values()].flatMap((members) => {
    const odd = oddAmong(members);
    return odd === null ? [] : [odd];
  });
  return judged.length === 0 ? null : judged.flat();
}
function oddAmong(members: readonly OfferedSchemes[]): readonly OddSchemes[] | null {
  const [first, second, third] = [...groupBy(members, ({ schemes }) => schemes).values()];
  if (members.length < 2 || first === undefined || third !== undefined) {
    return null;
  }
  if (second === undefined) {
    return [];
  }
  const odd = [oddOne(first, second), oddOne(second, first)].flatMap((one) => one ?? []);
  return odd.length === 0 ? null : odd;
}
function oddOne(
  some: readonly OfferedSchemes[],
  others: readonly OfferedSchemes[],
): OddSchemes | null {
  const [member, ...more] = some;
  const [other] = others;
  if (member === undefined || other === undefined || more.length > 0) {
    return null;
  }
  const { server, port, path, schemes } = member;
  return { server, port, path, offers: schemes, others: other.schemes };
}
/** As {@link oddSchemes}, of a vserver's members; what content switching leads to is judged target by target. */
export function oddSchemesBehind(record: VserverRecord): readonly OddSchemes[] | null {
  return record.kind === "cs" ? null : oddSchemes(record.memberRecords.flatMap(offeredBy));
}
/** By the looks: a login's own answers depend on the account. */
function offeredBy({ adcService, server, port, probes }: MemberRecord): readonly OfferedSchemes[] {
  return probes.flatMap((probe) => {
    const { action } = probe.planned;
    if (action.kind === "monitor" || action.run === null) {
      return [];
    }
    const schemes = probe.current?.authSchemes;
    const path = action.run.spec.path ?? CHALLENGE_PATH;
    return schemes === undefined ? [] : [{ adcService, server, port, path, schemes }];
  });
}

/**
 * Whether a server of the estate answered in place of the target's members. One machine may be several servers of the ADC's:
 * those of one address are one. A backup vserver may answer rightly; which clients its members serve is not decided here.
 */
function isMisrouted(
  record: VserverRecord,
  probe: ProbeRecord,
  server: string | null,
  everybody: readonly MemberRecord[],
): boolean {
  const switched = probe.vantage === "vip" && probe.planned.vservers.length > 1;
  if (!switched || server === null || record.config.backupVserver !== null) {
    return false;
  }
  const addresses = new Set(
    everybody.flatMap((each) => (each.server === server ? (each.address ?? []) : [])),
  );
  return !record.memberRecords.some(
    (each) => each.server === server || (each.address !== null && addresses.has(each.address)),
  );
}
/** Books the last answer of each probe: what reached the right group again is forgotten. */
export function bookRoute(
  record: VserverRecord,
  probe: ProbeRecord,
  server: string | null,
  everybody: readonly MemberRecord[],
): void {
  if (server !== null && isMisrouted(record, probe, server, everybody)) {
    const { action } = probe.planned;
    const path = action.kind === "transaction" ? (action.run?.spec.path ?? null) : null;
    record.misroutedBy.set(probe.id, { path, server });
  } else {
    record.misroutedBy.delete(probe.id);
  }
}

/** Persistence that follows the client's address: one agent address sticks to one server, and each probe keeps the entry alive. */
const SOURCE_BOUND: ReadonlySet<string> = new Set([
  "SOURCEIP",
  "SRCIPDESTIP",
  "SSLSESSION",
  "CALLID",
]);

/** Whether probes through a VIP may be judged now, when clients stick to servers. */
type PersistencePause =
  | { readonly kind: "none" }
  /** From these addresses of ours the ADC would still go to a member that leaves; from others not. */
  | { readonly kind: "avoid"; readonly addresses: ReadonlySet<string> }
  | { readonly kind: "pause" };

const NONE: PersistencePause = { kind: "none" };
const PAUSE: PersistencePause = { kind: "pause" };

/**
 * A member has just started to leave, and our own persistence entry would go on sending us there (NetScaler docs:
 * persistence outlives a graceful disable). After the persistence time-out without a probe the next answer is a new
 * client's; sooner where the ADC tells that our entry leads elsewhere, or is gone. That it has none counts only for an
 * address it has shown before: an address translation on the way hides us from it. `pollMs`: until the poll told, probes
 * went on and kept the entry alive, and longer where polls failed or the ADC was slow.
 */
export function persistencePause(
  vserver: VserverRecord,
  now: number,
  pollMs: number,
): PersistencePause {
  const { config, ownEntries } = vserver;
  if (config.kind !== "lb" || !isSourceBound(vserver)) {
    return NONE;
  }
  const { timeoutMs } = config.persistence;
  const leaving = vserver.memberRecords.filter(
    ({ outSince, outToldAt }) =>
      outSince !== null && now - Math.max(outSince + pollMs, outToldAt ?? outSince) < timeoutMs,
  );
  if (leaving.length === 0) {
    return NONE;
  }
  if (ownEntries === null || ownEntries.asked.length === 0) {
    return PAUSE;
  }
  const held = new Set(ownEntries.asked.filter((source) => leadsAway(vserver, source)));
  return held.size === 0
    ? NONE
    : held.size < ownEntries.asked.length
      ? { kind: "avoid", addresses: held }
      : PAUSE;
}

export function isSourceBound({ config }: VserverRecord): boolean {
  return config.kind === "lb" && SOURCE_BOUND.has(config.persistence.type);
}

/** The members that the ADC gives this address of ours to; null for a member that is not known here. */
export function boundTo(vserver: VserverRecord, source: string): (MemberRecord | null)[] {
  return (vserver.ownEntries?.entries ?? [])
    .filter((entry) => entry.source === source)
    .map(
      ({ address, port }) =>
        vserver.memberRecords.find(
          (member) => member.address === address && member.port === port,
        ) ?? null,
    );
}

/** Whether a probe from there may go where no new client does. */
function leadsAway(vserver: VserverRecord, source: string): boolean {
  const bound = boundTo(vserver, source);
  return bound.length === 0
    ? !vserver.shownSources.has(source)
    : bound.some((member) => member === null || member.outSince !== null);
}

/** Types that end a client's TLS at a vserver, and begin TLS of the ADC's own at a service. */
const SPEAKS_TLS: ReadonlySet<string> = new Set(["SSL", "SSL_TCP"]);
/** Types that hand bytes on as they come; whether these are TLS, only the servers know. */
const HANDS_ON: ReadonlySet<string> = new Set(["SSL_BRIDGE", "TCP", "ANY"]);
/**
 * Derives it from the types of the vservers at which clients come in (content switching in front counts, not the vserver
 * behind it) and of the services that take them on. One that ends TLS among several decides: its clients see no server's
 * certificate.
 */
export function tlsEnd(entries: readonly string[], services: readonly string[]): TlsEnd {
  const encrypts = services.some((type) => SPEAKS_TLS.has(type));
  if (services.length === 0) {
    return "none";
  }
  if (entries.some((type) => SPEAKS_TLS.has(type))) {
    return encrypts ? "re_encrypt" : "offload";
  }
  return !encrypts && entries.some((type) => HANDS_ON.has(type)) ? "pass_through" : "none";
}

/** The certificate a VIP shows, against the serial NITRO says is bound and the names the operator expects. */
export function wrongCertificate(record: VserverRecord): boolean {
  const through = record.probes.filter((probe) => probe.vantage === "vip");
  const shown = latestLeaf(through.filter((probe) => endsAt(record, probe)));
  const { boundSerials } = record;
  if (shown !== null && boundSerials.length > 0 && !boundSerials.some(isSerialOf(shown.serial))) {
    return true;
  }
  return carriesNone(through, record.expectedNames);
}

/** Judged where the certificate was seen, by OpenSSL's check; a handshake before the names were known says nothing. */
function carriesNone(probes: readonly ProbeRecord[], expected: readonly string[]): boolean {
  for (const probe of probes) {
    const facts = isRelaysOwn(probe) ? null : probe.last?.tls;
    const checks = facts?.nameChecks.filter(({ name }) => expected.includes(name)) ?? [];
    if (checks.length > 0) {
      return !checks.some(({ carried }) => carried);
    }
  }
  return false;
}

/** Through content switching a client sees the certificate of the vserver in front, not the one bound here. */
function endsAt(record: VserverRecord, { planned }: ProbeRecord): boolean {
  return planned.vservers.at(-1) === record.vserver;
}

function isSerialOf(shown: string): (bound: string) => boolean {
  const normal = normalSerial(shown);
  return (bound) => normalSerial(bound) === normal;
}

function latestLeaf(probes: readonly ProbeRecord[]) {
  for (const probe of probes) {
    const leaf = isRelaysOwn(probe) ? undefined : probe.current?.tls?.chain[0];
    if (leaf !== undefined) {
      return leaf;
    }
  }
  return null;
}

/** Servers that relay mail to each other show certificates of their own, which no client verifies. */
function isRelaysOwn({ planned, transaction }: ProbeRecord): boolean {
  return transaction === "smtp_mail_from" && !isSubmissionPort(planned.port ?? "*");
}

/** Serials are written with or without colons, leading zeros and capitals. */
function normalSerial(serial: string): string {
  return serial
    .toLowerCase()
    .replace(/[^0-9a-f]/g, "")
    .replace(/^0+/, "");
}

/**
 * Whether certificates differ where they must be alike, judged by where the clients' TLS ends; null where nothing says that
 * they must, or no member showed one. Passed through, all members must show one, and through the VIP nothing else may be
 * seen. Encrypted anew, what the members show is the ADC's business, unless the operator says otherwise or Extended
 * Protection is seen. What content switching passes through differs by target: each target is judged by itself.
 */
export function certificatesDiffer(record: VserverRecord): boolean | null {
  switch (record.tlsEnds) {
    case "pass_through":
      return record.kind === "cs" ? null : differ(record, ({ serverName }) => serverName ?? "");
    case "re_encrypt":
      // Of its members an ADC asks by another name than clients ask it, or by none.
      return record.sameCertificate || seesExtendedProtection(record)
        ? differ(record, () => "")
        : null;
    case "offload":
    case "none":
      return null;
  }
}

/**
 * A login bound to the certificate shown is accepted at a member, and through the VIP refused to the same credential: that
 * is what Extended Protection does where the ADC shows another certificate. A login that is accepted on both sides says
 * nothing: servers without it ignore the binding.
 */
function seesExtendedProtection(record: VserverRecord): boolean {
  return (
    record.probes.some(
      ({ vantage, current }) =>
        vantage === "vip" &&
        current?.reason === "login_broken_by_adc" &&
        current.channelBound === true,
    ) &&
    record.memberRecords.some(({ probes }) =>
      probes.some(({ current }) => current?.outcome === "match" && current.channelBound === true),
    )
  );
}

/** Compares the VIP and all members, each group of names for itself: one server may have a certificate for each SNI. */
function differ(record: VserverRecord, group: (facts: TlsFacts) => string): boolean | null {
  const shown = new Map<string, Set<string>>();
  const take = (probes: readonly ProbeRecord[]): void => {
    for (const [name, sha256] of newestLeaves(probes, group)) {
      shown.set(name, (shown.get(name) ?? new Set()).add(sha256));
    }
  };
  record.memberRecords.forEach(({ probes }) => take(probes));
  if (shown.size === 0) {
    return null;
  }
  take(record.probes.filter(({ vantage }) => vantage === "vip"));
  return [...shown.values()].some((leaves) => leaves.size > 1);
}

/** The fingerprint last shown at one endpoint, for each group of names. */
function newestLeaves(
  probes: readonly ProbeRecord[],
  group: (facts: TlsFacts) => string,
): ReadonlyMap<string, string> {
  const newest = new Map<string, { readonly at: number; readonly sha256: string }>();
  for (const probe of probes) {
    const { current } = probe;
    const leaf = isRelaysOwn(probe) ? undefined : current?.tls?.chain[0];
    if (current?.tls && leaf !== undefined) {
      const name = group(current.tls);
      if (current.startedAt > (newest.get(name)?.at ?? -Infinity)) {
        newest.set(name, { at: current.startedAt, sha256: leaf.sha256 });
      }
    }
  }
  return new Map([...newest].map(([name, { sha256 }]) => [name, sha256]));
}
