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
 * The live state for exporters and web: a view that the agent keeps current. Types only. Do not keep references, because
 * arrays and objects are replaced at each import.
 */
export interface LiveState {
  readonly agent: string;
  readonly startedAt: number;
  readonly cutOff: boolean;
  /** Health of the state directory; absent or null if there is none. */
  readonly storage?: StorageHealth | null;
  readonly adcs: readonly LiveAdc[];
  readonly members: readonly LiveMember[];
  readonly vservers: readonly LiveVserver[];
  readonly probes: readonly LiveProbe[];
  readonly servers: readonly LiveServer[];
  /** Faults behind all front ends, each reported once for the estate. */
  readonly findings?: readonly LiveFinding[];
  /** If this and the lists are unchanged, no opinion or verdict has changed. Absent: compare each. */
  readonly revision?: number;
  readonly suspendedAccounts: readonly { readonly account: string; readonly until: number }[];
  /** Stalls of the event loop of a second or more that no response to a probe caused, in seconds since the start. */
  readonly unexplainedStallSeconds?: number;
  /** The endpoints to which the configuration sends passwords without verification; absent: none. */
  readonly unverifiedLogins?: readonly string[];
}

/** A finding about more than one member or vserver, or about several states in a row. */
export type LiveFinding = MailboxSideFinding | FlappingFinding;

/** The ADC changes a member between UP and DOWN, and no probe result explains it. */
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
  /** Last responses of the ADC's monitors while the member was DOWN, newest first. */
  readonly lastResponses: readonly string[];
}

export interface LiveAdc {
  readonly name: string;
  /** Whether the last poll succeeded; null without NITRO. */
  readonly up: boolean | null;
  readonly lastPollAt: number | null;
  readonly lastError: string | null;
  /** Whether `lastError` means that nothing answered. */
  readonly silent?: boolean;
  readonly nodes: readonly {
    readonly node: string;
    readonly primary: boolean;
    readonly reachable: boolean;
  }[];
  /** Number of different unknown texts in NITRO answers so far, by kind; bounded. */
  readonly unknownTexts?: ReadonlyMap<string, number>;
  /** Both nodes of the pair report that they are the primary. */
  readonly splitBrain?: boolean;
  /** Resources that the ADC does not return, and what is not watched as a result. */
  readonly gaps?: readonly NitroGap[];
  /** The last import failed; null: it succeeded. Absent: not tried yet. */
  readonly importFailure?: ImportFailure | null;
}

/** Empty if the last import succeeded, or none was tried. */
export function importFailureSentences({
  name,
  importFailure = null,
}: Pick<LiveAdc, "name" | "importFailure">): readonly string[] {
  return importFailure === null
    ? []
    : [
        `${name}: imports of its configuration have failed since ${new Date(importFailure.since).toISOString()} ` +
          `(${importFailure.message}). The last imported configuration is still in use`,
      ];
}

/** Failed imports in a row; the last imported estate stays in force. */
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
  /** What is disabled on the ADC; null or absent: not known. */
  readonly disabled?: readonly DisabledObject[] | null;
  /** When the ADC last changed this member's state, as it reports; milliseconds since the epoch. */
  readonly adcStateChangedAt: number | null;
  readonly replica: ReplicaOpinion;
  readonly service: ServiceOpinion;
  readonly verdict: MemberVerdict;
  /** Of the probe that decided. */
  readonly step: Step | null;
  readonly reason: Reason | null;
  readonly decidedBy: string | null;
  /** Why it is excluded from verdicts, as the configuration says; null or absent: it is not. */
  readonly unjudged?: string | null;
  /** The depth of each opinion; absent: not known. */
  readonly depth?: MemberDepths;
  /** When the verdict was reached, milliseconds since the epoch. */
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
  /** How often each opinion changed between up and down (ADC: any state change) since the start; absent: not counted. */
  readonly stateChanges?: {
    readonly adc: number;
    readonly replica: number;
    readonly service: number;
  };
  /** Set while the ADC changes it between UP and DOWN but replica and service stay up. */
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
    /** Known not to work; the state of the others is unknown. */
    readonly reallyDown: number;
    readonly maintenance: number;
  };
  /** Answers through the VIP counted by the estate's server name, or `unrecognised`. */
  readonly servedBy: ReadonlyMap<string, number>;
  /** Servers out of service or in maintenance that answer through the VIP; absent: none. */
  readonly drainedServers?: ReadonlySet<string>;
  /** Paths that content-switching policies send here but that a server of another group answered last. */
  readonly misrouted?: readonly Misrouted[];
  /** Where its clients' TLS ends, as derived from the estate. */
  readonly tlsEnds?: TlsEnd;
  readonly certificateDiffers: boolean | null;
  /** Members whose login schemes differ from all others of their group; null: nothing to compare. */
  readonly oddSchemes?: readonly OddSchemes[] | null;
  /** Whether servers behind it see the client's address, as SMTP servers report; null if none reports it. */
  readonly clientAddressKept?: boolean | null;
  /** The ADC setting that rejects this agent, if that explains all failures; null: none does. */
  readonly refusesAgent?: string | null;
  /** Monitors that fail through the vserver although it works, because their request means something else at a VIP. */
  readonly failingReplicas?: readonly {
    readonly monitor: string;
    readonly reason: Reason | null;
  }[];
  /** Persistence by client address; null: none. */
  readonly persistence?: LivePersistence | null;
  /** Client-facing names from the configuration, with their DNS answers. */
  readonly publicNames?: readonly LivePublicName[];
  /** Only for GSLB vservers, whose `vip` is the state of the ADC's DNS. */
  readonly gslb?: LiveGslb | null;
  readonly probes: readonly LiveProbe[];
}

/** The names of a GSLB vserver, and the sites they lead to. */
export interface LiveGslb {
  readonly domains: readonly string[];
  readonly method: string;
  readonly sites: readonly LiveGslbSite[];
  /** Each query to the ADC's DNS, with its last valid answer. */
  readonly answers: readonly {
    readonly domain: string;
    readonly address: string;
    readonly port: number;
    readonly transport: "udp" | "tcp";
    /** Null: no answer yet, or it has expired. */
    readonly answered: readonly string[] | null;
    readonly failure: Reason | null;
  }[];
  /** Queries that are not sent, and why: unsupported record types, too many names. */
  readonly unasked: readonly { readonly why: string; readonly questions: number }[];
}

/** One VIP of a GSLB vserver. */
export interface LiveGslbSite {
  /** Of the backup vserver. */
  readonly backup?: boolean;
  readonly site: string | null;
  readonly adcService: string;
  /** A member of a GSLB service group; otherwise a separate GSLB service. */
  readonly grouped: boolean;
  readonly server: string;
  readonly port: Port;
  /** Its addresses in DNS answers: its own, a public one, those of DNS views. */
  readonly addresses: readonly string[];
  /** Results of looks at its public address and those of DNS views; absent: none is probed. */
  readonly addressStates?: readonly AddressState[];
  readonly adcOpinion: AdcOpinion;
  /** The metric exchange with the site; null: none, or unknown. */
  readonly mep: "up" | "down" | null;
  readonly handedOut: boolean | null;
  readonly serves: "up" | "down" | "unknown";
  readonly knownBy: SiteSource;
  /** Why it does not serve; null if it does, or if the reason is unknown. */
  readonly reason: Reason | null;
  /** The vserver with this VIP on an ADC in this configuration. */
  readonly behind: { readonly adc: string; readonly vserver: string } | null;
}

/**
 * The source that shows whether a site serves: the vserver with its VIP, on an ADC in this configuration; probes; the metric
 * exchange (`mep`); or nothing.
 */
export const SITE_SOURCES = ["vserver", "probes", "mep", "nothing"] as const;
export type SiteSource = (typeof SITE_SOURCES)[number];

export interface AddressState {
  readonly address: string;
  /** Also unknown if there was never an answer, because a firewall on this side may block it. */
  readonly state: "up" | "down" | "unknown";
  readonly reason: Reason | null;
}

export interface LivePersistence {
  readonly type: string;
  /** Probes through the VIP: as scheduled, only from addresses that do not stick to a leaving member, or paused. */
  readonly probes: "running" | "avoiding" | "paused";
  /** The servers to which this agent's addresses stick, as far as known; null: a server that is not in the estate. */
  readonly sticksTo: readonly { readonly source: string; readonly server: string | null }[];
  /** False: with one source address, probes always reach the same server. */
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
  /** Number of addresses beyond the limit of probed ones. */
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

/** A probe and its last results. */
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
  /** Its target in the estate or in DNS; distinguishes the sites of one vserver. */
  readonly address: string | null;
  readonly intervalMs: number;
  /** Absent: not known. */
  readonly depth?: Depth;
  /** The account it logs in with, as in `suspendedAccounts`; null: none. */
  readonly account: string | null;
  /** How long processing its responses has stalled the event loop, in seconds since the start; absent: never. */
  readonly stalledSeconds?: number;
  /** Why its last login was held back; null: it was not. */
  readonly heldBack: { readonly why: string; readonly message: string | null } | null;
  /** False: never run (disabled on the ADC, or not supported). */
  readonly scheduled: boolean;
  /** Why it is never run; null: it is run. */
  readonly notRepeated: string | null;
  /** From where the ADC sends this monitor, with the known addresses; absent for transactions. */
  readonly adcSource?: { readonly source: string; readonly addresses: readonly string[] };
  readonly opinion: "up" | "down" | "unknown";
  /** The last result has expired; absent: no. */
  readonly outdated?: boolean;
  readonly last: Observation | null;
  readonly lastSuccess: Observation | null;
  readonly lastFailure: Observation | null;
  /** After `reverse` and the rules of the monitor type; null: says nothing about the service. */
  readonly lastPassed: boolean | null;
}

/** A member whose login schemes differ from those of all others of its group, which agree. */
export interface OddSchemes {
  readonly server: string;
  readonly port: Port;
  readonly path: string;
  readonly offers: string;
  readonly others: string;
}

/** An answer through a content-switching policy from a server that is not behind its target. */
export interface Misrouted {
  /** The requested path; null if the probe has none. */
  readonly path: string | null;
  readonly server: string;
}

/**
 * Where a client's TLS ends: at the servers (`pass_through`), at the ADC with clear text to the servers (`offload`), or at the
 * ADC with TLS to the servers (`re_encrypt`). `none`: no TLS, or no servers.
 */
export const TLS_ENDS = ["pass_through", "offload", "re_encrypt", "none"] as const;
export type TlsEnd = (typeof TLS_ENDS)[number];

/** The addresses of a client-facing name, compared with the VIP. */
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

/** The protocol for display: by the port, else by the probes, else the port number. */
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

/** The protocol with its port, for example `IMAP (143)`. */
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
