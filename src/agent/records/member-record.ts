import type {
  BlindReason,
  DisabledObject,
  MemberState,
  MonitorState,
} from "../../model/adc-state.ts";
import type { AdcService, Member, Port } from "../../model/adc-service.ts";
import {
  initialDetection,
  keepDetections,
  moveDetection,
  type DetectionState,
} from "../../maintenance/detection.ts";
import type { MemberDepths } from "../../model/observation.ts";
import type { Reason, Step } from "../../model/reasons.ts";
import {
  initialAgreement,
  moveAgreement,
  postponeAgreement,
  type AgreementClock,
  type GraceLengths,
  type Opinions,
} from "../../verdict/grace.ts";
import {
  MISMATCH_VERDICTS,
  type AdcOpinion,
  type MemberVerdict,
  type ReplicaOpinion,
  type ServiceOpinion,
} from "../../model/verdicts.ts";
import {
  changesBetween,
  flapsOf,
  moveFalls,
  stepFalls,
  unexplainedFalls,
  type Fall,
  type Word,
} from "../../verdict/flapping.ts";
import type { LiveMember, LiveFlapping } from "../../model/live.ts";
import type { ProbeRecord } from "./probe-record.ts";

/** Everything the agent knows of one member; its public face is the live state's `LiveMember`. */
export class MemberRecord implements LiveMember {
  readonly adc: string;
  readonly adcService: string;
  readonly server: string;
  readonly address: string | null;
  readonly port: Port;
  readonly vservers: readonly string[];
  readonly member: Member;
  readonly adcServiceConfig: AdcService;
  readonly probes: readonly ProbeRecord[];
  readonly grace: GraceLengths;

  adcOpinion: AdcOpinion = "unknown";
  adcRawState: string | null = null;
  disabled: readonly DisabledObject[] | null = null;
  adcLastResponse: string | null = null;
  adcStateChangedAt: number | null = null;
  /** When the ADC was asked for what it says of this member; null while it says nothing. */
  adcPolledAt: number | null = null;
  adcMonitors: readonly MonitorState[] = [];
  connections: number | null = null;
  blind: readonly BlindReason[] = [];
  replica: ReplicaOpinion = "unknown";
  service: ServiceOpinion = "none";
  verdict: MemberVerdict = "unknown";
  step: Step | null = null;
  reason: Reason | null = null;
  decidedBy: string | null = null;
  depth: MemberDepths = { adc: null, replica: null, service: null };
  since: number | null = null;
  mismatch = false;
  maintenance: LiveMember["maintenance"] = { declared: "no", adc: false, detected: false };
  readyToReturn = false;
  stateChanges = { adc: 0, replica: 0, service: 0 };
  flapping: LiveFlapping | null = null;

  /** Why the operator wants no verdict of it; null: there is one. */
  unjudged: string | null = null;
  /** Of a site of GSLB: the members behind its VIP, where an ADC of ours has it. */
  behind: readonly MemberRecord[] = [];

  detection: DetectionState = initialDetection();
  agreement: AgreementClock;
  /** The opinions as last judged: they hold until something new is known. Null before the first time. */
  judged: Opinions | null = null;
  /** Until when judging again would give the same result without new data; -Infinity: it may change at any moment. */
  nextEvaluationAt = -Infinity;
  /** Since when everything has been good by our own opinions; null while it is not. */
  goodSince: number | null = null;
  /** Good by our own opinions, and no monitor of its own is undecided. */
  provenGood = false;
  /** When it was so last, here or in an earlier run; null while it never was. */
  lastGoodAt: number | null = null;
  /** Whether it has worked since its maintenance window ended; false while none is over. */
  workedSinceWindow = false;
  /** It was out of service, or seen in maintenance, since it was last good. */
  workedOn = false;
  /** Since when anything of ours has spoken against it without a break; null while nothing does. */
  brokenSince: number | null = null;
  /** Since when the ADC has had it out of service, or on the way there; null while it has not. */
  outSince: number | null = null;
  /** When the ADC reported it, if the member was in service until then; null while it has not. */
  outToldAt: number | null = null;
  /** The server asked for maintenance itself, as the ADC reports (its TROFS answer to the ADC's own monitor). */
  adcHeardMaintenance = false;
  /** The last state that the ADC reported, however long ago; `unknown` before the first. */
  #lastAdcState: AdcOpinion = "unknown";
  /** Its last UP or DOWN since it was in service without a break; null before, and after a failover. */
  #lastWord: Word | null = null;
  /** What it did to the member alone, within the last hour. */
  #falls: readonly Fall[] = [];
  /** What its monitors answered while it had it DOWN, newest first. */
  #lastReasons: readonly string[] = [];
  /** The last opinions of ours that were not unknown. */
  #lastKnown: { readonly replica: ReplicaOpinion; readonly service: ServiceOpinion } = {
    replica: "unknown",
    service: "unknown",
  };
  #mismatchMs = 0;
  #countedAt: number;
  #madeAt: number;
  /** The verdict of an earlier run, and until when it may be found again. */
  #remembered: {
    readonly verdict: string;
    readonly since: number;
    readonly until: number;
  } | null = null;

  constructor(
    adc: string,
    service: AdcService,
    member: Member,
    vservers: readonly string[],
    probes: readonly ProbeRecord[],
    grace: GraceLengths,
    now: number,
  ) {
    this.adc = adc;
    this.adcService = service.name;
    this.server = member.server;
    this.address = member.address;
    this.port = member.port;
    this.vservers = vservers;
    this.probes = probes;
    this.member = member;
    this.adcServiceConfig = service;
    this.grace = grace;
    this.agreement = initialAgreement(now);
    this.#countedAt = now;
    this.#madeAt = now;
  }

  get mismatchSeconds(): number {
    return this.#mismatchMs / 1000;
  }

  /** Good by our own opinions: neither is down, and one is up. */
  get good(): boolean {
    return (
      this.replica !== "down" &&
      this.service !== "down" &&
      (this.replica === "up" || this.service === "up")
    );
  }

  /**
   * Since when it has been away without a break: out of service on the ADC, or DOWN there and without a good answer to
   * us. Where none of ours was ever good, the ADC's own last change decides, else when we began to look. Null while it is
   * not away, or unknown.
   */
  get awaySince(): number | null {
    if (this.adcOpinion === "up" || this.adcOpinion === "unknown") {
      return this.outSince;
    }
    const notGoodSince = this.provenGood
      ? null
      : (this.lastGoodAt ?? this.adcStateChangedAt ?? this.#madeAt);
    return notGoodSince === null || this.outSince === null
      ? (notGoodSince ?? this.outSince)
      : Math.min(notGoodSince, this.outSince);
  }

  /** A site all of whose servers are being worked on. */
  get leadsToMaintenance(): boolean {
    return (
      this.behind.length > 0 &&
      this.behind.every(
        ({ maintenance: { declared, adc, detected } }) => declared === "open" || adc || detected,
      )
    );
  }

  /** Bad by our own opinions. */
  get bad(): boolean {
    return this.replica === "down" || this.service === "down";
  }

  /** There is new data: it must be judged again. */
  invalidate(): void {
    this.nextEvaluationAt = -Infinity;
  }

  /** Takes in what the ADC says of this member, and when it was asked; null when it says nothing. */
  applyAdcState(state: MemberState | null, at: number, askedAt = at): void {
    const before = this.#adcStateKey();
    this.#applyAdcState(state, at);
    this.adcPolledAt = state === null ? null : askedAt;
    if (this.#adcStateKey() !== before) {
      this.invalidate();
    }
  }

  /** What of the ADC's words a verdict, its reason or the history depends on, as one value to compare. */
  #adcStateKey(): string {
    return `${this.adcOpinion} ${String(this.outSince !== null)} ${String(this.adcHeardMaintenance)} ${this.adcRawState ?? ""} ${String(this.connections === 0)} ${this.adcLastResponse ?? ""}`;
  }

  #applyAdcState(state: MemberState | null, at: number): void {
    const opinion = state?.state ?? "unknown";
    if (state !== null && state.sinceMs !== null) {
      this.adcStateChangedAt = at - state.sinceMs;
    } else if (
      opinion !== "unknown" &&
      this.#lastAdcState !== "unknown" &&
      opinion !== this.#lastAdcState
    ) {
      // A first word is no change of mind, nor is silence, nor is the same word after silence.
      this.adcStateChangedAt = at;
    }
    this.adcOpinion = opinion;
    this.adcRawState = state?.rawState ?? null;
    this.disabled = state?.disabled ?? null;
    this.connections = state?.connections ?? null;
    this.blind = state?.blind ?? [];
    this.adcMonitors = state?.monitors ?? [];
    this.adcLastResponse = lastResponseOf(state);
    const out = opinion === "out" || opinion === "leaving" || opinion === "leaving_down";
    const outAt = at - (state?.sinceMs ?? 0);
    if (opinion !== "unknown") {
      const wasIn = this.outSince === null && this.#lastAdcState !== "unknown";
      this.outToldAt = out ? (wasIn ? at : this.outToldAt) : null;
      this.#lastAdcState = opinion;
    }
    this.outSince = out ? (this.outSince ?? outAt) : opinion === "unknown" ? this.outSince : null;
    this.adcHeardMaintenance = out && (state?.trofsReason ?? "") !== "";
    this.#followFlaps(state, at);
  }

  #followFlaps(state: MemberState | null, at: number): void {
    const opinion = this.adcOpinion;
    if (opinion === "unknown") {
      return;
    }
    if (opinion !== "up" && opinion !== "down") {
      // Taken out by somebody: what came before is another story.
      this.stateChanges.adc += this.#lastWord === null ? 0 : 1;
      this.#lastWord = null;
      this.#falls = [];
      return;
    }
    const changedAt = state?.sinceMs === null || state === null ? null : at - state.sinceMs;
    const word: Word = { state: opinion, at, changedAt };
    if (this.#lastWord !== null) {
      const changes = changesBetween(this.#lastWord, word);
      this.stateChanges.adc += changes;
      this.#falls = stepFalls(this.#falls, this.#lastWord, word);
      if (changes > 0) {
        this.invalidate();
      }
    }
    this.#lastWord = word;
    if (opinion === "down" && this.adcLastResponse !== null) {
      const others = this.#lastReasons.filter((each) => each !== this.adcLastResponse);
      this.#lastReasons = [this.adcLastResponse, ...others].slice(0, MAX_REASONS);
    }
  }

  /** After a failover the other node reports since when: that its time differs is no change. */
  forgetLastWord(): void {
    this.#lastWord = null;
  }

  /** Follows our own opinions, and whether the ADC flaps alone. `failedAt`: when any probe that counts failed last. */
  followChanges(failedAt: () => number | null, now: number): void {
    for (const of of ["replica", "service"] as const) {
      const before = this.#lastKnown[of];
      const opinion = this[of];
      if (opinion === "up" || opinion === "down") {
        this.stateChanges[of] += before === "unknown" || before === opinion ? 0 : 1;
        this.#lastKnown = { ...this.#lastKnown, [of]: opinion };
      }
    }
    if (this.#falls.length > 0) {
      const marginMs = this.grace.towardsDownMs;
      this.#falls = unexplainedFalls(this.#falls, failedAt(), marginMs, now);
    }
    const flaps = this.good ? flapsOf(this.#falls, now) : null;
    this.flapping = flaps === null ? null : { flaps, lastResponses: this.#lastReasons };
  }

  /** A clock runs until flapping is over. */
  get mayFlap(): boolean {
    return this.#falls.length > 0;
  }

  /** Sets the verdict; the time since the last one is booked on the mismatch that held till now. */
  judge(verdict: MemberVerdict, now: number): void {
    this.countMismatch(now);
    if (verdict !== this.verdict || this.since === null) {
      this.since = now;
      this.#recall(verdict, now);
    }
    this.verdict = verdict;
    this.mismatch = MISMATCH_VERDICTS.has(verdict);
  }

  /** What an earlier run knew: should this verdict be found again until then, it has held since. */
  remember(verdict: string, since: number, until: number): void {
    this.#remembered = { verdict, since, until };
    if (this.since !== null) {
      this.#recall(this.verdict, this.since);
    }
  }

  #recall(verdict: MemberVerdict, now: number): void {
    const known = this.#remembered;
    if (known?.verdict === verdict && now <= known.until) {
      this.since = Math.min(now, known.since);
      this.#remembered = null;
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
    const moved = (at: number | null): number | null => (at === null ? null : at + stepMs);
    this.agreement = moveAgreement(this.agreement, stepMs);
    this.detection = moveDetection(this.detection, stepMs);
    this.goodSince = moved(this.goodSince);
    this.lastGoodAt = moved(this.lastGoodAt);
    this.brokenSince = moved(this.brokenSince);
    this.outSince = moved(this.outSince);
    this.outToldAt = moved(this.outToldAt);
    this.since = moved(this.since);
    this.adcStateChangedAt = moved(this.adcStateChangedAt);
    this.adcPolledAt = moved(this.adcPolledAt);
    this.#falls = moveFalls(this.#falls, stepMs);
    if (this.#lastWord !== null) {
      const { state, at, changedAt } = this.#lastWord;
      this.#lastWord = { state, at: at + stepMs, changedAt: moved(changedAt) };
    }
    this.#countedAt += stepMs;
    this.#madeAt += stepMs;
    const known = this.#remembered;
    if (known !== null) {
      this.#remembered = { ...known, since: known.since + stepMs, until: known.until + stepMs };
    }
  }

  /** Nothing was observed for a while: this time does not count as grace (within bounds), nor as stability. */
  excludePause(ms: number): void {
    this.agreement = postponeAgreement(this.agreement, ms);
    this.goodSince = this.goodSince === null ? null : this.goodSince + ms;
  }

  /** Takes over the memory of the same member's earlier record when the estate is imported again. */
  inherit(earlier: MemberRecord): void {
    const own = new Set(this.probes.map(({ id }) => id));
    this.detection = keepDetections(earlier.detection, (probe) => own.has(probe));
    this.agreement = earlier.agreement;
    this.judged = earlier.judged;
    this.goodSince = earlier.goodSince;
    this.lastGoodAt = earlier.lastGoodAt;
    this.workedSinceWindow = earlier.workedSinceWindow;
    this.provenGood = earlier.provenGood;
    this.workedOn = earlier.workedOn;
    this.brokenSince = earlier.brokenSince;
    this.depth = earlier.depth;
    this.outSince = earlier.outSince;
    this.outToldAt = earlier.outToldAt;
    this.replica = earlier.replica;
    this.service = earlier.service;
    this.maintenance = earlier.maintenance;
    this.readyToReturn = earlier.readyToReturn;
    this.step = earlier.step;
    this.reason = earlier.reason;
    this.decidedBy = earlier.decidedBy;
    this.verdict = earlier.verdict;
    this.since = earlier.since;
    this.mismatch = earlier.mismatch;
    this.adcOpinion = earlier.adcOpinion;
    this.adcRawState = earlier.adcRawState;
    this.disabled = earlier.disabled;
    this.adcLastResponse = earlier.adcLastResponse;
    this.adcStateChangedAt = earlier.adcStateChangedAt;
    this.adcPolledAt = earlier.adcPolledAt;
    this.adcMonitors = earlier.adcMonitors;
    this.connections = earlier.connections;
    this.blind = earlier.blind;
    this.adcHeardMaintenance = earlier.adcHeardMaintenance;
    this.#lastAdcState = earlier.#lastAdcState;
    this.#lastWord = earlier.#lastWord;
    this.#falls = earlier.#falls;
    this.#lastReasons = earlier.#lastReasons;
    this.#lastKnown = earlier.#lastKnown;
    this.stateChanges = { ...earlier.stateChanges };
    this.flapping = earlier.flapping;
    this.#mismatchMs = earlier.#mismatchMs;
    this.#countedAt = earlier.#countedAt;
    this.#madeAt = earlier.#madeAt;
    this.#remembered = earlier.#remembered;
  }
}

/** A monitor that fails in more ways than that shows nothing. */
const MAX_REASONS = 3;

/** The last response of the monitor that matters most: one that is down, else the first that said anything. */
function lastResponseOf(state: MemberState | null): string | null {
  const monitors = state?.monitors ?? [];
  const failing = monitors.find((monitor) => monitor.state === "down" && monitor.lastResponse);
  return (failing ?? monitors.find((monitor) => monitor.lastResponse))?.lastResponse ?? null;
}
