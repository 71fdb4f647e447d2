import type { MemberFacts, ProbeFacts, VserverFacts } from "./facts.ts";
import type { Port } from "../model/adc-service.ts";
import type { OddSchemes, TlsEnd } from "../model/live.ts";
import { groupBy } from "../lib/steps.ts";
import { CHALLENGE_PATH } from "../probes/transactions/web-session.ts";
import type { TlsFacts } from "../model/observation.ts";
import { isSubmissionPort } from "../model/transactions.ts";

/**
 * Whether servers see the client's address through the VIP. SMTP servers report the address that they see us come from: it is
 * kept if that is our own, or the one that they report without the ADC (behind an address translation). Null: none reports it.
 */
export function clientAddressKept(vserver: VserverFacts): boolean | null {
  const [reported] = vserver.probes.filter((probe) => probe.vantage === "vip").flatMap(addressSeen);
  if (reported === undefined) {
    return null;
  }
  const direct = vserver.memberRecords.flatMap((member) => member.probes).flatMap(addressSeen);
  return reported.own || direct.some(({ seenAs }) => seenAs === reported.seenAs);
}

function addressSeen({ current }: ProbeFacts) {
  return current?.clientAddress ?? [];
}

/** The login schemes that one member offered for a path. */
export interface OfferedSchemes {
  readonly adcService: string;
  readonly server: string;
  readonly port: Port;
  readonly path: string;
  /** In the fixed order of an observation. */
  readonly schemes: string;
}
/**
 * Members of one group that offer other schemes for the same URL than all others; of two that differ, both. Null if nothing can
 * be compared: fewer than two answered, or there are more than two different offers.
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
/** As {@link oddSchemes}, for a vserver's members. Members behind content switching are compared at each target. */
export function oddSchemesBehind(vserver: VserverFacts): readonly OddSchemes[] | null {
  return vserver.kind === "cs" ? null : oddSchemes(vserver.memberRecords.flatMap(offeredBy));
}
/** From anonymous probes: what a login is offered depends on the account. */
function offeredBy({ adcService, server, port, probes }: MemberFacts): readonly OfferedSchemes[] {
  return probes.flatMap(({ kind, current, path }) => {
    const schemes = current?.authSchemes;
    return kind === "monitor" || schemes === undefined
      ? []
      : [{ adcService, server, port, path: path ?? CHALLENGE_PATH, schemes }];
  });
}

/** Persistence by the client's address: our address sticks to one server, and each probe keeps the entry alive. */
const SOURCE_BOUND: ReadonlySet<string> = new Set([
  "SOURCEIP",
  "SRCIPDESTIP",
  "SSLSESSION",
  "CALLID",
]);

/** Whether probes through a VIP can be judged now, if clients stick to servers. */
type PersistencePause =
  | { readonly kind: "none" }
  /** From these addresses of ours the ADC would still go to a member that leaves; not from others. */
  | { readonly kind: "avoid"; readonly addresses: ReadonlySet<string> }
  | { readonly kind: "pause" };

const NONE: PersistencePause = { kind: "none" };
const PAUSE: PersistencePause = { kind: "pause" };

/**
 * Whether to pause probes because a member is leaving: our persistence entry would still send us there (NetScaler docs:
 * persistence outlives a graceful disable). After the persistence time-out without a probe, the next response is what a
 * new client gets; sooner if the ADC reports that our entry points elsewhere, or no longer exists. A missing entry
 * counts only for an address for which one was shown before: an address translation may hide ours. `pollMs`: until the
 * poll that reported the leave, probes continued and kept the entry alive.
 */
export function persistencePause(
  vserver: VserverFacts,
  now: number,
  pollMs: number,
): PersistencePause {
  const { config, ownEntries } = vserver;
  if (config.kind !== "lb" || !isSourceBound(vserver)) {
    return NONE;
  }
  const { timeoutMs } = config.persistence;
  const leaving = vserver.memberRecords.filter(
    ({ outSince, outReportedAt }) =>
      outSince !== null && now - Math.max(outSince + pollMs, outReportedAt ?? outSince) < timeoutMs,
  );
  if (leaving.length === 0) {
    return NONE;
  }
  if (ownEntries === null || ownEntries.asked.length === 0) {
    return PAUSE;
  }
  const held = new Set(ownEntries.asked.filter((source) => pointsElsewhere(vserver, source)));
  return held.size === 0
    ? NONE
    : held.size < ownEntries.asked.length
      ? { kind: "avoid", addresses: held }
      : PAUSE;
}

export function isSourceBound({ config }: VserverFacts): boolean {
  return config.kind === "lb" && SOURCE_BOUND.has(config.persistence.type);
}

/** The members that this address of ours sticks to; null for an unknown one. */
export function boundTo(vserver: VserverFacts, source: string): (MemberFacts | null)[] {
  return (vserver.ownEntries?.entries ?? [])
    .filter((entry) => entry.source === source)
    .map(
      ({ address, port }) =>
        vserver.memberRecords.find(
          (member) => member.address === address && member.port === port,
        ) ?? null,
    );
}

/** Whether a probe from there may be sent to a member that takes no new clients. */
function pointsElsewhere(vserver: VserverFacts, source: string): boolean {
  const bound = boundTo(vserver, source);
  return bound.length === 0
    ? !vserver.shownSources.has(source)
    : bound.some((member) => member === null || member.outSince !== null);
}

/** Types that end a client's TLS at a vserver, and begin TLS of the ADC's own at a service. */
const SPEAKS_TLS: ReadonlySet<string> = new Set(["SSL", "SSL_TCP"]);
/** Types that forward bytes unchanged, TLS or not. */
const HANDS_ON: ReadonlySet<string> = new Set(["SSL_BRIDGE", "TCP", "ANY"]);
/**
 * Where clients' TLS ends, by the types of the vservers that clients connect to (of content switching, the one in front) and of
 * the services behind. One vserver that ends TLS decides: its clients never see a server's certificate.
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

/** Whether a VIP shows another certificate than NITRO says is bound, or one without the names that the operator expects. */
export function wrongCertificate(vserver: VserverFacts): boolean {
  const through = vserver.probes.filter((probe) => probe.vantage === "vip");
  const shown = latestLeaf(through.filter((probe) => endsAt(vserver, probe)));
  const { boundSerials } = vserver;
  if (shown !== null && boundSerials.length > 0 && !boundSerials.some(isSerialOf(shown.serial))) {
    return true;
  }
  return carriesNone(through, vserver.expectedNames);
}

/** By OpenSSL's check at the handshake. One from before the names were configured does not count. */
function carriesNone(probes: readonly ProbeFacts[], expected: readonly string[]): boolean {
  for (const probe of probes) {
    const facts = isRelaysOwn(probe) ? null : probe.last?.tls;
    const checks = facts?.nameChecks.filter(({ name }) => expected.includes(name)) ?? [];
    if (checks.length > 0) {
      return !checks.some(({ carried }) => carried);
    }
  }
  return false;
}

/** Behind content switching, clients see the certificate of the vserver in front, not the one bound here. */
function endsAt(vserver: VserverFacts, { entry }: ProbeFacts): boolean {
  return entry === vserver.vserver;
}

function isSerialOf(shown: string): (bound: string) => boolean {
  const normal = normalSerial(shown);
  return (bound) => normalSerial(bound) === normal;
}

function latestLeaf(probes: readonly ProbeFacts[]) {
  for (const probe of probes) {
    const leaf = isRelaysOwn(probe) ? undefined : probe.current?.tls?.chain[0];
    if (leaf !== undefined) {
      return leaf;
    }
  }
  return null;
}

/** SMTP on a relay port shows a certificate that no client verifies. */
function isRelaysOwn({ targetPort, transaction }: ProbeFacts): boolean {
  return transaction === "smtp_mail_from" && !isSubmissionPort(targetPort ?? "*");
}

/** Serials are written with or without colons, leading zeros and capitals. */
function normalSerial(serial: string): string {
  return serial
    .toLowerCase()
    .replace(/[^0-9a-f]/g, "")
    .replace(/^0+/, "");
}

/**
 * Whether certificates differ that must be the same; null if none must, or no member presented one. If TLS passes
 * through, all members and the VIP must present one certificate (at content switching, each target separately). If the
 * ADC re-encrypts, only the ADC sees the members' certificates, and they may differ, unless the operator says otherwise
 * or Extended Protection is in use.
 */
export function certificatesDiffer(vserver: VserverFacts): boolean | null {
  switch (vserver.tlsEnds) {
    case "pass_through":
      return vserver.kind === "cs" ? null : differ(vserver, ({ serverName }) => serverName ?? "");
    case "re_encrypt":
      // The ADC uses another server name than clients for its members, or none.
      return vserver.sameCertificate || seesExtendedProtection(vserver)
        ? differ(vserver, () => "")
        : null;
    case "offload":
    case "none":
      return null;
  }
}

/**
 * A login bound to the shown certificate is accepted at a member and rejected through the VIP for the same credential: Extended
 * Protection does that if the ADC shows another certificate. A login that is accepted on both sides proves nothing: servers
 * without Extended Protection ignore the binding.
 */
function seesExtendedProtection(vserver: VserverFacts): boolean {
  return (
    vserver.probes.some(
      ({ vantage, current }) =>
        vantage === "vip" &&
        current?.reason === "login_broken_by_adc" &&
        current.channelBound === true,
    ) &&
    vserver.memberRecords.some(({ probes }) =>
      probes.some(({ current }) => current?.outcome === "match" && current.channelBound === true),
    )
  );
}

/** Compares the VIP and all members, by group of names: a server may have one certificate for each SNI. */
function differ(vserver: VserverFacts, group: (facts: TlsFacts) => string): boolean | null {
  const shown = new Map<string, Set<string>>();
  const take = (probes: readonly ProbeFacts[]): void => {
    for (const [name, sha256] of newestLeaves(probes, group)) {
      shown.set(name, (shown.get(name) ?? new Set()).add(sha256));
    }
  };
  vserver.memberRecords.forEach(({ probes }) => take(probes));
  if (shown.size === 0) {
    return null;
  }
  take(vserver.probes.filter(({ vantage }) => vantage === "vip"));
  return [...shown.values()].some((leaves) => leaves.size > 1);
}

/** The fingerprint that one endpoint showed last, by group of names. */
function newestLeaves(
  probes: readonly ProbeFacts[],
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
