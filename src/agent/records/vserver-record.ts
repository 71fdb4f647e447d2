import type { LiveVserver, Misrouted, TlsEnd } from "../../model/live.ts";
import type { GslbRecord } from "./gslb-record.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";
import type { PersistenceEntries, VserverState } from "../../model/adc-state.ts";
import type { Port } from "../../model/adc-service.ts";
import type { Vserver, VserverKind } from "../../model/vserver.ts";
import { MISMATCH_VERDICTS, type AdcOpinion } from "../../model/verdicts.ts";
import type { VserverFacts } from "../../verdict/facts.ts";
import {
  movedBy,
  moveVserverMemory,
  vserverWithoutPause,
  type Judged,
  type VserverJudgement,
  type VserverMemory,
} from "../../verdict/judgement.ts";

/** How many fresh connections a drained member must answer before the verdict says so. */
const DRAINED_ANSWERS_NEEDED = 2;

/** Answers through the VIP of one server that is drained. */
interface DrainedAnswers {
  readonly answers: number;
  /** `out`: the ADC had it out of service; else it was in maintenance while the ADC still had it in service. */
  readonly because: "out" | "in_maintenance";
}

/** Counts answers through a VIP from a server that cannot be identified. */
export const UNRECOGNISED = "unrecognised";

/** Everything the agent knows of one vserver: what the ADC reports, its probes, and the last judgement. */
export class VserverRecord implements LiveVserver, VserverFacts {
  readonly adc: string;
  readonly vserver: string;
  readonly kind: LiveVserver["kind"];
  readonly serviceType: string;
  readonly address: string | null;
  readonly port: Port | null;
  readonly config: Vserver;
  /** Members that it sends clients to, also through content switching. */
  readonly memberRecords: readonly MemberRecord[];
  readonly probes: ProbeRecord[] = [];
  /** Names its certificate may carry, from the configuration. */
  readonly expectedNames: readonly string[];
  readonly publicNames: NonNullable<LiveVserver["publicNames"]>;
  /** Of a GSLB vserver: its sites, and what DNS answers; null for all others. */
  readonly gslb: GslbRecord | null;
  /** GSLB vservers, of any ADC, that hand its VIP out: they are judged by it. */
  names: readonly VserverRecord[] = [];
  /** Where its clients' TLS ends. */
  readonly tlsEnds: TlsEnd;
  /** The operator says that it and its members show one certificate, though it re-encrypts. */
  readonly sameCertificate: boolean;
  /** Serials of the server certificates bound here, for SNI too; empty unless NITRO returned them all. */
  readonly boundSerials: readonly string[];

  /** As a member's. */
  unjudged: string | null = null;

  adcOpinion: AdcOpinion = "unknown";
  adcRawState: string | null = null;
  healthPercent: number | null = null;
  backupActive = false;
  /** Milliseconds since the ADC last changed this vserver's state, as of the last poll; null if unknown. */
  adcStateAgeMs: number | null = null;
  /** As a member's. */
  adcPolledAt: number | null = null;
  /**
   * Our own entries in its persistence table, as of the last poll; null if the ADC was not queried, or did not answer.
   */
  ownEntries: PersistenceEntries | null = null;
  /** Our own addresses for which it has ever shown an entry: no address translation hides them. */
  readonly shownSources = new Set<string>();
  since: number | null = null;
  #judgement: VserverJudgement;
  readonly servedBy = new Map<string, number>();
  /** By probe: the last answer, if it came from a server of another group. */
  readonly misroutedBy = new Map<string, Misrouted>();
  /** What earlier judgements left. */
  memory: VserverMemory;
  /** As a member's. */
  validUntil = -Infinity;
  /** Recent answers by servers that were out or in maintenance, each over a fresh connection. */
  readonly #drained = new Map<string, DrainedAnswers>();
  /** Answers by others since the last one of these. */
  answersSinceDrained = 0;
  /** There are enough of these, and the ADC has been polled since: the member had not just returned. */
  drainedConfirmed = false;
  #mismatchMs = 0;
  #countedAt: number;

  constructor(
    adc: string,
    config: Vserver,
    memberRecords: readonly MemberRecord[],
    configured: {
      readonly certificate: {
        readonly names: readonly string[];
        readonly serials: readonly string[];
        readonly tlsEnds: TlsEnd;
        readonly same: boolean;
      };
      readonly publicNames: NonNullable<LiveVserver["publicNames"]>;
      readonly gslb?: GslbRecord;
      readonly kind?: VserverKind;
    },
    now: number,
  ) {
    this.adc = adc;
    this.vserver = config.name;
    this.gslb = configured.gslb ?? null;
    this.kind = this.gslb === null ? (configured.kind ?? config.kind) : "gslb";
    this.serviceType = config.serviceType;
    this.address = config.address;
    this.port = config.port;
    this.config = config;
    this.memberRecords = memberRecords;
    this.expectedNames = configured.certificate.names;
    this.boundSerials = configured.certificate.serials;
    this.tlsEnds = configured.certificate.tlsEnds;
    this.sameCertificate = configured.certificate.same;
    this.publicNames = configured.publicNames;
    this.#judgement = unjudgedVserver(memberRecords.length);
    this.memory = { agreedAt: now, agreed: false, postponedMs: 0 };
    this.#countedAt = now;
  }

  get vip(): VserverJudgement["vip"] {
    return this.#judgement.vip;
  }

  get verdict(): VserverJudgement["verdict"] {
    return this.#judgement.verdict;
  }

  get reason(): VserverJudgement["reason"] {
    return this.#judgement.reason;
  }

  get members(): VserverJudgement["members"] {
    return this.#judgement.members;
  }

  get certificateDiffers(): boolean | null {
    return this.#judgement.certificateDiffers;
  }

  get oddSchemes(): VserverJudgement["oddSchemes"] {
    return this.#judgement.oddSchemes;
  }

  get clientAddressKept(): boolean | null {
    return this.#judgement.clientAddressKept;
  }

  get refusesAgent(): string | null {
    return this.#judgement.refusesAgent;
  }

  get failingReplicas(): VserverJudgement["failingReplicas"] {
    return this.#judgement.failingReplicas;
  }

  get persistence(): VserverJudgement["persistence"] {
    return this.#judgement.persistence;
  }

  get mismatch(): boolean {
    return MISMATCH_VERDICTS.has(this.verdict);
  }

  get misrouted(): readonly Misrouted[] {
    return this.probes.flatMap(({ id, current }) =>
      current === null ? [] : (this.misroutedBy.get(id) ?? []),
    );
  }

  get mismatchSeconds(): number {
    return this.#mismatchMs / 1000;
  }

  /** Takes in the state that the ADC reports, and when it was polled; null: it reports none. */
  applyAdcState(
    state: VserverState | null,
    askedAt: number,
    ownEntries: PersistenceEntries | null = null,
  ): void {
    this.invalidate();
    this.adcPolledAt = state === null ? null : askedAt;
    this.adcOpinion = state?.state ?? "unknown";
    this.adcRawState = state?.rawState ?? null;
    this.healthPercent = state?.healthPercent ?? null;
    this.backupActive = state?.backupActive ?? false;
    this.adcStateAgeMs = state?.sinceMs ?? null;
    this.ownEntries = ownEntries;
    for (const { source } of ownEntries?.entries ?? []) {
      if (source !== null && ownEntries?.asked.includes(source)) {
        this.shownSources.add(source);
      }
    }
    this.drainedConfirmed = this.drainedAnswers >= DRAINED_ANSWERS_NEEDED;
  }

  /** There is new data about it or a member: it must be judged again. */
  invalidate(): void {
    this.validUntil = -Infinity;
  }

  /** Recent answers by members that were out or in maintenance. */
  get drainedAnswers(): number {
    return [...this.#drained.values()].reduce((sum, { answers }) => sum + answers, 0);
  }

  /** The servers that gave them. */
  get drainedServers(): ReadonlySet<string> {
    return new Set(this.#drained.keys());
  }

  /** Counts one such answer. */
  recordDrained(server: string, because: DrainedAnswers["because"]): void {
    const before = this.#drained.get(server);
    const answers = before?.because === because ? before.answers + 1 : 1;
    this.#drained.set(server, { answers, because });
    this.answersSinceDrained = 0;
  }

  /** Forgets the answers of servers that are no longer drained, and those from before the ADC took their server out. */
  forgetDrainedServers(standing: (server: string) => DrainedAnswers["because"] | null): void {
    for (const [server, { because }] of this.#drained) {
      const now = standing(server);
      if (now === null || (now === "out" && because !== "out")) {
        this.#drained.delete(server);
      }
    }
    if (this.#drained.size === 0) {
      this.forgetDrained();
    }
  }

  /** No member is drained, or no drained one answers any more. */
  forgetDrained(): void {
    this.#drained.clear();
    this.answersSinceDrained = 0;
    this.drainedConfirmed = false;
  }

  /** As a member's. */
  apply(
    { judgement, memory, validUntil }: Judged<VserverJudgement, VserverMemory>,
    now: number,
  ): void {
    this.countMismatch(now);
    if (judgement.verdict !== this.verdict || this.since === null) {
      this.since = now;
    }
    this.#judgement = judgement;
    this.memory = memory;
    this.validUntil = validUntil;
    if (this.gslb !== null) {
      this.gslb.sites = judgement.sites;
    }
  }

  countMismatch(now: number): void {
    if (this.mismatch) {
      this.#mismatchMs += Math.max(0, now - this.#countedAt);
    }
    this.#countedAt = now;
  }

  /** The wall clock was set: everything dated by it is adjusted. */
  adjustForClockStep(stepMs: number): void {
    this.memory = moveVserverMemory(this.memory, stepMs);
    this.since = movedBy(this.since, stepMs);
    this.adcPolledAt = movedBy(this.adcPolledAt, stepMs);
    this.#countedAt += stepMs;
  }

  /** As a member's. */
  excludePause(ms: number): void {
    this.memory = vserverWithoutPause(this.memory, ms);
  }

  /**
   * Takes over the state of the same vserver's record from before the estate was imported again, except of servers and probes
   * that have left.
   */
  inherit(earlier: VserverRecord, servers: ReadonlySet<string>): void {
    if (earlier.gslb !== null) {
      this.gslb?.inherit(earlier.gslb);
    }
    this.memory = earlier.memory;
    this.#judgement = {
      ...earlier.#judgement,
      members: { ...earlier.members, configured: this.memberRecords.length },
    };
    this.adcStateAgeMs = earlier.adcStateAgeMs;
    this.since = earlier.since;
    this.adcOpinion = earlier.adcOpinion;
    this.adcRawState = earlier.adcRawState;
    this.adcPolledAt = earlier.adcPolledAt;
    this.healthPercent = earlier.healthPercent;
    this.backupActive = earlier.backupActive;
    this.answersSinceDrained = earlier.answersSinceDrained;
    for (const [server, answers] of earlier.#drained) {
      if (servers.has(server)) {
        this.#drained.set(server, answers);
      }
    }
    this.drainedConfirmed = earlier.drainedConfirmed;
    this.ownEntries = earlier.ownEntries;
    for (const source of earlier.shownSources) {
      this.shownSources.add(source);
    }
    for (const [server, count] of earlier.servedBy) {
      if (server === UNRECOGNISED || servers.has(server)) {
        this.servedBy.set(server, count);
      }
    }
    const own = new Set(this.probes.map(({ id }) => id));
    for (const [id, misrouted] of earlier.misroutedBy) {
      if (own.has(id)) {
        this.misroutedBy.set(id, misrouted);
      }
    }
    this.#mismatchMs = earlier.#mismatchMs;
    this.#countedAt = earlier.#countedAt;
  }
}

function unjudgedVserver(configured: number): VserverJudgement {
  return {
    vip: "none",
    verdict: "unknown",
    reason: null,
    members: { configured, adcUp: 0, reallyUp: 0, reallyDown: 0, maintenance: 0 },
    certificateDiffers: null,
    oddSchemes: null,
    clientAddressKept: null,
    refusesAgent: null,
    failingReplicas: [],
    persistence: null,
    sites: [],
  };
}
