import type { Declared } from "../../maintenance/declared.ts";
import type { EstateRecords } from "./build-records.ts";
import { groupBy } from "../../lib/group-by.ts";
import type { MemberRecord } from "./member-record.ts";
import { type ProbeRecord, saysTheSame, showsTheSame, standingOf } from "./probe-record.ts";
import { ServerRecord } from "./server-record.ts";
import type { VserverRecord } from "./vserver-record.ts";
import type { Declarations } from "../../maintenance/declarations.ts";
import { memberKey, type AdcState } from "../../model/adc-state.ts";
import { atOnce, inTurns } from "../../lib/steps.ts";
import type { Observation } from "../../model/observation.ts";
import type { AgreementClock } from "../../verdict/grace.ts";
import { ClockSteps } from "../../lib/clock-steps.ts";
import { detectMaintenance } from "../evaluate-member.ts";
import { countServedBy } from "../evaluate-vserver.ts";
import { findMailboxSide, type MailboxFinding } from "../mailbox-side.ts";
import { bookRoute } from "../vserver-findings.ts";
import type { LiveAdc, LiveState } from "../../model/live.ts";
import { Judging } from "./judging.ts";

/** The records of all ADCs together, and the ways in which they are looked for. Made anew with each import. */
interface RecordIndex {
  readonly members: readonly MemberRecord[];
  readonly vservers: readonly VserverRecord[];
  readonly servers: readonly ServerRecord[];
  readonly probes: readonly ProbeRecord[];
  readonly probeById: ReadonlyMap<string, ProbeRecord>;
  /** Members by their server's name: the windows of two ADCs' members of one name are the same. */
  readonly namesakes: ReadonlyMap<string, readonly MemberRecord[]>;
}

/** `declaredOf` tells the window over a member, now. */
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

/**
 * What each server calls itself, learnt at the backend where it is certain who answers, so that an answer through a VIP
 * can be laid to a server of the estate. A name that two servers claim (a shared certificate name, say) names nobody.
 */
export class ServerNames {
  readonly #owners = new Map<string, Set<string>>();

  learn(adc: string, name: string, server: string): void {
    for (const known of namesOf(name)) {
      const key = `${adc}\u0000${known}`;
      const owners = this.#owners.get(key);
      if (owners === undefined) {
        this.#owners.set(key, new Set([server]));
      } else {
        owners.add(server);
      }
    }
  }

  /** The estate's server of that name, or null when nobody or more than one goes by it. */
  serverOf(adc: string, name: string): string | null {
    for (const known of namesOf(name)) {
      const owners = this.#owners.get(`${adc}\u0000${known}`);
      if (owners?.size === 1) {
        const [owner] = owners;
        return owner ?? null;
      }
    }
    return null;
  }
}

/** Exchange signs as an FQDN here (EHLO, healthcheck.htm) and as a bare host name there (X-FEServer). */
function namesOf(name: string): readonly string[] {
  const whole = name.toLowerCase();
  const bare = whole.split(".")[0];
  return bare === undefined || bare === whole ? [whole] : [whole, bare];
}

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
  suspendedAccounts: LiveState["suspendedAccounts"] = [];
  /** What servers call themselves; kept over reloads. */
  readonly names: ServerNames;
  #options: WitnessOptions;
  readonly #steps: ClockSteps | null;
  readonly #parts = new Map<string, AdcPart>();
  readonly #judging: Judging;
  #index: RecordIndex;
  #findings: readonly MailboxFinding[] = [];

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.names = options.names ?? new ServerNames();
    this.agent = options.agent;
    this.startedAt = options.now();
    this.#steps =
      options.monotonic === undefined ? null : new ClockSteps(options.now, options.monotonic);
    this.#judging = new Judging({
      stabilityMs: options.stabilityMs,
      declarations: options.declarations,
      grace: options.grace,
      ownAddresses: options.ownAddresses ?? 1,
      now: () => this.#now(),
      monotonic: options.monotonic ?? options.now,
    });
    this.#index = this.#indexed();
  }

  /** The agent's control targets are silent: no opinion of ours counts. */
  get cutOff(): boolean {
    return this.#judging.cutOff;
  }

  set cutOff(cutOff: boolean) {
    this.#judging.cutOff = cutOff;
  }

  get revision(): number {
    return this.#judging.judgements;
  }

  get adcs(): readonly LiveAdc[] {
    return [...this.#parts.values()].map((part) => part.live);
  }

  /** What fails alike behind every front end. */
  get findings(): readonly MailboxFinding[] {
    return this.#findings;
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

  /** Brings records into force as they stand: new ones are judged when everything is judged next. */
  setRecords(adc: string, records: EstateRecords): void {
    this.#part(adc).records = records;
    this.#index = this.#indexed();
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
    atOnce(this.#judging.awake(this.#part(adc)));
  }

  /** Takes in one probe's result; tells how long after its start the next one is due, in milliseconds. */
  observe(ran: ProbeRecord, observation: Observation, passed: boolean | null): number {
    this.#now();
    // The estate may have been imported anew while the probe ran: its successor remembers.
    const probe = this.#index.probeById.get(ran.id) ?? ran;
    const before = standingOf(probe);
    // While nothing answers us, a failure is our own: it must not outlive the cut.
    const delayMs = probe.record(observation, this.cutOff && passed === false ? null : passed);
    const after = standingOf(probe);
    const isNews = !saysTheSame(before, after);
    const part = this.#part(probe.adc);
    const member = part.records?.memberOf.get(probe);
    if (member !== undefined) {
      if (!showsTheSame(before, after)) {
        // Whether certificates or login schemes differ is judged at the vservers: none of them may rest on the old ones.
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
      if (isNews || !this.#judging.rests(vserver)) {
        this.#judging.vserver(part, vserver);
      }
    }
    return delayMs;
  }

  #observeMember(part: AdcPart, member: MemberRecord, probe: ProbeRecord, isNews: boolean): void {
    if (!isNews && this.#judging.rests(member)) {
      return;
    }
    const servedBy = probe.last?.servedBy ?? null;
    if (servedBy !== null) {
      this.names.learn(member.adc, servedBy, member.server);
    }
    detectMaintenance(member, probe);
    if (this.#judging.member(part, member)) {
      // What else a vserver depends on shows at the next turn of judging everything, within a second.
      for (const vserver of part.records?.vserversOfMember.get(member) ?? []) {
        this.#judging.vserver(part, vserver);
      }
    }
  }

  /** Judges everything anew, whatever was heard. */
  evaluateAll(): void {
    this.#findMailboxSide();
    for (const part of this.#parts.values()) {
      this.#judging.everything(part);
    }
    this.#judging.tellDeclarations(this.#index.namesakes);
  }

  /** The agent was held (stopped, or without a processor), and could neither see nor hear for so long. */
  passOver(ms: number): void {
    for (const record of [...this.members, ...this.vservers]) {
      record.passOver(ms);
    }
  }

  /** The wall clock; when it has been set since the last look, everything dated by it moves along first. */
  #now(): number {
    const now = this.#options.now();
    const stepMs = this.#steps?.look(now) ?? 0;
    if (stepMs !== 0) {
      for (const record of [...this.members, ...this.vservers, ...this.probes]) {
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
    this.#findMailboxSide();
    for (const part of this.#parts.values()) {
      await inTurns(this.#judging.awake(part));
    }
    this.#judging.tellDeclarations(this.#index.namesakes);
  }

  /** Where it lies there, or did until now, every service opinion may change. */
  #findMailboxSide(): void {
    const { findings, probes } = findMailboxSide(this.probes, this.suspendedAccounts);
    const matters = probes.size > 0 || this.#judging.mailboxSide.size > 0;
    this.#findings = findings;
    this.#judging.mailboxSide = probes;
    for (const record of matters ? [...this.members, ...this.vservers] : []) {
      record.disturb();
    }
  }

  #indexed(): RecordIndex {
    const estates = [...this.#parts.values()].flatMap((part) => part.records ?? []);
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

function later(clock: AgreementClock, at: number): AgreementClock {
  return {
    allAgreedAt: Math.max(clock.allAgreedAt, at),
    pairAgreedAt: Math.max(clock.pairAgreedAt, at),
    upheldAt: Math.max(clock.upheldAt, at),
  };
}
