import type { BlindReason, MonitorState, PersistenceEntries } from "../model/adc-state.ts";
import type { AdcService, Port } from "../model/adc-service.ts";
import type { LiveMember, LiveProbe, LiveVserver, TlsEnd } from "../model/live.ts";
import type { Depth, Observation, Sight } from "../model/observation.ts";
import type { AdcOpinion } from "../model/verdicts.ts";
import type { Vserver } from "../model/vserver.ts";
import type { DetectionState } from "./detection.ts";
import type { GraceLengths } from "./grace.ts";
import type { MemberMemory, VserverMemory } from "./judgement.ts";
import type { TransactionRank } from "./service-opinion.ts";
import type { VipRefusal } from "./vip-refusal.ts";

/**
 * What judgements are made of: a read-only view of the agent's records. All instants are wall clock, in milliseconds since
 * the epoch, unless said otherwise.
 */

/** One probe and what it has seen. */
export interface ProbeFacts extends Pick<
  LiveProbe,
  | "id"
  | "adc"
  | "kind"
  | "vserver"
  | "server"
  | "monitor"
  | "transaction"
  | "vantage"
  | "opinion"
  | "last"
  | "lastSuccess"
  | "lastFailure"
  | "lastPassed"
  | "scheduled"
  | "notRepeated"
  | "account"
  | "heldBack"
> {
  readonly sight: Sight;
  readonly depth: Depth;
  /** How much its result weighs for the service opinion; `detection`: nothing. */
  readonly rank: TransactionRank;
  /** Where it connects to. */
  readonly targetPort: Port | null;
  /** The page that it requests; null if it requests none. */
  readonly path: string | null;
  /** The vserver that it connects to; empty at the backend. */
  readonly entry: string;
  /** A note of the plan on how it differs from what the ADC does. */
  readonly note: string | null;
  /** Where the vserver is configured to redirect this look to; null where to nothing. */
  readonly redirectUrl: string | null;
  /** By what this agent alone may be refused, by the ADC or a server that serves the ADC; null: by nothing. */
  readonly refusal: VipRefusal | null;
  /** The operator has excluded this monitor from verdicts. */
  readonly excluded: boolean;
  /** Of a monitor: it is enabled on the ADC. True for transactions. */
  readonly enabled: boolean;
  /** Of a monitor: the pause between probes while it is DOWN. 0 for transactions. */
  readonly downTimeMs: number;
  /** The last observation, the result of it, while they have not expired; null otherwise. */
  readonly current: Observation | null;
  readonly currentPassed: boolean | null;
  /** There was a result, and it has expired. */
  readonly outdated: boolean;
  /** It got further than silence once: before that, our own firewall may drop it. */
  readonly everAnswered: boolean;
  /** When the last run began that had a result, the last that passed, the last that passed after failures. */
  readonly resultStartedAt: number | null;
  readonly passedAt: number | null;
  readonly recoveredAt: number | null;
  /** When the first of the present failures in a row began; null where the last result passed. */
  readonly failingSince: number | null;
  readonly failuresInARow: number;
  /** When the first of its opinion and observation expires without new data, by the monotonic clock; Infinity: neither. */
  staleAfter(then?: number): number;
}

/** When the first of these probes' results expires. */
export function firstStaleAfter(
  probes: readonly Pick<ProbeFacts, "staleAfter">[],
  then?: number,
): number {
  let first = Infinity;
  for (const probe of probes) {
    first = Math.min(first, probe.staleAfter(then));
  }
  return first;
}

/** One member: the ADC's state of it, the results of our probes, and the state left by earlier judgements. */
export interface MemberFacts extends Pick<
  LiveMember,
  "adcService" | "server" | "address" | "port" | "vservers" | "maintenance" | "verdict" | "reason"
> {
  readonly adcServiceConfig: AdcService;
  readonly member: { readonly weight: number };
  readonly probes: readonly ProbeFacts[];
  readonly grace: GraceLengths;
  readonly adcOpinion: AdcOpinion;
  readonly adcRawState: string | null;
  readonly adcStateChangedAt: number | null;
  /** When the ADC was polled for its state of this member; null while it reports none. */
  readonly adcPolledAt: number | null;
  readonly adcMonitors: readonly MonitorState[];
  readonly blind: readonly BlindReason[];
  /** The server itself declared maintenance, by a TROFS answer that the ADC reports. */
  readonly adcSawTrofs: boolean;
  /** Since when the ADC has had it out of service, or on the way there; null: it has not. */
  readonly outSince: number | null;
  /** When the ADC reported that, if the member was in service until then. */
  readonly outReportedAt: number | null;
  /** When this agent first knew of it. */
  readonly knownSince: number;
  /** Answers of the ADC's monitors while it had the member DOWN, newest first. */
  readonly lastDownResponses: readonly string[];
  /** Why the operator wants no verdict; null: there is one. */
  readonly unjudged: string | null;
  /** Of a GSLB site: the members behind its VIP, where a watched ADC has it. */
  readonly behind: readonly Pick<MemberFacts, "maintenance">[];
  readonly detection: DetectionState;
  readonly memory: MemberMemory;
  /** As judged last. */
  readonly good: boolean;
  readonly bad: boolean;
  readonly mismatch: boolean;
}

/** One vserver, with its members as judged last. */
export interface VserverFacts extends Pick<LiveVserver, "adc" | "vserver" | "kind"> {
  readonly config: Vserver;
  readonly memberRecords: readonly MemberFacts[];
  readonly probes: readonly ProbeFacts[];
  readonly gslb: GslbFacts | null;
  /** Where its clients' TLS ends. */
  readonly tlsEnds: TlsEnd;
  /** The operator says that it and its members show one certificate, though it re-encrypts. */
  readonly sameCertificate: boolean;
  /** Serials of the server certificates bound here; empty where not known. */
  readonly boundSerials: readonly string[];
  /** Names its certificate may carry, from the configuration. */
  readonly expectedNames: readonly string[];
  readonly adcOpinion: AdcOpinion;
  readonly backupActive: boolean;
  /** Milliseconds since the ADC last changed this vserver's state, as of the last poll; null if unknown. */
  readonly adcStateAgeMs: number | null;
  readonly adcPolledAt: number | null;
  /** Our own entries in its persistence table; null if the ADC was not queried, or did not answer. */
  readonly ownEntries: PersistenceEntries | null;
  /** Our own addresses for which it has ever shown an entry: no address translation hides them. */
  readonly shownSources: ReadonlySet<string>;
  /** Servers that were out of service or in maintenance answered here, on two fresh connections. */
  readonly drainedConfirmed: boolean;
  readonly unjudged: string | null;
  readonly memory: VserverMemory;
}

/** What is known about a GSLB vserver besides the properties of all vservers. */
export interface GslbFacts {
  readonly siteRecords: readonly SiteFacts[];
  /** The queries to the ADC's DNS. */
  readonly questions: readonly ProbeFacts[];
  /** Whether clients are sent there; null: not known. */
  handedOut(site: SiteFacts): boolean | null;
  mepOf(site: string | null): "up" | "down" | null;
}

/** One VIP of a GSLB vserver. */
export interface SiteFacts {
  readonly member: MemberFacts;
  readonly site: string | null;
  /** What DNS answers for it, in canonical spelling. */
  readonly addresses: readonly string[];
  /** Looks at its public address and those of views, by address. */
  readonly publicly: ReadonlyMap<string, readonly ProbeFacts[]>;
  /** Of the vserver that takes its place, or of that one's. */
  readonly backup: boolean;
  /** The vserver at this VIP, where a watched ADC has one. */
  readonly behind: SiteVserver | null;
}

/** The vserver at a site's VIP, as far as it speaks for the site. */
export interface SiteVserver extends Pick<
  LiveVserver,
  "adc" | "vserver" | "vip" | "verdict" | "reason" | "members"
> {
  readonly memberRecords: readonly MemberFacts[];
}
