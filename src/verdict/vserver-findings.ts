import type { MemberFacts, ProbeFacts, VserverFacts } from "./facts.ts";
import type { Port } from "../model/adc-service.ts";
import type { OddSchemes, TlsEnd } from "../model/live.ts";
import { groupBy } from "../lib/steps.ts";
import { CHALLENGE_PATH } from "../probes/transactions/web-session.ts";
import type { TlsFacts } from "../model/observation.ts";
import { isSubmissionPort } from "../model/transactions.ts";

/**
 * Whether the client's address survives the VIP, by what SMTP servers call us: through the ADC they see the address we came
 * from, or the one they see without the ADC (behind an address translation). Null if no server reported it through the VIP.
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
export function oddSchemesBehind(vserver: VserverFacts): readonly OddSchemes[] | null {
  return vserver.kind === "cs" ? null : oddSchemes(vserver.memberRecords.flatMap(offeredBy));
}
/** By the looks: a login's own answers depend on the account. */
function offeredBy({ adcService, server, port, probes }: MemberFacts): readonly OfferedSchemes[] {
  return probes.flatMap(({ kind, current, path }) => {
    const schemes = current?.authSchemes;
    return kind === "monitor" || schemes === undefined
      ? []
      : [{ adcService, server, port, path: path ?? CHALLENGE_PATH, schemes }];
  });
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
  const held = new Set(ownEntries.asked.filter((source) => leadsAway(vserver, source)));
  return held.size === 0
    ? NONE
    : held.size < ownEntries.asked.length
      ? { kind: "avoid", addresses: held }
      : PAUSE;
}

export function isSourceBound({ config }: VserverFacts): boolean {
  return config.kind === "lb" && SOURCE_BOUND.has(config.persistence.type);
}

/** The members that the ADC gives this address of ours to; null for a member that is not known here. */
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

/** Whether a probe from there may go where no new client does. */
function leadsAway(vserver: VserverFacts, source: string): boolean {
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
export function wrongCertificate(vserver: VserverFacts): boolean {
  const through = vserver.probes.filter((probe) => probe.vantage === "vip");
  const shown = latestLeaf(through.filter((probe) => endsAt(vserver, probe)));
  const { boundSerials } = vserver;
  if (shown !== null && boundSerials.length > 0 && !boundSerials.some(isSerialOf(shown.serial))) {
    return true;
  }
  return carriesNone(through, vserver.expectedNames);
}

/** Judged where the certificate was seen, by OpenSSL's check; a handshake before the names were known says nothing. */
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

/** Through content switching a client sees the certificate of the vserver in front, not the one bound here. */
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

/** Servers that relay mail to each other show certificates of their own, which no client verifies. */
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
 * Whether certificates differ where they must be alike, judged by where the clients' TLS ends; null where nothing says that
 * they must, or no member showed one. Passed through, all members must show one, and through the VIP nothing else may be
 * seen. Encrypted anew, what the members show is the ADC's business, unless the operator says otherwise or Extended
 * Protection is seen. What content switching passes through differs by target: each target is judged by itself.
 */
export function certificatesDiffer(vserver: VserverFacts): boolean | null {
  switch (vserver.tlsEnds) {
    case "pass_through":
      return vserver.kind === "cs" ? null : differ(vserver, ({ serverName }) => serverName ?? "");
    case "re_encrypt":
      // Of its members an ADC asks by another name than clients ask it, or by none.
      return vserver.sameCertificate || seesExtendedProtection(vserver)
        ? differ(vserver, () => "")
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

/** Compares the VIP and all members, each group of names for itself: one server may have a certificate for each SNI. */
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

/** The fingerprint last shown at one endpoint, for each group of names. */
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
