import type { Estate } from "../../model/estate.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import {
  readConnectTo,
  type Transport,
  createTargetPolicy,
  isAdcItself,
  type TargetRules,
  ownAddresses,
} from "../../net/target-policy.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import type {
  AdcConfig,
  Config,
  Endpoint,
  ExcludeConfig,
  LookSettings,
  MemberConfig,
  ServerTrust,
  TransactionRunConfig,
  VserverConfig,
} from "../../config/schema.ts";
import {
  ANNOUNCED_TYPES,
  type AdcQuirks,
  type MonitorCredential,
} from "../../probes/monitors/spec.ts";
import type { Account } from "../../model/transactions.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import type { ResolvedNames } from "../public-names.ts";
import type { TlsVersion, ServerProof, TlsSettings } from "../../model/tls-settings.ts";
import { nameMatcher } from "../../lib/glob.ts";
import type { AdcService, Member } from "../../model/adc-service.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { Target } from "../../net/probe-context.ts";
import { isIP } from "../../lib/ip.ts";
import { proofOf } from "../../net/server-proof.ts";

/** Why the agent may not connect to an imported address, as text; null if it may, and for host names. */
type TargetCheck = (
  host: string,
  port: number,
  transport: Transport,
  isDestIp: boolean,
) => string | null;

/** The rule that the network applies when it connects, evaluated in advance where the address is known. */
export function targetCheck(
  rules: TargetRules & { readonly connectTo: Readonly<Record<string, string>> },
): TargetCheck {
  const connectTo = readConnectTo(rules.connectTo);
  const policy = createTargetPolicy(rules);
  return (host, port, transport, isDestIp) => {
    if (connectTo.find(host, port, transport) !== undefined) {
      return null;
    }
    // From here it would be this machine: even if loopback is allowed, that says nothing about the ADC.
    return isDestIp && isAdcItself(host) ? isAdcItselfText(host) : policy(host, port);
  };
}

/** Marks a probe to the agent's own host or to the ADC's own address as unsupported, with the reason. */
export function withoutOwnHost(
  probe: PlannedProbe,
  check: TargetCheck,
  { nsip }: Pick<Estate, "nsip">,
): PlannedProbe {
  const { action } = probe;
  if (action.run === null) {
    return probe;
  }
  const { host, port } = action.run.target;
  const isDestIp = action.kind === "monitor" && action.monitor.destIp === host;
  const unsupportedReason =
    isDestIp && host === nsip
      ? isAdcItselfText(host)
      : check(host, port, transportOf(probe), isDestIp);
  return unsupportedReason === null
    ? probe
    : { ...probe, action: { ...action, run: null, unsupportedReason } };
}

function isAdcItselfText(destIp: string): string {
  return `destIP ${destIp} is the ADC itself`;
}

function transportOf({ action }: PlannedProbe): Transport {
  const type = action.kind === "monitor" ? monitorTypeOf(action.monitor) : null;
  return type !== null && isSupported(type) ? type.transport : "tcp";
}

export interface MonitorSettings {
  readonly credential: MonitorCredential | null;
  /** The command that replaces a USER monitor's own script. */
  readonly command: readonly string[] | null;
  /** False: over TLS the credential is sent to an unverified server; absent means true. */
  readonly verify?: boolean;
}

/** What the operator's configuration adds to an estate when probes are planned. */
export interface PlanSettings {
  readonly monitors: ReadonlyMap<string, MonitorSettings>;
  readonly vservers: ReadonlyMap<string, VserverConfig>;
  readonly members: readonly MemberConfig[];
  readonly runs: readonly TransactionRunConfig[];
  readonly accounts: ReadonlyMap<string, Account & ServerTrust>;
  /** The kinds of looks that are enabled by default. */
  readonly looks: LookSettings;
  readonly exclude: readonly ExcludeConfig[];
  /** The TLS versions that the ADC uses towards servers, if they differ from the firmware's default. */
  readonly monitorTls: { readonly min: TlsVersion; readonly max: TlsVersion } | null;
  /** The addresses of the ADC's DNS to query for GSLB names; empty: those in its configuration. */
  readonly adns: readonly Endpoint[];
  /** Addresses that our connections may come from; empty if unknown. */
  readonly ownAddresses: readonly string[];
  /** The source address of our connections, by the address of the VIP. Absent: any of the above. */
  readonly ownAddressTowards?: OwnAddresses;
  /** Which imported addresses the agent may connect to. */
  readonly targets: TargetCheck;
  /** DNS results for client-facing names, in lower case; names not resolved yet are absent. */
  readonly resolved: ResolvedNames;
  /** The minimum monitor interval, whatever the ADC's configuration says. */
  readonly minIntervalMs: number;
  /** How long an anonymous look waits for its server. */
  readonly lookTimeoutMs: number;
  /** Undocumented behaviour of the ADC's probes; undefined: the more likely one. */
  readonly quirks?: AdcQuirks;
}

/** The agent's source address for each destination address. */
export type OwnAddresses = ReadonlyMap<string, string>;

export const ALL_LOOKS: LookSettings = { mail: true, web: true, ldap: true, dns: true, ntp: true };

/** The settings for `plan --ns-conf`: no configuration besides the estate. */
export const BARE_SETTINGS: PlanSettings = {
  monitors: new Map(),
  vservers: new Map(),
  members: [],
  runs: [],
  accounts: new Map(),
  looks: ALL_LOOKS,
  exclude: [],
  monitorTls: null,
  adns: [],
  ownAddresses: [],
  targets: targetCheck({ connectTo: {}, allowTargets: [], listen: [] }),
  resolved: new Map(),
  minIntervalMs: 100,
  lookTimeoutMs: 10_000,
};

/** The settings of one ADC. Secrets stay sealed until they are sent, see `disclose`. */
export function planSettings(
  config: Config,
  adc: AdcConfig,
  resolved: ResolvedNames,
  ownAddressTowards: OwnAddresses = new Map(),
): PlanSettings {
  return {
    monitors: new Map(
      [...config.monitors].map(([name, monitor]) => [
        name,
        {
          credential:
            monitor.password === null && monitor.secret === null
              ? null
              : {
                  username: monitor.username ?? "",
                  password: monitor.password ?? NO_SECRET,
                  secret: monitor.secret,
                },
          command: monitor.command,
          verify: monitor.verify ?? true,
        },
      ]),
    ),
    vservers: config.vservers,
    members: config.members,
    runs: config.transactions.run,
    accounts: new Map(config.transactions.accounts.map((account) => [account.name, account])),
    looks: config.looks ?? ALL_LOOKS,
    exclude: config.exclude ?? [],
    monitorTls: adc.monitorTls,
    adns: adc.adns ?? [],
    ownAddresses: config.sourceAddresses.length > 0 ? config.sourceAddresses : ownAddresses(),
    ownAddressTowards,
    targets: targetCheck({ ...config, listen: config.web.listen }),
    resolved,
    minIntervalMs: config.minProbeIntervalMs,
    lookTimeoutMs: config.lookTimeoutMs,
    quirks: config.probe,
  };
}

/** Whether a name matches a pattern in which `*` matches any characters; letter case is ignored. */
export function matchesPattern(pattern: string, name: string): boolean {
  return nameMatcher([pattern])(name);
}

const IPV6_PATTERN = /^\[([^[\]]{1,64})\](?::(\d{1,5}|\*))?$/;

/** Whether a `server:port` pattern selects this member, by its server's name or by its address. */
export function selectsMember(
  pattern: string,
  { server, address, port }: Pick<Member, "server" | "address" | "port">,
): boolean {
  return (
    matchesMember(pattern, server, port) ||
    (address !== null && matchesMember(pattern, address, port))
  );
}

/**
 * Whether `server:port` patterns such as `ex*:443` (or `ex*`, any port) match a member. An IPv6 address with a port is
 * written in brackets.
 */
export function matchesMember(pattern: string, server: string, port: number | "*"): boolean {
  const [, address, ofAddress = "*"] = IPV6_PATTERN.exec(pattern) ?? [];
  if (address !== undefined) {
    return matchesPattern(address, server) && (ofAddress === "*" || ofAddress === String(port));
  }
  const colon = pattern.lastIndexOf(":");
  // A bare IPv6 literal contains colons but no port: it is matched as a whole.
  const hasPort =
    colon > 0 && /^(\d+|\*)$/.test(pattern.slice(colon + 1)) && !pattern.includes("::");
  const serverPattern = hasPort ? pattern.slice(0, colon) : pattern;
  const portPattern = hasPort ? pattern.slice(colon + 1) : "*";
  return (
    matchesPattern(serverPattern, server) && (portPattern === "*" || portPattern === String(port))
  );
}

/** The PROXY header with which a connection to a target begins. */
type Announced = Pick<Target, "proxy">;

/** The header with which the ADC begins a client's connection to this service. */
export function announcedToService(estate: Estate, { netProfile }: AdcService): Announced {
  return announcedBy(estate, netProfile);
}

/** The header with which the ADC's own monitor begins. */
export function announcedByMonitor(
  estate: Estate,
  service: AdcService,
  monitor: Monitor,
): Announced {
  return ANNOUNCED_TYPES.has(monitor.type.toUpperCase())
    ? announcedBy(estate, monitor.netProfile ?? service.netProfile)
    : {};
}

/** The note about the PROXY header on a monitor's probe; null if there is none. */
export function announcementNote(
  estate: Estate,
  service: AdcService,
  monitor: Monitor,
): string | null {
  const { proxy } = announcedByMonitor(estate, service, monitor);
  if (proxy !== undefined) {
    const profile = monitor.netProfile ?? service.netProfile ?? "";
    const note = `begins with a PROXY header ${proxy} (netProfile ${profile})`;
    return estate.netProfiles.get(profile)?.proxyAfterTls === true && monitor.secure
      ? `${note}; the ADC sends it after the TLS handshake, this probe before it`
      : note;
  }
  return announcedToService(estate, service).proxy === undefined
    ? null
    : `clients' connections begin with a PROXY header, a monitor of type ${monitor.type} does not`;
}

function announcedBy({ netProfiles }: Estate, name: string | null): Announced {
  const profile = netProfiles.get(name ?? "");
  return profile?.proxyProtocol === true ? { proxy: profile.proxyVersion } : {};
}

/** What the configuration and the estate say about an endpoint to which a secret is sent. */
export interface LoginEndpoint {
  /** The most specific first: settings missing in one are taken from the next. */
  readonly trusts: readonly ServerTrust[];
  /** Names that the certificate may contain; anything that is no host name is ignored, addresses too. */
  readonly names: readonly (string | null | undefined)[];
}

/** The settings for a member: from `members`, then from the vservers in front, of which only the CA applies here. */
export function memberLoginEndpoint(
  settings: PlanSettings,
  member: Member,
  vservers: readonly string[],
): LoginEndpoint {
  const entries = settings.members.filter(({ match }) => selectsMember(match, member));
  const inFront = vservers.flatMap((name) => settings.vservers.get(name) ?? []);
  return {
    // A vserver's fingerprints, names and `verify` concern the certificate at its own address.
    trusts: [...entries, ...inFront.map(({ ca = null }) => ({ ca }))],
    names: [
      ...entries.map(({ host }) => host),
      ...inFront.flatMap(clientNames),
      member.server,
      member.domain,
    ],
  };
}

/** The settings for a vserver, and for the one in front to whose address the probe connects. */
export function vserverLoginEndpoint(
  settings: PlanSettings,
  vserver: string,
  entry: string,
  names: LoginEndpoint["names"],
): LoginEndpoint {
  const own = [...new Set([vserver, entry])].flatMap((name) => settings.vservers.get(name) ?? []);
  return { trusts: own, names: [...names, ...own.flatMap(clientNames)] };
}

function clientNames({ host, names }: VserverConfig): readonly (string | null)[] {
  return [host, ...names];
}

/** TLS settings for a connection that a secret is sent over: the given ones, plus proof of the server's identity. */
export function loginTls(tls: TlsSettings, { trusts, names }: LoginEndpoint): TlsSettings {
  const serverName = firstSet(trusts, (trust) => trust.serverName);
  const hostNames = names.filter((name) => typeof name === "string").filter(isHostName);
  return {
    ...tls,
    serverName: serverName !== null && isIP(serverName) === 0 ? serverName : tls.serverName,
    expectedNames: serverName === null ? [...new Set(hostNames)] : [serverName],
    ca: firstSet(trusts, (trust) => trust.ca),
    proof: proofFrom(trusts),
  };
}

/** Like {@link loginTls}, for a monitor's replica: its SNI stays the same as the ADC's. */
export function monitorLoginTls(
  tls: TlsSettings,
  verify: boolean | undefined,
  { trusts, names }: LoginEndpoint,
): TlsSettings {
  const own: readonly ServerTrust[] = verify === false ? [{ verify }] : [];
  const endpoint = { trusts: [...own, ...trusts], names: [...names, tls.serverName] };
  return { ...loginTls(tls, endpoint), serverName: tls.serverName };
}

function proofFrom(trusts: readonly ServerTrust[]): ServerProof {
  for (const { fingerprints = [], verify } of trusts) {
    if (fingerprints.length > 0) {
      return { kind: "pinned", sha256: fingerprints };
    }
    if (verify !== undefined) {
      return { kind: verify ? "certificate" : "unverified" };
    }
  }
  return { kind: "certificate" };
}

function firstSet<T>(
  trusts: readonly ServerTrust[],
  read: (trust: ServerTrust) => T | null | undefined,
): T | null {
  return trusts.map(read).find((value) => value !== null && value !== undefined) ?? null;
}

/**
 * Letters, digits, hyphens and inner dots only; OpenSSL would treat a name with a leading dot as matching all
 * subdomains.
 */
function isHostName(name: string): boolean {
  return isIP(name) === 0 && /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/i.test(name);
}

/** What a server must prove before this secret is sent, as text for `plan`. */
export function proofText(tls: TlsSettings): string {
  const proof = proofOf(tls);
  switch (proof.kind) {
    case "unverified":
      return "the password is sent to an unverified server (verify: false)";
    case "pinned":
      return `the password is sent only to a pinned certificate (${proof.sha256.map((pin) => `${pin.slice(0, 16)}…`).join(", ")})`;
    case "certificate": {
      const issuer = tls.ca === null ? "the system's trust store" : "ca_file";
      return tls.expectedNames.length === 0
        ? "the password is never sent, because the expected certificate name is unknown; set server_name or fingerprint_sha256"
        : `the password is sent only to a certificate of ${issuer} with ${tls.expectedNames.join(" or ")}; otherwise set ca_file, server_name or fingerprint_sha256`;
    }
  }
}

/** Joins two notes. */
export function joinNotes(first: string | null, second: string | null): string | null {
  const notes = [first, second].filter((note) => note !== null);
  return notes.length === 0 ? null : notes.join("; ");
}
