import type { Declared, Declarations, ServerHealth } from "../../maintenance/declarations.ts";
import { canShowMaintenance } from "../../verdict/member-detection.ts";
import { judgeMember } from "../../verdict/judge-member.ts";
import type { LiveServer } from "../../model/live.ts";
import type { MemberRecord } from "./member-record.ts";
import type { Steps } from "../../lib/steps.ts";
import { judgeVserver } from "../../verdict/judge-vserver.ts";
import { firstStaleAfter, type ProbeFacts } from "../../verdict/facts.ts";
import type { EstateRecords } from "./build-records.ts";
import { forgetReturned } from "./vserver-answers.ts";
import type { VserverRecord } from "./vserver-record.ts";

/** One server of an ADC, by its members. Made at each import; computed when read. */
export class ServerRecord implements LiveServer {
  readonly adc: string;
  readonly server: string;
  readonly members: readonly MemberRecord[];
  /** Members at which maintenance can be detected. */
  readonly #detectable: readonly MemberRecord[];
  readonly #declared: (member: MemberRecord) => Declared;

  constructor(members: readonly MemberRecord[], declared: (member: MemberRecord) => Declared) {
    this.adc = members[0]?.adc ?? "";
    this.server = members[0]?.server ?? "";
    this.members = members;
    this.#detectable = members.filter(canShowMaintenance);
    this.#declared = declared;
  }

  /** In maintenance if that is declared, or if all its members are (for `detected`: all that can show it). */
  get maintenance(): LiveServer["maintenance"] {
    const detectable = this.#detectable;
    return {
      declared: this.members.some((member) => this.#declared(member).state === "open"),
      adc: this.members.every((member) => member.maintenance.adc),
      detected: detectable.length > 0 && detectable.every((member) => member.maintenance.detected),
    };
  }

  get maintenanceEnd(): number | null {
    return this.members.reduce<number | null>((last, member) => {
      const { state, endAt } = this.#declared(member);
      return state !== "open" || endAt === null ? last : Math.max(last ?? endAt, endAt);
    }, null);
  }
}

/** What flexible windows and automatic ends wait for, over all members of that server name at all ADCs. */
function showsOf(
  members: readonly MemberRecord[],
  now: number,
  stabilityMs: number,
): { readonly bad: boolean; readonly stable: boolean } {
  return {
    bad: members.some((member) => member.bad || member.maintenance.detected),
    stable: members.every(
      (member) =>
        (member.memory.goodSince !== null && now - member.memory.goodSince >= stabilityMs) ||
        (!member.bad && member.probes.length === 0),
    ),
  };
}

export interface VerdictEvaluatorOptions {
  readonly stabilityMs: number;
  /** Undeclared maintenance is overdue so long after the last good answer. */
  readonly overdueAfterMs: number;
  readonly declarations: Pick<Declarations, "declaredFor" | "observe">;
  /** As in judge-member.ts. */
  readonly grace: "watched" | "single_look";
  /** The number of our own addresses that probes use. */
  readonly ownAddresses: number;
  /** Wall clock. */
  readonly now: () => number;
  /** The clock by which results expire. */
  readonly monotonic: () => number;
}

/** One ADC's records, with what judging them depends on. */
export interface EvaluatedEstate {
  readonly nitro: boolean;
  readonly pollMs: number;
  readonly records: EstateRecords | null;
}

/** Keeps verdicts up to date: judges what has new data or is no longer valid, and skips the rest. */
export class VerdictEvaluator {
  cutOff = false;
  /** Judgements so far: while it is the same, no verdict has changed. */
  judgements = 0;
  /** Probes whose failure is behind all front ends. */
  mailboxSide: ReadonlySet<ProbeFacts> = new Set();
  readonly #options: VerdictEvaluatorOptions;

  constructor(options: VerdictEvaluatorOptions) {
    this.#options = options;
  }

  /**
   * Whether judging it again would give the same result. When a validity ends, the result that was to expire has nearly always
   * been renewed without a change: it is then valid until the next result expires.
   */
  isUpToDate(record: MemberRecord | VserverRecord, monotonic = this.#options.monotonic()): boolean {
    const due = record.validUntil;
    if (monotonic > due && due !== -Infinity) {
      record.validUntil = firstStaleAfter(record.probes, due);
    }
    return monotonic <= record.validUntil;
  }

  /** Judges a member. True: it has changed in a way that vservers depend on; those are invalidated. */
  member(estate: EvaluatedEstate, member: MemberRecord): boolean {
    this.judgements += 1;
    const before = memberState(member);
    const now = this.#options.now();
    const judged = judgeMember(member, {
      now,
      cutOff: this.cutOff,
      nitro: estate.nitro,
      declared: this.declared(member, now).state,
      stabilityMs: this.#options.stabilityMs,
      overdueAfterMs: this.#options.overdueAfterMs,
      grace: this.#options.grace,
      mailboxSide: this.mailboxSide,
    });
    member.apply(judged, now);
    const changed = memberState(member) !== before;
    if (changed) {
      for (const vserver of estate.records?.vserversOfMember.get(member) ?? []) {
        vserver.invalidate();
      }
    }
    return changed;
  }

  /** Judges a vserver. GSLB vservers that hand it out are invalidated if it has changed. */
  vserver(estate: EvaluatedEstate, vserver: VserverRecord): void {
    this.judgements += 1;
    const before = vserverState(vserver);
    const now = this.#options.now();
    forgetReturned(vserver);
    const judged = judgeVserver(vserver, {
      now,
      cutOff: this.cutOff,
      nitro: estate.nitro,
      pollMs: estate.pollMs,
      ownAddresses: this.#options.ownAddresses,
      grace: this.#options.grace,
    });
    vserver.apply(judged, now);
    if (vserver.names.length > 0 && vserverState(vserver) !== before) {
      vserver.names.forEach((name) => {
        name.invalidate();
      });
    }
  }

  /** Judges the members and vservers of an estate that are not up to date, one by one. */
  *judgeDue(estate: EvaluatedEstate): Steps<void> {
    // Nearly all are up to date: reading the clocks for each would be most of the work.
    const now = this.#options.now();
    const monotonic = this.#options.monotonic();
    for (const member of estate.records?.members ?? []) {
      if (!this.isUpToDate(member, monotonic) || this.#windowTurns(member, now)) {
        this.member(estate, member);
      }
      yield;
    }
    for (const vserver of estate.records?.vservers ?? []) {
      if (!this.isUpToDate(vserver, monotonic)) {
        this.vserver(estate, vserver);
      }
      yield;
    }
  }

  /** Judges everything of an estate, with or without new data. */
  evaluateAll(estate: EvaluatedEstate): void {
    for (const member of estate.records?.members ?? []) {
      this.member(estate, member);
    }
    for (const vserver of estate.records?.vservers ?? []) {
      this.vserver(estate, vserver);
    }
  }

  /** Begins flexible windows and ends automatic ones by what servers show. */
  updateWindowProgress(namesakes: ReadonlyMap<string, readonly MemberRecord[]>): void {
    const now = this.#options.now();
    for (const [server, members] of namesakes) {
      const shows = (): ServerHealth => showsOf(members, now, this.#options.stabilityMs);
      this.#options.declarations.observe(server, shows, now);
    }
  }

  /** The declared window over a member. */
  declared(member: MemberRecord, now = this.#options.now()): Declared {
    return this.#options.declarations.declaredFor(member.server, now, member.awaySince);
  }

  /** Whether a declared window has begun or ended since this member was judged. */
  #windowTurns(member: MemberRecord, now: number): boolean {
    return this.declared(member, now).state !== member.maintenance.declared;
  }
}

/** What of a vserver the verdicts of GSLB vservers depend on, as one value to compare. */
function vserverState({ vip, verdict, members }: VserverRecord): string {
  return `${vip} ${verdict} ${String(members.reallyDown)} ${String(members.configured)}`;
}

/** What of a member the verdicts of its vservers depend on, as one value to compare. */
function memberState(member: MemberRecord): string {
  const { adcOpinion, replica, service, verdict, maintenance, probes } = member;
  const leaf = probes.find((probe) => probe.current?.tls)?.current?.tls?.chain[0]?.sha256 ?? "";
  return `${adcOpinion} ${replica} ${service} ${verdict} ${maintenance.declared} ${String(maintenance.detected)} ${leaf}`;
}
