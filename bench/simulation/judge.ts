import type { MemberRecord } from "../../src/agent/records/member-record.ts";
import { lastAgreedAt } from "../../src/verdict/grace.ts";
import type { MemberVerdict } from "../../src/model/verdicts.ts";
import { alarmOf, expectedVerdict, trueAlarm, type Alarm, type Situation } from "./expected.ts";
import { cellOf, situationName, type Tally } from "./tally.ts";
import { seesPortAlone, type Truth } from "./world.ts";

/** One alarm that was named. */
export interface Named {
  readonly alarm: Alarm;
  /** From the moment it came to be so, the fault itself, to its name. */
  readonly sinceFaultMs: number;
  /** From the last agreement of all opinions, when the agent's grace begins. */
  readonly sinceAgreementMs: number;
  /** The member's grace and one interval of its slowest probe. */
  readonly graceAndIntervalMs: number;
}

/** A false or missed alarm. */
export interface Mistake {
  readonly alarm: Alarm | "adc_flapping" | "vip_login_broken";
  readonly member: string;
  readonly atMs: number;
}

export interface Bounds {
  /** A true alarm must be reported within this time. */
  readonly namedWithinMs: number;
  /** Maximum time that an alarm may outlast its cause. */
  readonly clearsWithinMs: number;
  readonly graceAndIntervalMs: number;
  /** Additional time for alarms that wait for the stability time. */
  readonly stabilityMs: number;
}

export interface History {
  /** When this situation started, which a poll may show later. */
  readonly since: number;
  /** The truth before its last change: the agent's observation may be as old as its last look. */
  readonly before: Truth;
  readonly changedAt: number;
}

/** The verdict since the last look. */
interface Standing {
  readonly from: number;
  readonly name: string;
  readonly expected: MemberVerdict | null;
  readonly so: Alarm | null;
  readonly said: MemberVerdict;
  readonly alarm: Alarm | null;
  /** It was healthy too briefly to be observed, and the verdict would be correct without that. */
  readonly mayBe: boolean;
}

const AFTER_STABILITY: ReadonlySet<MemberVerdict> = new Set(["ready_to_return", "return_overdue"]);

/**
 * Compares the reported with the true state of one member over all time. Call it whenever either may have changed; between
 * two calls both are constant.
 */
export class MemberJudge {
  readonly named: Named[] = [];
  readonly missed: Mistake[] = [];
  readonly falseAlarms: Mistake[] = [];
  /** Alarms that were correct, however short. */
  episodes = 0;
  #standing: Standing | null = null;
  #expectedSince = 0;
  #soSince = 0;
  /** The current true alarm was reported, or counted as missed. */
  #settled = false;
  #spellIsFalse = false;
  #wrongSaid: MemberVerdict | null = null;
  readonly #lastSoAt = new Map<Alarm, number>();
  readonly #record: MemberRecord;
  readonly #bounds: Bounds;
  readonly #tally: Tally;

  constructor(record: MemberRecord, bounds: Bounds, tally: Tally) {
    this.#record = record;
    this.#bounds = bounds;
    this.#tally = tally;
  }

  look(at: number, situation: Situation, { since, before: was, changedAt }: History): void {
    const before = this.#standing;
    if (before !== null) {
      this.#account(before, at);
    }
    const said = this.#record.verdict;
    const alarm = alarmOf(said, this.#record.reason);
    const so = trueAlarm(situation);
    const expected = expectedVerdict(situation);
    if (before === null || expected !== before.expected) {
      this.#expectedSince = at;
    }
    if (so !== (before?.so ?? null)) {
      this.#soSince = Math.min(since, at);
      this.#settled = false;
      this.episodes += so === null ? 0 : 1;
    }
    if (said !== before?.said) {
      this.#spellIsFalse = false;
    }
    if (so !== null) {
      this.#lastSoAt.set(so, at);
      this.#name(so, alarm, at);
    }
    const wouldBe = trueAlarm({ ...situation, truth: was });
    if (wouldBe !== null && wouldBe !== so) {
      // If only the ADC's monitoring was repaired, its state stays wrong until it reports another.
      const stillBelieves = was.condition === situation.truth.condition && since === changedAt;
      const until = stillBelieves ? at : changedAt;
      this.#lastSoAt.set(wouldBe, Math.max(this.#lastSoAt.get(wouldBe) ?? 0, until));
    }
    this.#standing = {
      from: at,
      name: situationName(situation),
      expected,
      so,
      said,
      alarm,
      mayBe: mayBeSo(situation, said, alarm),
    };
  }

  /**
   * Accounts for the time since the last look: verdicts that lasted too long, and those that should have been given by
   * now.
   */
  #account({ from, name, expected, so, said, alarm, mayBe }: Standing, to: number): void {
    const cell = cellOf(this.#tally, name, said);
    cell.heldMs += to - from;
    if (so !== null) {
      this.#lastSoAt.set(so, to);
      if (!this.#settled && to - this.#soSince > this.#bounds.namedWithinMs) {
        this.#settled = true;
        this.missed.push({ alarm: so, member: this.#memberName(), atMs: this.#soSince });
      }
    }
    if (mayBe && alarm !== null) {
      this.#lastSoAt.set(alarm, to);
    }
    if (alarm !== null && so !== alarm && !mayBe && !this.#spellIsFalse) {
      const lastSoAt = this.#lastSoAt.get(alarm) ?? -Infinity;
      if (to - lastSoAt > this.#bounds.clearsWithinMs) {
        this.#spellIsFalse = true;
        this.falseAlarms.push({ alarm, member: this.#memberName(), atMs: to });
      }
    }
    const wrongFrom = Math.max(from, this.#expectedSince + this.#mayTakeMs(expected));
    if (expected === null || said === expected || mayBe || wrongFrom >= to) {
      this.#wrongSaid = null;
      return;
    }
    cell.wrongMs += to - wrongFrom;
    cell.wrongTimes += this.#wrongSaid === said ? 0 : 1;
    this.#wrongSaid = said;
  }

  #mayTakeMs(expected: MemberVerdict | null): number {
    const stable = expected !== null && AFTER_STABILITY.has(expected);
    return this.#bounds.namedWithinMs + (stable ? this.#bounds.stabilityMs : 0);
  }

  #name(so: Alarm, alarm: Alarm | null, at: number): void {
    if (alarm !== so || this.#settled) {
      return;
    }
    this.#settled = true;
    const { memory, adcOpinion, replica, service } = this.#record;
    const agreedAt = lastAgreedAt(memory.agreement, { adc: adcOpinion, replica, service });
    this.named.push({
      alarm: so,
      sinceFaultMs: at - this.#soSince,
      sinceAgreementMs: at - agreedAt,
      graceAndIntervalMs: this.#bounds.graceAndIntervalMs,
    });
  }

  #memberName(): string {
    return `${this.#record.adcService}/${this.#record.server}:${String(this.#record.port)}`;
  }
}

/** Whether an unexpected verdict is acceptable. */
function mayBeSo(situation: Situation, said: MemberVerdict, alarm: Alarm | null): boolean {
  const { kind, truth, window, login, monitorLogin, loginLags, wasBrieflyWell, isAwayUntold } =
    situation;
  if (said === "maintenance_overrun" || said === "maintenance_expected") {
    // An ADC that has just been given it back is DOWN until its first probe, and the window is over at that moment.
    const isGivenBack =
      seesPortAlone(kind) && truth.condition === "maintenance" && window === "over";
    return wasBrieflyWell || isAwayUntold || isGivenBack;
  }
  if (monitorLogin !== "works" && (alarm === "strict_monitor" || alarm === "false_down")) {
    // An ADC whose path is cut and one whose login is refused look alike, but only the first is wrong.
    return truth.condition === "well" && (alarm === "strict_monitor" || truth.adc === "stuck_down");
  }
  if (login === "works") {
    return false;
  }
  // What was observed before the logins stopped; a rejection remains the last result until the next login.
  return (
    loginLags ||
    truth.condition === "dead_backend" ||
    (alarm === "false_up" && truth.condition !== "well" && truth.adc === "stuck_up") ||
    (alarm === "auth_rejected" && login === "held")
  );
}
