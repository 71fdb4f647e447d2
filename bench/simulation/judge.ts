import type { MemberRecord } from "../../src/agent/records/member-record.ts";
import { monitorPasses, type Truth } from "./world.ts";
import type { ServiceKind } from "./estate.ts";

/** The verdicts that call someone at night: each must be true whenever it is said, and said whenever it is true. */
export const ALARMS = ["routes_to_maintenance", "false_up", "false_down"] as const;
export type Alarm = (typeof ALARMS)[number];

export interface Missed {
  readonly alarm: Alarm;
  readonly member: string;
  readonly sinceMs: number;
}
export interface FalseAlarm {
  readonly alarm: Alarm;
  readonly member: string;
  readonly atMs: number;
}

/** What is so of one member, by the truth and by what the ADC has told at its last poll. */
export function trueAlarm(kind: ServiceKind, truth: Truth, adcUp: boolean): Alarm | null {
  if (adcUp) {
    if (truth.condition === "maintenance") {
      return "routes_to_maintenance";
    }
    return truth.adc === "stuck_up" && !monitorPasses(kind, truth) ? "false_up" : null;
  }
  return truth.adc === "stuck_down" && truth.condition === "well" ? "false_down" : null;
}

/** Follows one member: how long something has been so without being said, and what was said without being so. */
export class MemberJudge {
  readonly delaysMs: { readonly alarm: Alarm; readonly delayMs: number }[] = [];
  readonly missed: Missed[] = [];
  readonly falseAlarms: FalseAlarm[] = [];
  /** Alarms that were so, however short. */
  episodes = 0;
  #current: Alarm | null = null;
  #since = 0;
  #named = false;
  readonly #lastTrueAt = new Map<Alarm, number>();
  readonly #record: MemberRecord;
  readonly #kind: ServiceKind;
  readonly #boundMs: number;
  readonly #clearsWithinMs: number;

  /** `boundMs`: named within; `clearsWithinMs`: how long an alarm may outlast its cause. */
  constructor(record: MemberRecord, kind: ServiceKind, boundMs: number, clearsWithinMs: number) {
    this.#record = record;
    this.#kind = kind;
    this.#boundMs = boundMs;
    this.#clearsWithinMs = clearsWithinMs;
  }

  look(at: number, truth: Truth): void {
    const so = trueAlarm(this.#kind, truth, this.#record.adcOpinion === "up");
    const said = this.#record.verdict;
    if (so !== this.#current) {
      this.#current = so;
      this.#since = at;
      this.#named = false;
      this.episodes += so === null ? 0 : 1;
    }
    if (so !== null) {
      this.#lastTrueAt.set(so, at);
      this.#follow(so, said === so, at);
    }
    for (const alarm of ALARMS) {
      const lastTrue = this.#lastTrueAt.get(alarm) ?? -Infinity;
      if (said === alarm && at - lastTrue > this.#clearsWithinMs) {
        this.falseAlarms.push({ alarm, member: this.#name(), atMs: at });
      }
    }
  }

  #follow(so: Alarm, said: boolean, at: number): void {
    if (said && !this.#named) {
      this.#named = true;
      this.delaysMs.push({ alarm: so, delayMs: at - this.#since });
    }
    if (!this.#named && at - this.#since > this.#boundMs) {
      this.#named = true;
      this.missed.push({ alarm: so, member: this.#name(), sinceMs: this.#since });
    }
  }

  #name(): string {
    return `${this.#record.adcService}/${this.#record.server}:${String(this.#record.port)}`;
  }
}
