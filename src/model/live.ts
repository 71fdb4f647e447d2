import type { Depth, MemberDepths, Observation, Vantage } from "./observation.ts";
import type { BlindReason, DisabledObject, NitroGap } from "./adc-state.ts";
import type { Port } from "./adc-service.ts";
import type { VserverKind } from "./vserver.ts";
import type { StorageHealth } from "../lib/durable-file.ts";
import type { Reason, Step } from "./reasons.ts";
import type { TransactionName } from "./transactions.ts";
import type {
  AdcOpinion,
  MemberVerdict,
  ReplicaOpinion,
  ServiceOpinion,
  VserverVerdict,
} from "./verdicts.ts";

/**
 * The live state as exporters and web read it: a view that the agent keeps current. Types only. Iterate, never keep:
 * the arrays and objects are replaced when the estate is imported again.
 */
export interface LiveState {
  readonly agent: string;
  readonly startedAt: number;
  readonly cutOff: boolean;
  /** What is known of the state directory; absent or null where none is kept. */
  readonly storage?: StorageHealth | null;
  readonly adcs: readonly LiveAdc[];
  readonly members: readonly LiveMember[];
  readonly vservers: readonly LiveVserver[];
  readonly probes: readonly LiveProbe[];
  readonly servers: readonly LiveServer[];
  /** Faults behind all front ends, each reported once for the estate. */
  readonly findings?: readonly LiveFinding[];
  /** As long as this and the lists stay the same, no opinion or verdict has changed; without it each must be looked at. */
  readonly revision?: number;
  readonly suspendedAccounts: readonly { readonly account: string; readonly until: number }[];
  /** Stalls of our event loop of a second or more that no probe's answer explains, in seconds since the start. */
  readonly unexplainedStallSeconds?: number;
  /** Where the configuration sends passwords to unverified servers; absent: nowhere. */
  readonly unverifiedLogins?: readonly string[];
}

/** What no single row shows. */
export type LiveFinding = MailboxSideFinding | FlappingFinding;

/** The ADC takes a member DOWN and UP again, and nothing that we see of the member explains it. */
interface FlappingFinding {
  readonly kind: "adc_flapping";
  readonly adc: string;
  readonly adcService: string;
  readonly server: string;
  readonly port: Port;
  readonly flapping: LiveFlapping;
  readonly message: string;
}

interface MailboxSideFinding {
  readonly kind: "mailbox_side";
  readonly adc: string;
  readonly account: string;
  readonly transactions: readonly string[];
  readonly reason: Reason | null;
  /** Mailbox servers that the front ends name in the failing answers. */
  readonly backendServers?: readonly string[];
  readonly message: string;
}

export interface LiveFlapping {
  /** Within the last hour. */
  readonly flaps: number;
  /** What the ADC's monitors answered while it had the member DOWN, newest first. */
  readonly lastResponses: readonly string[];
}

export interface LiveAdc {
  readonly name: string;
  /** 1 when the last poll succeeded, 0 when it failed, null when there is no NITRO to ask. */
  readonly up: boolean | null;
  readonly lastPollAt: number | null;
  readonly lastError: string | null;
  /** True when `lastError` is silence: neither a refusal nor an answer of another kind. */
  readonly silent?: boolean;
  readonly nodes: readonly {
    readonly node: string;
    readonly primary: boolean;
    readonly reachable: boolean;
  }[];
  /** How many different texts of the ADC were not understood so far, by kind; bounded. */
  readonly unknownTexts?: ReadonlyMap<string, number>;
  /** Both nodes of the pair say that they are the primary. */
  readonly splitBrain?: boolean;
  /** What the ADC does not report, and what is not watched because of it. */
  readonly gaps?: readonly NitroGap[];
  /** Its configuration could not be imported when last tried; null: it could. Absent: not tried yet. */
  readonly importFailure?: ImportFailure | null;
}

/** None where the last import succeeded, or none was tried. */
export function importFailureSentences({
  name,
  importFailure = null,
}: Pick<LiveAdc, "name" | "importFailure">): readonly string[] {
  return importFailure === null
    ? []
    : [
        `${name}: its configuration cannot be imported since ${new Date(importFailure.since).toISOString()} ` +
          `(${importFailure.message}). What was imported before is still watched`,
      ];
}

/** One that was imported before stays in force. */
export interface ImportFailure {
  /** Of the first in a row. */
  readonly since: number;
  readonly message: string;
}

export interface LiveMember {
  readonly adc: string;
  readonly adcService: string;
  readonly server: string;
  readonly address: string | null;
  readonly port: Port;
  /** Vservers it serves, directly or through content switching; the first is the one tables show. */
  readonly vservers: readonly string[];
  readonly adcOpinion: AdcOpinion;
  readonly adcRawState: string | null;
  readonly adcLastResponse: string | null;
  /** What is disabled of it on the ADC; null or absent: not known. */
  readonly disabled?: readonly DisabledObject[] | null;
  /** When the ADC last changed its mind about this member, by its own account; milliseconds since the epoch. */
  readonly adcStateChangedAt: number | null;
  readonly replica: ReplicaOpinion;
  readonly service: ServiceOpinion;
  readonly verdict: MemberVerdict;
  /** Of the probe that decided. */
  readonly step: Step | null;
  readonly reason: Reason | null;
  readonly decidedBy: string | null;
  /** Why the operator wants no verdict of it, in his words; null or absent: there is one. */
  readonly unjudged?: string | null;
  /** How deep the opinions see; absent: not known. */
  readonly depth?: MemberDepths;
  /** Since when the verdict holds, milliseconds since the epoch. */
  readonly since: number | null;
  readonly mismatch: boolean;
  /** Seconds in mismatch so far, growing while it lasts. */
  readonly mismatchSeconds: number;
  readonly maintenance: {
    readonly declared: "no" | "open" | "over";
    readonly adc: boolean;
    readonly detected: boolean;
  };
  readonly readyToReturn: boolean;
  /** Since when it has been away: out of service on the ADC, or DOWN there and not working; null or absent: it is not. */
  readonly awaySince?: number | null;
  /** How often each opinion turned between up and down (the ADC's: any change of state) since the start; absent: not counted. */
  readonly stateChanges?: {
    readonly adc: number;
    readonly replica: number;
    readonly service: number;
  };
  /** The ADC takes it DOWN and UP while all we see of it stays up; null or absent: it does not. */
  readonly flapping?: LiveFlapping | null;
  readonly connections: number | null;
  readonly blind: readonly BlindReason[];
  /** The ADC's monitors of this member, as NITRO reports them. */
  readonly adcMonitors: readonly {
    readonly monitor: string;
    readonly state: AdcOpinion;
    readonly lastResponse: string | null;
  }[];
  readonly probes: readonly LiveProbe[];
}

export interface LiveVserver {
  readonly adc: string;
  readonly vserver: string;
  readonly kind: VserverKind;
  readonly serviceType: string;
  readonly address: string | null;
  readonly port: Port | null;
  readonly adcOpinion: AdcOpinion;
  readonly adcRawState: string | null;
  readonly healthPercent: number | null;
  /** As a member's. */
  readonly unjudged?: string | null;
  readonly vip: "up" | "down" | "protected" | "none" | "unknown";
  readonly verdict: VserverVerdict;
  readonly reason: Reason | null;
  readonly since: number | null;
  readonly mismatch: boolean;
  readonly mismatchSeconds: number;
  readonly members: {
    readonly configured: number;
    readonly adcUp: number;
    readonly reallyUp: number;
    /** Known not to work; of the rest nothing is known. */
    readonly reallyDown: number;
    readonly maintenance: number;
  };
  /** Answers through the VIP counted by the estate's server name, or `unrecognised`. */
  readonly servedBy: ReadonlyMap<string, number>;
  /** Servers out of service or in maintenance that have answered through the VIP, while they are; absent: none. */
  readonly drainedServers?: ReadonlySet<string>;
  /** Paths of content-switching policies that lead here, and that another group's server answered last. */
  readonly misrouted?: readonly Misrouted[];
  /** Where its clients' TLS ends, as derived from the estate. */
  readonly tlsEnds?: TlsEnd;
  readonly certificateDiffers: boolean | null;
  /** Members that offer other login schemes than all others of their group; null where nothing can be compared. */
  readonly oddSchemes?: readonly OddSchemes[] | null;
  /** Whether servers behind it see the client's address, as SMTP servers report; null if none does. */
  readonly clientAddressKept?: boolean | null;
  /** By what the ADC is configured to refuse this agent here, where that is all that the failures show; null: it is not. */
  readonly refusesAgent?: string | null;
  /** Monitors that fail through the vserver although it works: what they ask for means something else at a VIP. */
  readonly failingReplicas?: readonly {
    readonly monitor: string;
    readonly reason: Reason | null;
  }[];
  /** Where clients stick to servers by their address; null where they do not. */
  readonly persistence?: LivePersistence | null;
  /** Names clients use, from the configuration, as DNS answers them. */
  readonly publicNames?: readonly LivePublicName[];
  /** Of a GSLB vserver; null or absent for all others. Its `vip` is how the ADC's DNS answers. */
  readonly gslb?: LiveGslb | null;
  readonly probes: readonly LiveProbe[];
}

/** The names of a GSLB vserver, and the sites they lead to. */
export interface LiveGslb {
  readonly domains: readonly string[];
  readonly method: string;
  readonly sites: readonly LiveGslbSite[];
  /** Each question that is asked of the ADC's DNS, and its last answer that counts. */
  readonly answers: readonly {
    readonly domain: string;
    readonly address: string;
    readonly port: number;
    readonly transport: "udp" | "tcp";
    /** Null: nothing yet, or nothing any more. */
    readonly answered: readonly string[] | null;
    readonly failure: Reason | null;
  }[];
  /** Questions that are not asked, and why: record types that are not looked up, too many names. */
  readonly unasked: readonly { readonly why: string; readonly questions: number }[];
}

/** One VIP that the names may lead to. */
export interface LiveGslbSite {
  /** Of the backup vserver. */
  readonly backup?: boolean;
  readonly site: string | null;
  readonly adcService: string;
  /** A member of a GSLB service group; otherwise a GSLB service of its own. */
  readonly grouped: boolean;
  readonly server: string;
  readonly port: Port;
  /** What DNS answers for it: its own address, a public one, those of views. */
  readonly addresses: readonly string[];
  /** How looks at its public address and those of views fare; absent: it has none, or none is looked at. */
  readonly addressStates?: readonly AddressState[];
  readonly adcOpinion: AdcOpinion;
  /** The metric exchange with the site; null where there is none, or it is unknown. */
  readonly mep: "up" | "down" | null;
  readonly handedOut: boolean | null;
  readonly serves: "up" | "down" | "unknown";
  readonly knownBy: SiteSource;
  /** Why it does not serve; null where it does, or nobody knows. */
  readonly reason: Reason | null;
  /** The vserver that has this VIP, where an ADC of this configuration does. */
  readonly behind: { readonly adc: string; readonly vserver: string } | null;
}

/**
 * What shows whether a site serves: the vserver that has its VIP, of an ADC of this configuration; probes; else nothing but
 * GSLB's own word, as the metric exchange brings it (`mep`) or not.
 */
export const SITE_SOURCES = ["vserver", "probes", "mep", "nothing"] as const;
export type SiteSource = (typeof SITE_SOURCES)[number];

export interface AddressState {
  readonly address: string;
  /** Unknown too where no answer ever came: a firewall on our side may stand between. */
  readonly state: "up" | "down" | "unknown";
  readonly reason: Reason | null;
}

export interface LivePersistence {
  readonly type: string;
  /** Probes through the VIP: as ever, only from addresses that do not stick to a leaving member, or not for now. */
  readonly probes: "running" | "avoiding" | "paused";
  /** The servers that the ADC gives our own addresses to, as far as known; null for a server not known here. */
  readonly sticksTo: readonly { readonly source: string; readonly server: string | null }[];
  /** False: from one address only one server is ever seen. */
  readonly observable: boolean;
}

export interface LivePublicName {
  readonly name: string;
  /**
   * Whether DNS answers with the VIP, with other addresses (one before an address translation, other sites), or not at all;
   * `mapped` and `refused` where `connect_to` decides, `pending` until the first answer.
   */
  readonly dns: NameComparison;
  readonly addresses: readonly { readonly address: string; readonly vip: boolean }[];
  /** Addresses beyond the most that are probed. */
  readonly unprobed: number;
  readonly message: string | null;
}

export interface LiveServer {
  readonly adc: string;
  readonly server: string;
  readonly maintenance: {
    readonly declared: boolean;
    readonly adc: boolean;
    readonly detected: boolean;
  };
  /** End of the declared window; null when none is open, Infinity for `never`. */
  readonly maintenanceEnd: number | null;
}

/** One scheduled probe and what it last saw. */
export interface LiveProbe {
  readonly id: string;
  readonly adc: string;
  readonly kind: "monitor" | "transaction";
  /** Empty at the backend. */
  readonly vserver: string;
  /** The member; empty strings at a VIP probe that belongs to a vserver. */
  readonly adcService: string;
  readonly server: string;
  readonly port: Port | "";
  readonly monitor: string;
  readonly transaction: TransactionName | "";
  readonly type: string;
  readonly vantage: Vantage;
  /** Where it goes, as the estate or DNS names it; distinguishes the sites of one vserver. */
  readonly address: string | null;
  readonly intervalMs: number;
  /** How far it sees; absent: not known. */
  readonly depth?: Depth;
  /** Whose login it makes, as `suspendedAccounts` calls them; null: nobody's. */
  readonly account: string | null;
  /** How long handling its answers has stalled our event loop, in seconds since the start; absent: not at all. */
  readonly stalledSeconds?: number;
  /** Why its login was not begun when it was due last; null: nothing holds it back. */
  readonly heldBack: { readonly why: string; readonly message: string | null } | null;
  /** False: listed, and never run (switched off on the ADC, or not supported). */
  readonly scheduled: boolean;
  /** Why it is never run, in words; null: it is. */
  readonly notRepeated: string | null;
  /** Where the ADC itself sends this monitor from, and the addresses known for it; absent for transactions. */
  readonly adcSource?: { readonly source: string; readonly addresses: readonly string[] };
  readonly opinion: "up" | "down" | "unknown";
  /** Whether there was a result, and the last one is too old to count; absent: no. */
  readonly outdated?: boolean;
  readonly last: Observation | null;
  readonly lastSuccess: Observation | null;
  readonly lastFailure: Observation | null;
  /** After reverse and the type's rules; null when the probe says nothing. */
  readonly lastPassed: boolean | null;
}

/** A member that offers other login schemes than all others of its group, which agree. */
export interface OddSchemes {
  readonly server: string;
  readonly port: Port;
  readonly path: string;
  readonly offers: string;
  readonly others: string;
}

/** An answer through a content-switching policy by a server that is none of its target's. */
export interface Misrouted {
  /** What was asked for; null where the probe asks for no path. */
  readonly path: string | null;
  readonly server: string;
}

/**
 * Where a client's TLS ends: at the servers (`pass_through`), at the ADC with clear text behind it (`offload`), or at the ADC
 * with TLS of its own behind it (`re_encrypt`). `none`: clients speak no TLS there, or nobody stands behind it.
 */
export const TLS_ENDS = ["pass_through", "offload", "re_encrypt", "none"] as const;
export type TlsEnd = (typeof TLS_ENDS)[number];

/** How a client-facing name's addresses stand to the VIP. */
export const NAME_COMPARISONS = [
  "vip",
  "vip_and_others",
  "others",
  "dns_failure",
  "mapped",
  "refused",
  "pending",
] as const;
export type NameComparison = (typeof NAME_COMPARISONS)[number];

const BY_PORT: ReadonlyMap<number, string> = new Map([
  [25, "SMTP"],
  [465, "SMTP"],
  [587, "SMTP"],
  [2525, "SMTP"],
  [53, "DNS"],
  [80, "HTTP"],
  [443, "HTTPS"],
  [110, "POP3"],
  [995, "POP3"],
  [123, "NTP"],
  [135, "RPC"],
  [143, "IMAP"],
  [993, "IMAP"],
  [389, "LDAP"],
  [636, "LDAP"],
  [3268, "LDAP"],
  [3269, "LDAP"],
  [1812, "RADIUS"],
  [161, "SNMP"],
]);

const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^imap/, "IMAP"],
  [/^pop3/i, "POP3"],
  [/^smtp|^mail_/i, "SMTP"],
  [/^dns/i, "DNS"],
  [/^ntp/, "NTP"],
  [/^ldap/i, "LDAP"],
  [/^rpc/, "RPC"],
  [/^(https_|owa|eas|ews|autodiscover|mapi|oab|health_page)/, "HTTPS"],
  [/^HTTP/, "HTTP"],
  [/^SSL$/, "HTTPS"],
];

/** What people call that which is spoken there: by its port, else by what probes it, else the port itself. */
export function protocolOf(endpoint: LiveMember | LiveVserver): string {
  const known = typeof endpoint.port === "number" ? BY_PORT.get(endpoint.port) : undefined;
  if (known !== undefined) {
    return known;
  }
  const names = [...endpoint.probes].sort(transactionsFirst).flatMap(namesOf);
  const service = "serviceType" in endpoint ? [endpoint.serviceType] : [];
  for (const name of [...names, ...service]) {
    const found = BY_NAME.find(([pattern]) => pattern.test(name));
    if (found !== undefined) {
      return found[1];
    }
  }
  return endpoint.port === null ? "virtual" : `port ${String(endpoint.port)}`;
}

/** `IMAP (143)`: the protocol and the port, where the port is not the protocol's name already. */
export function protocolWithPort(endpoint: LiveMember | LiveVserver): string {
  const protocol = protocolOf(endpoint);
  return endpoint.port === null || protocol.startsWith("port ")
    ? protocol
    : `${protocol} (${String(endpoint.port)})`;
}

function namesOf(probe: LiveProbe): readonly string[] {
  return probe.kind === "transaction" ? [probe.transaction] : [probe.type];
}

function transactionsFirst(one: LiveProbe, other: LiveProbe): number {
  return Number(other.kind === "transaction") - Number(one.kind === "transaction");
}
