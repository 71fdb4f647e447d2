import type { VserverRecord } from "../../src/agent/records/vserver-record.ts";
import type { ProbeRecord } from "../../src/agent/records/probe-record.ts";
import type { ProbeResult } from "../../src/agent/run-probe.ts";
import type { VserverState } from "../../src/model/adc-state.ts";
import { LARGE_POST, LOGIN_EVERY_MS, POLL_MS } from "./estate.ts";
import type { Mistake } from "./judge.ts";
import { loginSeen } from "./logins.ts";
import type { Member } from "./member.ts";
import type { Random } from "./random.ts";
import { failureSeen, lookPasses, observation, type Failure } from "./world.ts";

/** The state of the ADC's own login: it works, or fails for everybody at this step; or only large requests are lost. */
const RUNGS = [
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
  "post_lost",
] as const;
export type AaaTruth = "works" | (typeof RUNGS)[number];

/** How often a vserver's broken login was due to be named, and how often it was. */
export interface LoginCounts {
  readonly due: number;
  readonly named: number;
}

/** Two logins fail, 3 s apart; the first may be lost, and a poll may report the second later. */
const NAMED_WITHIN_MS = 2 * LOGIN_EVERY_MS + POLL_MS + 4_000;
const CLEARS_WITHIN_MS = 2 * LOGIN_EVERY_MS + POLL_MS + 4_000;

/** One vserver with the ADC's login in front, and one judge of whether a break of it is named. */
export class GuardedVserver {
  readonly missed: Mistake[] = [];
  readonly falseAlarms: Mistake[] = [];
  due = 0;
  named = 0;
  truth: AaaTruth = "works";
  readonly record: VserverRecord;
  readonly #members: readonly Member[];
  #soSince: number | null = null;
  #isSettled = false;
  #isFalse = false;
  /** Until when a failure may still be reported: it lasts, or no login has been allowed since. */
  #mayBeUntil = -Infinity;

  constructor(record: VserverRecord, members: readonly Member[]) {
    this.record = record;
    this.#members = members;
  }

  /** What happens to the ADC's login next, and how long that lasts. */
  change(now: number, random: Random): number {
    this.look(now);
    this.truth = this.truth === "works" ? random.pick(RUNGS) : "works";
    this.look(now);
    return this.truth === "works"
      ? random.whole(1_800_000, 4 * 3_600_000)
      : random.whole(60_000, 5_400_000);
  }

  polled(now: number): VserverState {
    const isUp = this.#serving(now).length > 0;
    return {
      name: this.record.vserver,
      kind: "lb",
      state: isUp ? "up" : "down",
      effectiveState: isUp ? "up" : "down",
      rawState: isUp ? "UP" : "DOWN",
      healthPercent: null,
      backupActive: false,
      remark: null,
      sinceMs: null,
    };
  }

  /** What a probe through the VIP observes: the ADC's login, and after it the member whose turn it is. */
  see(probe: ProbeRecord, now: number, random: Random): ProbeResult {
    const serving = this.#serving(now);
    if (serving.length === 0) {
      return loginSeen(now, NO_SERVICE, "not_tried");
    }
    if (probe.credential === null) {
      return { observation: observation(now, GUARDED), passed: false };
    }
    if (this.truth === "post_lost" && probe.transaction === LARGE_POST) {
      const lost = { outcome: "failed", step: "transaction", reason: "post_lost" } as const;
      return loginSeen(now, lost, "accepted");
    }
    if (this.truth !== "works" && this.truth !== "post_lost") {
      return this.truth === "aaa_rejected"
        ? loginSeen(now, { outcome: "fault", step: "login", reason: this.truth }, "rejected")
        : loginSeen(now, { outcome: "failed", step: "login", reason: this.truth }, "accepted");
    }
    const { truth } = random.pick(serving);
    const serves = lookPasses("https_challenge", truth);
    return loginSeen(now, serves ? null : failureSeen("https_challenge", truth), "accepted");
  }

  look(now: number): void {
    const isSaid = this.record.verdict === "vip_login_broken";
    const isBroken = this.truth !== "works";
    if (isBroken || this.record.probes.some(({ heldBack }) => heldBack !== null)) {
      this.#mayBeUntil = now + CLEARS_WITHIN_MS;
    }
    const isSo =
      isBroken &&
      this.record.adcOpinion === "up" &&
      this.#members.some(
        ({ truth, adc }) => truth.condition === "well" && adc.beliefAt(now) === "up",
      );
    this.#soSince = isSo ? (this.#soSince ?? now) : null;
    this.#isSettled &&= isSo;
    if (isSo && isSaid && !this.#isSettled) {
      this.#isSettled = true;
      this.due += 1;
      this.named += 1;
    } else if (isSo && !this.#isSettled && now - (this.#soSince ?? now) > NAMED_WITHIN_MS) {
      this.#isSettled = true;
      this.due += 1;
      this.missed.push(this.#mistake(now));
    }
    if (isSaid && now > this.#mayBeUntil && !this.#isFalse) {
      this.falseAlarms.push(this.#mistake(now));
    }
    this.#isFalse = isSaid && now > this.#mayBeUntil;
  }

  #serving(now: number): readonly Member[] {
    return this.#members.filter(({ adc }) => adc.beliefAt(now) === "up");
  }

  #mistake(atMs: number): Mistake {
    return { alarm: "vip_login_broken", member: this.record.vserver, atMs };
  }
}

const GUARDED: Failure = { outcome: "mismatch", step: "response", reason: "aaa_login" };
const NO_SERVICE: Failure = { outcome: "failed", step: "tls", reason: "reset" };
