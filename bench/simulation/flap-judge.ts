import type { MemberRecord } from "../../src/agent/records/member-record.ts";
import { TIMING } from "./estate.ts";
import type { Mistake } from "./judge.ts";
import type { AdcBelief } from "./simulated-adc.ts";

/** How often an ADC flapped without a cause, and how often the agent reported it. */
export interface FlapCounts {
  /** Periods with enough falls that no probe result could explain. */
  readonly due: number;
  readonly named: number;
}

const HOUR_MS = 3_600_000;
/** A finding needs three; one more is granted, for a poll and a judgement come after the last. */
const MUST_BE_NAMED = 4;
/** The agent may see a failure this much later or earlier than the ADC. */
const AROUND_MS = 180_000;
/** An ADC marks a member down because of its last probes, which began no longer ago than this. */
const DECIDES_MS = TIMING.retries * TIMING.intervalMs + TIMING.timeoutMs;

interface TrueFall {
  readonly downAt: number;
  upAt: number | null;
  /** The member was healthy throughout, including when the ADC probed it. */
  alone: boolean;
}

/**
 * Tracks how one ADC marks a member down and up, and whether it does so without cause. If a failed probe of ours might
 * explain it, it need not be reported, but reporting it is false only with fewer than three falls of the ADC's own.
 */
export class FlapJudge {
  readonly missed: Mistake[] = [];
  readonly falseAlarms: Mistake[] = [];
  due = 0;
  named = 0;
  readonly #record: MemberRecord;
  #falls: TrueFall[] = [];
  #belief: AdcBelief = "up";
  #notWellAt = -Infinity;
  #failures: number[] = [];
  #isSaid = false;
  #isDue = false;

  constructor(record: MemberRecord) {
    this.#record = record;
  }

  /**
   * The ADC's state after one of its probes, from when it is visible; `isWell`: whether the member is healthy in truth.
   */
  believes(
    now: { readonly belief: AdcBelief; readonly at: number },
    at: number,
    isWell: boolean,
  ): void {
    this.#notWellAt = isWell ? this.#notWellAt : at;
    const { belief } = now;
    if (belief === this.#belief) {
      return;
    }
    const last = this.#falls.at(-1);
    if (this.#belief === "up" && belief === "down") {
      const alone = isWell && at - this.#notWellAt > DECIDES_MS;
      this.#falls.push({ downAt: now.at, upAt: null, alone });
    } else if (last !== undefined && belief === "up" && last.upAt === null) {
      last.upAt = now.at;
      last.alone &&= isWell && this.#notWellAt < last.downAt;
    } else if (belief !== "down" && belief !== "up") {
      this.#falls = [];
    }
    this.#belief = belief;
    this.#falls = this.#falls.filter(({ downAt }) => at - downAt <= HOUR_MS);
  }

  /** A probe of the agent failed or was lost. */
  weFailed(at: number): void {
    this.#failures = [...this.#failures.filter((each) => at - each <= HOUR_MS), at];
  }

  look(at: number): void {
    const isSaid = this.#record.flapping !== null;
    const falls = this.#falls.filter(({ downAt }) => at - downAt <= HOUR_MS + AROUND_MS);
    const own = falls.filter(({ alone, upAt }) => alone && upAt !== null);
    if (isSaid && !this.#isSaid) {
      // A fall that no poll saw, or that began while nothing could be observed, was not reported.
      if (own.length < 3) {
        this.falseAlarms.push({ alarm: "adc_flapping", member: this.#name(), atMs: at });
      } else {
        this.named += 1;
        this.#isDue = true;
      }
    }
    this.#isSaid = isSaid;
    const doubtless = own.filter(
      ({ downAt, upAt }) =>
        !this.#failures.some(
          (failed) => failed >= downAt - AROUND_MS && failed <= (upAt ?? at) + AROUND_MS,
        ),
    );
    const isDue = doubtless.length >= MUST_BE_NAMED && at - (doubtless.at(-1)?.upAt ?? 0) > 60_000;
    if (isDue && !this.#isDue) {
      this.due += 1;
      this.#isDue = true;
      if (!isSaid) {
        this.missed.push({ alarm: "adc_flapping", member: this.#name(), atMs: at });
      }
    }
    if (own.length === 0) {
      this.#isDue = false;
    }
  }

  #name(): string {
    return `${this.#record.adcService}/${this.#record.server}:${String(this.#record.port)}`;
  }
}

export function sumOfCounts(judges: readonly FlapCounts[]): FlapCounts {
  return {
    due: judges.reduce((sum, each) => sum + each.due, 0),
    named: judges.reduce((sum, each) => sum + each.named, 0),
  };
}
