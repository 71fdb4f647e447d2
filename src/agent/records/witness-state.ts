import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Declarations } from "../../maintenance/declarations.ts";
import { memberKey, type AdcState } from "../../estate/adc-state.ts";
import type { Declared } from "../../maintenance/declared.ts";
import type { Observation } from "../../probes/probe.ts";
import type { AgreementClock } from "../../verdict/grace.ts";
import { ClockSteps } from "../clock-steps.ts";
import { detectMaintenance, evaluateMember } from "../evaluate-member.ts";
import { countServedBy, evaluateVserver } from "../evaluate-vserver.ts";
import { bookRoute } from "../misrouted.ts";
import { findMailboxSide, type MailboxFinding, type MailboxSide } from "../mailbox-side.ts";
import type { LiveAdc, LiveState } from "../live.ts";
import type { EstateRecords } from "./build-records.ts";
import { groupBy } from "./group-by.ts";
import type { MemberRecord } from "./member-record.ts";
import { saysTheSame, standingOf, type ProbeRecord } from "./probe-record.ts";
import { ServerRecord, showsOf } from "./server-record.ts";
import { ServerNames } from "./server-names.ts";
import type { VserverRecord } from "./vserver-record.ts";

/** Longest time the turn of judging everything holds the event loop. */
const TURN_MS = 5;
const LOOK_AT_CLOCK_EVERY = 16;

export interface WitnessOptions {
  readonly agent: string;
  readonly stabilityMs: number;
  readonly declarations: Pick<Declarations, "declaredFor" | "observe">;
  /** As in evaluate-member.ts. */
  readonly grace: "watched" | "single_look";
  /** Wall clock. */
  readonly now: () => number;
  /** How many addresses of ours probes come from; default: the system's one. */
  readonly ownAddresses?: number;
  /** Tells when the wall clock has been set; without it every jump of that clock is time that went by. */
  readonly monotonic?: () => number;
  /** Names learnt by an earlier state. */
  readonly names?: ServerNames;
}

/** One ADC's part of the state. */
interface AdcPart {
  readonly name: string;
  readonly nitro: boolean;
  readonly pollMs: number;
  records: EstateRecords | null;
  live: LiveAdc;
}

/** The live state of everything: records of all ADCs, and the evaluation that keeps their verdicts current. */
export class WitnessState implements LiveState {
  readonly agent: string;
  startedAt: number;
  cutOff = false;
  suspendedAccounts: LiveState["suspendedAccounts"] = [];
  /** What servers call themselves; kept over reloads. */
  readonly names: ServerNames;
  #options: WitnessOptions;
  readonly #steps: ClockSteps | null;
  readonly #parts = new Map<string, AdcPart>();
  #members: readonly MemberRecord[] = [];
  #vservers: readonly VserverRecord[] = [];
  #servers: readonly ServerRecord[] = [];
  /** Members by their server's name: the windows of two ADCs' members of one name are the same. */
  #namesakes: ReadonlyMap<string, readonly MemberRecord[]> = new Map();
  #probes: readonly ProbeRecord[] = [];
  #probeById: ReadonlyMap<string, ProbeRecord> = new Map();
  #mailboxSide: MailboxSide = { findings: [], probes: new Set() };

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.names = options.names ?? new ServerNames();
    this.agent = options.agent;
    this.startedAt = options.now();
    this.#steps =
      options.monotonic === undefined ? null : new ClockSteps(options.now, options.monotonic);
  }

  get adcs(): readonly LiveAdc[] {
    return [...this.#parts.values()].map((part) => part.live);
  }

  /** What fails alike behind every front end. */
  get findings(): readonly MailboxFinding[] {
    return this.#mailboxSide.findings;
  }

  get members(): readonly MemberRecord[] {
    return this.#members;
  }

  get vservers(): readonly VserverRecord[] {
    return this.#vservers;
  }

  get probes(): readonly ProbeRecord[] {
    return this.#probes;
  }

  get servers(): readonly ServerRecord[] {
    return this.#servers;
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

  /** Brings records into force as they stand: new ones are judged when everything is judged next. */
  setRecords(adc: string, records: EstateRecords): void {
    const part = this.#part(adc);
    part.records = records;
    const all = [...this.#parts.values()].flatMap((each) => each.records ?? []);
    this.#members = all.flatMap((each) => each.members);
    this.#servers = this.#serversOf(this.#members);
    this.#namesakes = groupBy(this.#members, ({ server }) => server);
    this.#vservers = all.flatMap((each) => each.vservers);
    this.#probes = all.flatMap((each) => each.probes);
    this.#probeById = new Map(this.#probes.map((probe) => [probe.id, probe]));
  }

  setAdcLive(adc: string, live: Partial<LiveAdc>): void {
    const part = this.#part(adc);
    part.live = { ...part.live, ...live };
  }

  /** Takes in the ADC's own word; null when it can no longer be believed. */
  hear(adc: string, state: AdcState | null): void {
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
        // After a failover the ADC's monitors start anew: they deserve their time from then on.
        member.agreement = later(member.agreement, failedOverAt);
      }
      const said = state?.members.get(memberKey(member.adcService, member.server, member.port));
      member.hear(said ?? null, at, askedAt);
    }
    for (const vserver of records.vservers) {
      vserver.hear(
        state?.vservers.get(vserver.vserver) ?? null,
        askedAt,
        state?.persistence?.get(vserver.vserver) ?? null,
      );
    }
    for (const judged of this.#judging(this.#part(adc))) {
      void judged;
    }
  }

  /** Takes in one probe's result; tells how long after its start the next one is due, in milliseconds. */
  observe(ran: ProbeRecord, observation: Observation, passed: boolean | null): number {
    this.#now();
    // The estate may have been imported anew while the probe ran: its successor remembers.
    const probe = this.#probeById.get(ran.id) ?? ran;
    const before = standingOf(probe);
    // While nothing answers us, a failure is our own: it must not outlive the cut.
    const delayMs = probe.record(observation, this.cutOff && passed === false ? null : passed);
    const after = standingOf(probe);
    const isNews = !saysTheSame(before, after);
    const part = this.#part(probe.adc);
    const member = part.records?.memberOf.get(probe);
    if (member !== undefined) {
      if (before.leaf !== after.leaf) {
        // Whether certificates differ is judged at the vservers: none of them may rest on the old one.
        part.records?.vserversOfMember.get(member)?.forEach((vserver) => vserver.disturb());
      }
      this.#observeMember(part, member, probe, isNews);
    }
    for (const vserver of part.records?.vserversOf.get(probe) ?? []) {
      if (vserver.vserver === probe.vserver && observation.servedBy !== null) {
        const server = this.names.serverOf(probe.adc, observation.servedBy);
        countServedBy(vserver, observation, server, probe.vantage);
        bookRoute(vserver, probe, server, part.records?.members ?? []);
        vserver.disturb();
      }
      if (isNews || !this.#rests(vserver)) {
        this.#evaluateVserver(part, vserver);
      }
    }
    return delayMs;
  }

  #observeMember(part: AdcPart, member: MemberRecord, probe: ProbeRecord, isNews: boolean): void {
    if (!isNews && this.#rests(member)) {
      return;
    }
    const servedBy = probe.last?.servedBy ?? null;
    if (servedBy !== null) {
      this.names.learn(member.adc, servedBy, member.server);
    }
    detectMaintenance(member, probe);
    if (this.#judgeMember(part, member)) {
      // What else a vserver depends on shows at the next turn of judging everything, within a second.
      for (const vserver of part.records?.vserversOfMember.get(member) ?? []) {
        this.#evaluateVserver(part, vserver);
      }
    }
  }

  /** Judges everything anew, whatever was heard. */
  evaluateAll(): void {
    this.#mailboxSide = findMailboxSide(this.#probes, this.suspendedAccounts);
    for (const part of this.#parts.values()) {
      for (const member of part.records?.members ?? []) {
        this.#judgeMember(part, member);
      }
      for (const vserver of part.records?.vservers ?? []) {
        this.#evaluateVserver(part, vserver);
      }
    }
    this.#tellDeclarations();
  }

  /** The agent was held (stopped, or without a processor), and could neither see nor hear for so long. */
  passOver(ms: number): void {
    for (const record of [...this.#members, ...this.#vservers]) {
      record.passOver(ms);
    }
  }

  /** The wall clock; when it has been set since the last look, everything dated by it moves along first. */
  #now(): number {
    const now = this.#options.now();
    const stepMs = this.#steps?.look(now) ?? 0;
    if (stepMs !== 0) {
      for (const record of [...this.#members, ...this.#vservers, ...this.#probes]) {
        record.moveTimes(stepMs);
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
   * Brings everything up to date with the clock: grace and windows end without any probe telling. What rests is passed
   * by, and others may run every few milliseconds: ten thousand members never hold the event loop.
   */
  async evaluateInTurns(): Promise<void> {
    const before = this.#mailboxSide;
    this.#mailboxSide = findMailboxSide(this.#probes, this.suspendedAccounts);
    if (before.probes.size > 0 || this.#mailboxSide.probes.size > 0) {
      this.#disturbAll();
    }
    let began = performance.now();
    for (const part of this.#parts.values()) {
      for (const looked of this.#judging(part)) {
        if (looked % LOOK_AT_CLOCK_EVERY === 0 && performance.now() - began >= TURN_MS) {
          await nextTurn();
          began = performance.now();
        }
      }
    }
    this.#tellDeclarations();
  }

  /** Judges those of a part's members and vservers that do not rest, one by one; tells how many it has looked at. */
  *#judging(part: AdcPart): Generator<number> {
    let looked = 0;
    for (const member of part.records?.members ?? []) {
      if (!this.#rests(member) || this.#windowTurns(member)) {
        this.#judgeMember(part, member);
      }
      yield ++looked;
    }
    for (const vserver of part.records?.vservers ?? []) {
      if (!this.#rests(vserver)) {
        this.#evaluateVserver(part, vserver);
      }
      yield ++looked;
    }
  }

  #rests({ restsUntil }: MemberRecord | VserverRecord): boolean {
    // By the clock of the results' age, as in probe-record.ts.
    return (this.#options.monotonic ?? this.#options.now)() < restsUntil;
  }

  /** Whether a declared window has begun or ended since this member was judged. */
  #windowTurns(member: MemberRecord): boolean {
    return this.#declared(member, this.#now()).state !== member.maintenance.declared;
  }

  #disturbAll(): void {
    for (const member of this.#members) {
      member.disturb();
    }
    for (const vserver of this.#vservers) {
      vserver.disturb();
    }
  }

  /** True when a vserver's verdict may depend on what has changed. */
  #judgeMember(part: AdcPart, member: MemberRecord): boolean {
    const before = standing(member);
    const now = this.#now();
    evaluateMember(member, {
      now,
      cutOff: this.cutOff,
      nitro: part.nitro,
      declared: this.#declared(member, now).state,
      stabilityMs: this.#options.stabilityMs,
      grace: this.#options.grace,
      mailboxSide: this.#mailboxSide.probes,
    });
    const changed = standing(member) !== before;
    if (changed) {
      for (const vserver of part.records?.vserversOfMember.get(member) ?? []) {
        vserver.disturb();
      }
    }
    return changed;
  }

  #evaluateVserver(part: AdcPart, vserver: VserverRecord): void {
    evaluateVserver(vserver, {
      now: this.#now(),
      cutOff: this.cutOff,
      pollMs: part.pollMs,
      ownAddresses: this.#options.ownAddresses ?? 1,
      grace: this.#options.grace,
    });
  }

  /** Flexible windows begin, and automatic ends come, by what a server shows. */
  #tellDeclarations(): void {
    const now = this.#now();
    for (const [server, members] of this.#namesakes) {
      const shown = showsOf(members, now, this.#options.stabilityMs);
      this.#options.declarations.observe(server, shown, now);
    }
  }

  #serversOf(members: readonly MemberRecord[]): readonly ServerRecord[] {
    const grouped = groupBy(members, ({ adc, server }) => `${adc}\u0000${server}`);
    const declared = (member: MemberRecord): Declared => this.#declared(member, this.#now());
    return [...grouped.values()].map((own) => new ServerRecord(own, declared));
  }

  #declared(member: MemberRecord, now: number): Declared {
    return this.#options.declarations.declaredFor(member.server, now, member.outSince);
  }

  #part(adc: string): AdcPart {
    const part = this.#parts.get(adc);
    if (part === undefined) {
      throw new Error(`no ADC of the name ${adc}: addAdc comes first`);
    }
    return part;
  }
}

/** What a vserver's verdict depends on in a member, as one value to compare; the certificates it shows are among it. */
function standing(member: MemberRecord): string {
  const { adcOpinion, replica, service, verdict, maintenance, probes } = member;
  const leaf = probes.find((probe) => probe.last?.tls)?.last?.tls?.chain[0]?.sha256 ?? "";
  return `${adcOpinion} ${replica} ${service} ${verdict} ${maintenance.declared} ${String(maintenance.detected)} ${leaf}`;
}

function later(clock: AgreementClock, at: number): AgreementClock {
  return {
    allAgreedAt: Math.max(clock.allAgreedAt, at),
    pairAgreedAt: Math.max(clock.pairAgreedAt, at),
  };
}
