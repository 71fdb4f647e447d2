import type { Declared, Declarations } from "../../maintenance/declarations.ts";
import { keepDetections } from "../../verdict/detection.ts";
import { detectionAfter, withoutStrangers } from "../../verdict/member-detection.ts";
import type { EstateRecords } from "./build-records.ts";
import { groupBy, runSync, runYielding } from "../../lib/steps.ts";
import type { MemberRecord } from "./member-record.ts";
import { type ProbeRecord, sameVerdictInput, sameDisplay, statusOf } from "./probe-record.ts";
import { ServerRecord, VerdictEvaluator } from "./verdict-evaluator.ts";
import type { VserverRecord } from "./vserver-record.ts";
import type { Observation } from "../../model/observation.ts";
import { memberKey, type AdcState } from "../../model/adc-state.ts";
import type { Port } from "../../model/adc-service.ts";
import { canonicalAddress } from "../../probes/protocols/dns-message.ts";
import type { StorageHealth } from "../../lib/durable-file.ts";
import { ClockStepDetector } from "../../lib/timers.ts";
import { flappingFindings, findMailboxSide, type MailboxFinding } from "../../verdict/findings.ts";
import { bookRoute, countServedBy } from "./vserver-answers.ts";
import type { LiveAdc, LiveFinding, LiveState } from "../../model/live.ts";

/** The records of all ADCs together, and their indexes. Built again with each import. */
interface RecordIndex {
  readonly members: readonly MemberRecord[];
  readonly vservers: readonly VserverRecord[];
  readonly servers: readonly ServerRecord[];
  readonly probes: readonly ProbeRecord[];
  readonly probeById: ReadonlyMap<string, ProbeRecord>;
  /** Members by their server's name: the windows of two ADCs' members of one name are the same. */
  readonly namesakes: ReadonlyMap<string, readonly MemberRecord[]>;
}

/** `declaredOf` gives the window over a member, now. */
function indexRecords(
  estates: readonly EstateRecords[],
  declaredOf: (member: MemberRecord) => Declared,
): RecordIndex {
  const members = estates.flatMap((each) => each.members);
  const probes = estates.flatMap((each) => each.probes);
  const byServer = groupBy(members, ({ adc, server }) => `${adc}\u0000${server}`);
  return {
    members,
    vservers: estates.flatMap((each) => each.vservers),
    servers: [...byServer.values()].map((own) => new ServerRecord(own, declaredOf)),
    probes,
    probeById: new Map(probes.map((probe) => [probe.id, probe])),
    namesakes: groupBy(members, ({ server }) => server),
  };
}

/** Finds the vserver behind each VIP that GSLB hands out, on any ADC. If there are several, none is linked. */
function linkSites(estates: readonly EstateRecords[]): void {
  const vservers = estates.flatMap((each) => each.vservers);
  const names = vservers.filter(({ gslb }) => gslb !== null);
  const addressed = names.length === 0 ? [] : vservers.filter(({ address }) => address !== null);
  const byVip = groupBy(addressed, ({ address, port }) => vipKey(address ?? "", port));
  for (const vserver of addressed) {
    vserver.names = [];
  }
  for (const name of names) {
    for (const site of name.gslb?.siteRecords ?? []) {
      const { address, port } = site.member;
      const there = address === null ? [] : (byVip.get(vipKey(address, port)) ?? []);
      const own = there.filter(({ adc }) => adc === name.adc);
      const meant = own.length > 0 ? own : there;
      const [found = null] = meant.length === 1 ? meant : [];
      site.behind = found;
      site.member.behind = found?.memberRecords ?? [];
      if (found !== null) {
        found.names = [...found.names, name];
      }
    }
  }
}

function vipKey(address: string, port: Port | null): string {
  return `${canonicalAddress(address)} ${String(port)}`;
}

/** How long a server that is down or in maintenance is still identified by the last name that it gave. */
const KEPT_WHILE_SILENT_MS = 24 * 3_600_000;

/**
 * The names by which servers identify themselves to direct probes, so that an answer through a VIP can be attributed to a
 * server. A claim belongs to the probe that received it and is replaced by the probe's next answer, so there are never more
 * claims than probes. A name that two servers claim (a shared certificate name, a lie) identifies neither; a claim that has
 * expired yields to one that has not.
 */
class ServerNames {
  readonly #now: () => number;
  #claimants = new Map<string, Set<ProbeRecord>>();

  /** `now`: the clock by which probe records date their claims. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many names are claimed. */
  get size(): number {
    return this.#claimants.size;
  }

  /** Keeps the claims of these probes, and forgets all others. */
  follow(probes: Iterable<ProbeRecord>): void {
    this.#claimants = new Map();
    for (const probe of probes) {
      this.#add(probe);
    }
  }

  /** Takes in a direct probe's answer. A good answer without a name withdraws the claim. */
  record(probe: ProbeRecord, { servedBy: name, outcome }: Observation): void {
    const claim = probe.nameClaim;
    if (name === null) {
      if (claim !== null && outcome === "match") {
        claim.isMade = false;
      }
    } else if (claim?.name === name) {
      claim.claimedAt = this.#now();
      claim.isMade = true;
    } else {
      this.#remove(probe);
      probe.nameClaim = { name, claimedAt: this.#now(), isMade: true };
      this.#add(probe);
    }
  }

  /** The server that alone claims the name; null: none or several do. */
  serverOf(adc: string, name: string): string | null {
    for (const known of namesOf(name)) {
      const claimants = this.#claimants.get(keyOf(adc, known)) ?? NOBODY;
      const server = soleOwner(claimants, this.#now());
      if (server !== null) {
        return server;
      }
    }
    return null;
  }

  #add(probe: ProbeRecord): void {
    for (const key of keysOf(probe)) {
      const claimants = this.#claimants.get(key) ?? new Set();
      this.#claimants.set(key, claimants.add(probe));
    }
  }

  #remove(probe: ProbeRecord): void {
    for (const key of keysOf(probe)) {
      const claimants = this.#claimants.get(key);
      claimants?.delete(probe);
      if (claimants?.size === 0) {
        this.#claimants.delete(key);
      }
    }
  }
}

const NOBODY: ReadonlySet<ProbeRecord> = new Set();

function soleOwner(claimants: ReadonlySet<ProbeRecord>, now: number): string | null {
  const repeated = new Set<string>();
  const silent = new Set<string>();
  for (const { nameClaim, server, freshMs } of claimants) {
    const ageMs = now - (nameClaim?.claimedAt ?? -Infinity);
    if (nameClaim?.isMade === true && ageMs <= freshMs) {
      repeated.add(server);
    } else if (ageMs <= KEPT_WHILE_SILENT_MS) {
      silent.add(server);
    }
  }
  const owners = repeated.size > 0 ? repeated : silent;
  const [owner = null] = owners;
  return owners.size === 1 ? owner : null;
}

function keysOf({ adc, nameClaim }: ProbeRecord): readonly string[] {
  return nameClaim === null ? [] : namesOf(nameClaim.name).map((name) => keyOf(adc, name));
}

function keyOf(adc: string, name: string): string {
  return `${adc}\u0000${name}`;
}

/** Exchange gives an FQDN in EHLO and healthcheck.htm, and a bare host name in X-FEServer. */
function namesOf(name: string): readonly string[] {
  const whole = name.toLowerCase();
  const bare = whole.split(".")[0];
  return bare === undefined || bare === whole ? [whole] : [whole, bare];
}

export interface WitnessOptions {
  readonly agent: string;
  readonly stabilityMs: number;
  /** As in verdict-evaluator.ts. */
  readonly overdueAfterMs: number;
  readonly declarations: Pick<Declarations, "declaredFor" | "observe">;
  /** What is known about the state directory; null without one. */
  readonly storage?: () => StorageHealth;
  /** As in judge-member.ts. */
  readonly grace: "watched" | "single_look";
  /** Wall clock. */
  readonly now: () => number;
  /** The number of our own addresses that probes use; default: only the system's. */
  readonly ownAddresses?: number;
  /** Shows when the wall clock has been set; without it a jump of that clock counts as time that has passed. */
  readonly monotonic?: () => number;
}

/** One ADC's part of the state. */
interface AdcPart {
  readonly name: string;
  readonly nitro: boolean;
  readonly pollMs: number;
  records: EstateRecords | null;
  live: LiveAdc;
}

/** The live state: the records of all ADCs, with their verdicts kept up to date. */
export class WitnessState implements LiveState {
  readonly agent: string;
  startedAt: number;
  suspendedAccounts: LiveState["suspendedAccounts"] = [];
  unexplainedStallSeconds = 0;
  unverifiedLogins: readonly string[] = [];
  /** The names by which servers identify themselves. */
  readonly names: ServerNames;
  #options: WitnessOptions;
  readonly #steps: ClockStepDetector | null;
  readonly #parts = new Map<string, AdcPart>();
  readonly #judging: VerdictEvaluator;
  #index: RecordIndex;
  #findings: readonly MailboxFinding[] = [];

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.names = new ServerNames(options.monotonic ?? options.now);
    this.agent = options.agent;
    this.startedAt = options.now();
    this.#steps =
      options.monotonic === undefined
        ? null
        : new ClockStepDetector(options.now, options.monotonic);
    this.#judging = new VerdictEvaluator({
      stabilityMs: options.stabilityMs,
      overdueAfterMs: options.overdueAfterMs,
      declarations: options.declarations,
      grace: options.grace,
      ownAddresses: options.ownAddresses ?? 1,
      now: () => this.#now(),
      monotonic: options.monotonic ?? options.now,
    });
    this.#index = this.#indexed();
  }

  /** The agent's control targets do not respond: none of its own opinions counts. */
  get cutOff(): boolean {
    return this.#judging.cutOff;
  }

  set cutOff(cutOff: boolean) {
    this.#judging.cutOff = cutOff;
  }

  get storage(): StorageHealth | null {
    return this.#options.storage?.() ?? null;
  }

  get revision(): number {
    return this.#judging.judgements;
  }

  get adcs(): readonly LiveAdc[] {
    return [...this.#parts.values()].map((part) => part.live);
  }

  /** What fails the same way behind every front end, and what flaps at the ADC alone. */
  get findings(): readonly LiveFinding[] {
    return [...this.#findings, ...flappingFindings(this.members)];
  }

  get members(): readonly MemberRecord[] {
    return this.#index.members;
  }

  get vservers(): readonly VserverRecord[] {
    return this.#index.vservers;
  }

  get probes(): readonly ProbeRecord[] {
    return this.#index.probes;
  }

  get servers(): readonly ServerRecord[] {
    return this.#index.servers;
  }

  addAdc(name: string, options: { readonly nitro: boolean; readonly pollMs: number }): void {
    this.#parts.set(name, {
      name,
      ...options,
      records: null,
      live: {
        name,
        up: options.nitro ? false : null,
        lastPollAt: null,
        lastError: null,
        nodes: [],
      },
    });
  }

  recordsOf(adc: string): EstateRecords | null {
    return this.#parts.get(adc)?.records ?? null;
  }

  /** Puts records in place of earlier ones. New ones are judged with the next evaluation. */
  setRecords(adc: string, records: EstateRecords): void {
    this.#part(adc).records = records;
    this.#index = this.#indexed();
    this.names.follow(this.#index.probes);
  }

  setAdcLive(adc: string, live: Partial<LiveAdc>): void {
    const part = this.#part(adc);
    part.live = { ...part.live, ...live };
  }

  /** Takes in what the ADC reports; null: its last report has expired. */
  applyAdcPoll(adc: string, state: AdcState | null): void {
    const { records } = this.#part(adc);
    if (records === null) {
      return;
    }
    const now = this.#now();
    const at = state?.at ?? now;
    // The clock may be set while the ADC answers.
    const askedAt = Math.min(at, state?.askedAt ?? at);
    const failedOverAt = state?.failedOverAt ?? null;
    for (const member of records.members) {
      if (failedOverAt !== null) {
        member.failedOver(failedOverAt);
      }
      const reported = state?.members.get(memberKey(member.adcService, member.server, member.port));
      member.applyAdcState(reported ?? null, at, askedAt);
    }
    for (const vserver of records.vservers) {
      if (vserver.gslb !== null) {
        vserver.gslb.mep = state?.gslbSites ?? new Map();
      }
      vserver.applyAdcState(
        state?.vservers.get(vserver.vserver) ?? null,
        askedAt,
        state?.persistence?.get(vserver.vserver) ?? null,
      );
    }
    runSync(this.#judging.judgeDue(this.#part(adc)));
  }

  /** Takes in one probe's result. Returns how long after its start the next one is due, in milliseconds. */
  recordResult(ran: ProbeRecord, seen: Observation, result: boolean | null): number {
    this.#now();
    // The estate may have been imported again while the probe ran: the result belongs to its successor.
    const probe = this.#index.probeById.get(ran.id) ?? ran;
    const part = this.#part(probe.adc);
    const member = part.records?.memberOf.get(probe);
    const observation = member === undefined ? seen : withoutStrangers(member, probe, seen);
    const passed = observation.outcome === "fault" ? null : result;
    const before = statusOf(probe);
    this.#forgetOld(part, probe, member);
    // While this agent is cut off, a failure is its own, and must not count afterwards.
    const delayMs = probe.record(observation, this.cutOff && passed === false ? null : passed);
    const after = statusOf(probe);
    const isNews = !sameVerdictInput(before, after);
    if (member !== undefined) {
      this.names.record(probe, observation);
      if (!sameDisplay(before, after)) {
        // Vservers compare certificates and login schemes: they are judged again.
        part.records?.vserversOfMember.get(member)?.forEach((vserver) => vserver.invalidate());
      }
      this.#observeMember(part, member, probe, isNews);
    }
    for (const vserver of part.records?.vserversOf.get(probe) ?? []) {
      if (vserver.gslb !== null) {
        vserver.gslb.bookAnswer(probe, observation);
        vserver.invalidate();
      }
      if (vserver.vserver === probe.vserver && observation.servedBy !== null) {
        const server = this.names.serverOf(probe.adc, observation.servedBy);
        countServedBy(vserver, observation, server, probe.vantage);
        bookRoute(vserver, probe, server, part.records?.members ?? []);
        vserver.invalidate();
      }
      if (isNews || !this.#judging.isUpToDate(vserver)) {
        this.#judging.vserver(part, vserver);
      }
    }
    return delayMs;
  }

  /** If the last result has expired, what is counted from one result to the next begins again. */
  #forgetOld(part: AdcPart, probe: ProbeRecord, member: MemberRecord | undefined): void {
    if (!probe.outdated) {
      return;
    }
    if (member !== undefined) {
      member.detection = keepDetections(member.detection, (id) => id !== probe.id);
    }
    for (const vserver of part.records?.vserversOf.get(probe) ?? []) {
      if (vserver.probes.every(({ currentPassed }) => currentPassed === null)) {
        vserver.gslb?.forgetAnswers();
        vserver.forgetDrained();
      }
    }
  }

  #observeMember(part: AdcPart, member: MemberRecord, probe: ProbeRecord, isNews: boolean): void {
    if (!isNews && this.#judging.isUpToDate(member)) {
      return;
    }
    member.detection = detectionAfter(member, probe);
    if (this.#judging.member(part, member)) {
      // Changes of a vserver's other inputs are judged with the next evaluation, within a second.
      for (const vserver of part.records?.vserversOfMember.get(member) ?? []) {
        this.#judging.vserver(part, vserver);
      }
    }
  }

  /** Judges everything again, with or without new data. */
  evaluateAll(): void {
    this.#findMailboxSide();
    for (const part of this.#parts.values()) {
      this.#judging.evaluateAll(part);
    }
    // A GSLB site may be a vserver of an ADC that was judged later.
    for (const part of this.#parts.values()) {
      const names = part.records?.vservers.filter(({ gslb }) => gslb !== null) ?? [];
      names.forEach((name) => {
        this.#judging.vserver(part, name);
      });
    }
    this.#judging.updateWindowProgress(this.#index.namesakes);
  }

  /** The agent was stopped, or had no processor, and received nothing for so long. */
  excludePause(ms: number): void {
    for (const record of [...this.members, ...this.vservers]) {
      record.excludePause(ms);
    }
  }

  /** The wall clock. If it has been set since the last call, everything dated by it is adjusted first. */
  #now(): number {
    const now = this.#options.now();
    const stepMs = this.#steps?.measure(now) ?? 0;
    if (stepMs !== 0) {
      for (const record of [...this.members, ...this.vservers, ...this.probes]) {
        record.adjustForClockStep(stepMs);
      }
      for (const part of this.#parts.values()) {
        const { lastPollAt } = part.live;
        const moved = lastPollAt === null ? null : lastPollAt + stepMs;
        part.live = { ...part.live, lastPollAt: moved };
      }
      this.startedAt += stepMs;
    }
    return now;
  }

  /**
   * Judges what is no longer valid: grace and windows end without a new result. Yields to the event loop every few
   * milliseconds, so that ten thousand members do not stall it.
   */
  async evaluateInTurns(): Promise<void> {
    this.#findMailboxSide();
    for (const part of this.#parts.values()) {
      await runYielding(this.#judging.judgeDue(part));
    }
    this.#judging.updateWindowProgress(this.#index.namesakes);
  }

  /** While there is such a finding, or was until now, every service opinion may change. */
  #findMailboxSide(): void {
    const { findings, probes } = findMailboxSide(this.probes, this.suspendedAccounts);
    const matters = probes.size > 0 || this.#judging.mailboxSide.size > 0;
    this.#findings = findings;
    this.#judging.mailboxSide = probes;
    for (const record of matters ? [...this.members, ...this.vservers] : []) {
      record.invalidate();
    }
  }

  #indexed(): RecordIndex {
    const estates = [...this.#parts.values()].flatMap((part) => part.records ?? []);
    linkSites(estates);
    return indexRecords(estates, (member) => this.#judging.declared(member));
  }

  #part(adc: string): AdcPart {
    const part = this.#parts.get(adc);
    if (part === undefined) {
      throw new Error(`no ADC of the name ${adc}: addAdc comes first`);
    }
    return part;
  }
}
