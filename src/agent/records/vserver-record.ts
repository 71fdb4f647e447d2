import type { GslbService, GslbSiteState, GslbVserver } from "../../model/gslb.ts";
import type { Observation } from "../../model/observation.ts";
import { canonicalAddress } from "../../probes/protocols/dns-message.ts";
import type { LiveGslb, LiveGslbSite, LiveVserver, Misrouted, TlsEnd } from "../../model/live.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";
import type { PersistenceEntries, VserverState } from "../../model/adc-state.ts";
import type { Port } from "../../model/adc-service.ts";
import type { Vserver, VserverKind } from "../../model/vserver.ts";
import { groupBy } from "../../lib/steps.ts";
import { MISMATCH_VERDICTS, type AdcOpinion } from "../../model/verdicts.ts";
import type { GslbFacts, SiteFacts, VserverFacts } from "../../verdict/facts.ts";
import {
  movedBy,
  moveVserverMemory,
  vserverWithoutPause,
  type Judged,
  type VserverJudgement,
  type VserverMemory,
} from "../../verdict/judgement.ts";

/** One VIP of a GSLB vserver. */
export interface SiteRecord extends SiteFacts {
  readonly member: MemberRecord;
  /** Set when all vservers are known. */
  behind: VserverRecord | null;
}

/** Turns of all questions without an address until it no longer counts as handed out: methods take sites in turns. */
const TURNS_PER_SITE = 2;

/** What is known of a GSLB vserver beside what it shares with all vservers. */
export class GslbRecord implements LiveGslb, GslbFacts {
  readonly domains: readonly string[];
  readonly method: string;
  readonly siteRecords: readonly SiteRecord[];
  /** The questions of DNS, as `probes` of the vserver. */
  readonly questions: readonly ProbeRecord[];
  mep: ReadonlyMap<string, GslbSiteState> = new Map();
  /** As last judged. */
  sites: readonly LiveGslbSite[] = [];
  /** By address: answers since the last one that held it. */
  readonly #missed = new Map<string, number>();
  #answers = 0;

  constructor(
    /** With those that stand in for it, in their order. */
    [vserver, ...backups]: readonly [GslbVserver, ...GslbVserver[]],
    services: ReadonlyMap<string, GslbService>,
    members: readonly MemberRecord[],
    probes: readonly ProbeRecord[],
  ) {
    this.domains = vserver.domains.map(({ name }) => name);
    this.method = vserver.method;
    this.questions = probes.filter(({ vantage }) => vantage === "vip");
    const publicProbes = groupBy(
      probes.filter(({ vantage, planned }) => vantage === "public" && planned.address !== null),
      ({ planned }) => canonicalAddress(planned.address ?? ""),
    );
    const bound = [vserver, ...backups].flatMap((each) =>
      each.services.map(({ service }) => ({ service, backup: each !== vserver })),
    );
    this.siteRecords = bound.flatMap(({ service, backup }) => {
      const own = services.get(service);
      return (own?.members ?? []).flatMap((each, at): SiteRecord[] => {
        const member = members.find(
          ({ adcService, server, port }) =>
            adcService === own?.shownAs && server === each.server && port === each.port,
        );
        const named = [each.address, ...(own?.otherAddresses[at] ?? [])].flatMap(
          (one) => one ?? [],
        );
        const addresses = [
          ...named.map(canonicalAddress),
          ...[own?.cname ?? []].flat().map((one) => one.toLowerCase().replace(/\.$/, "")),
        ];
        const publicly = new Map(
          addresses.flatMap((address) => {
            const there = (publicProbes.get(address) ?? []).filter(
              ({ planned }) => planned.port === (own?.publicPorts[at] ?? each.port),
            );
            return there.length === 0 ? [] : [[address, there] as const];
          }),
        );
        return member === undefined
          ? []
          : [{ member, site: own?.site ?? null, addresses, publicly, backup, behind: null }];
      });
    });
  }

  get answers(): LiveGslb["answers"] {
    return this.questions.flatMap(({ planned, current }) => {
      const { address, port, action } = planned;
      const options = action.kind === "transaction" ? (action.run?.spec.options ?? {}) : {};
      return address === null || typeof port !== "number" || action.run === null
        ? []
        : [
            {
              domain: String(options["query"]),
              address,
              port,
              transport: options["transport"] === "tcp" ? "tcp" : "udp",
              answered: current?.answered ?? null,
              failure: current === null || current.reason === "ok" ? null : current.reason,
            } as const,
          ];
    });
  }

  /** Nobody has asked for too long: what was answered before says nothing of whom the next answers leave out. */
  forgetAnswers(): void {
    this.#answers = 0;
    this.#missed.clear();
  }

  get unasked(): LiveGslb["unasked"] {
    const reasons = this.questions.flatMap(({ planned }) => planned.action.unsupportedReason ?? []);
    return [...groupBy(reasons, (why) => why)].map(([why, each]) => ({
      why,
      questions: each.length,
    }));
  }

  /** Takes in one answer of the ADC's DNS. What broke before an answer says nothing of any site. */
  bookAnswer(question: ProbeRecord, { answered }: Observation): void {
    if (answered === undefined || !this.questions.includes(question)) {
      return;
    }
    this.#answers += 1;
    const known = new Set(this.siteRecords.flatMap(({ addresses }) => addresses));
    for (const address of known) {
      const missed = this.#missed.get(address);
      if (answered.includes(address)) {
        this.#missed.set(address, 0);
      } else if (missed !== undefined) {
        this.#missed.set(address, missed + 1);
      }
    }
  }

  /**
   * Whether clients are sent there: an address of it came in the last turns. Of a site that GSLB itself says is not UP only
   * the very last answers count: what came before was right then. Null: nobody answers now, or it has no address here.
   */
  handedOut({ addresses, member }: SiteFacts): boolean | null {
    const isAnswered = this.#answers > 0 && this.questions.some(({ outdated }) => !outdated);
    if (!isAnswered || addresses.length === 0) {
      return null;
    }
    const asked = Math.max(1, this.questions.filter(({ scheduled }) => scheduled).length);
    const taken = member.adcOpinion === "up" || member.adcOpinion === "unknown";
    const turns = taken ? TURNS_PER_SITE * Math.max(2, this.siteRecords.length) : 1;
    return addresses.some((address) => (this.#missed.get(address) ?? Infinity) < turns * asked);
  }

  mepOf(site: string | null): "up" | "down" | null {
    return site === null ? null : (this.mep.get(site)?.mep ?? null);
  }

  inherit(earlier: GslbRecord): void {
    this.mep = earlier.mep;
    this.#answers = earlier.#answers;
    for (const [address, missed] of earlier.#missed) {
      this.#missed.set(address, missed);
    }
  }
}

/** Number of new connections a drained member must answer before the verdict says so. */
const DRAINED_ANSWERS_NEEDED = 2;

/** What one server answered through the VIP that should have answered nothing. */
interface DrainedAnswers {
  readonly answers: number;
  /** `out`: the ADC had taken it out; else it was in maintenance, and the ADC did not know. */
  readonly because: "out" | "in_maintenance";
}

/** Who answered through a VIP under no name of the estate's. */
export const UNRECOGNISED = "unrecognised";

/** Everything the agent knows of one vserver; its public face is the live state's `LiveVserver`. */
export class VserverRecord implements LiveVserver, VserverFacts {
  readonly adc: string;
  readonly vserver: string;
  readonly kind: LiveVserver["kind"];
  readonly serviceType: string;
  readonly address: string | null;
  readonly port: Port | null;
  readonly config: Vserver;
  /** Members it sends clients to, through content switching too. */
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
  /** Milliseconds since the ADC last changed its mind about this vserver, as of the last poll; null if unknown. */
  adcStateAgeMs: number | null = null;
  /** As a member's. */
  adcPolledAt: number | null = null;
  /** Our own entries in its persistence table, as of the last poll; null where the ADC was not asked, or did not answer. */
  ownEntries: PersistenceEntries | null = null;
  /** Addresses of ours under which it has ever shown an entry: nothing on the way hides them. */
  readonly shownSources = new Set<string>();
  since: number | null = null;
  #judgement: VserverJudgement;
  readonly servedBy = new Map<string, number>();
  /** By probe: what another group's server answered last, though a policy leads here. */
  readonly misroutedBy = new Map<string, Misrouted>();
  /** What earlier judgements left. */
  memory: VserverMemory;
  /** As a member's. */
  validUntil = -Infinity;
  /** Recent answers by servers that were out or in maintenance, each over a fresh connection. */
  readonly #drained = new Map<string, DrainedAnswers>();
  /** Answers by others since the last one of these. */
  answersSinceDrained = 0;
  /** Enough of these, and the ADC has been asked since: a member that had just returned is not accused. */
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

  /** Takes in what the ADC says of this vserver, and when it was asked; null when it says nothing. */
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

  /** Whose they were. */
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

  /** The wall clock has been set: what is remembered by it moves along, and lasts as long as before. */
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
   * Takes over the memory of the same vserver's earlier record when the estate is imported again; of servers and probes
   * that left the estate nothing is kept.
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
