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
} from "../../verdict/detection.ts";
import { postponeTo, type GraceLengths } from "../../verdict/grace.ts";
import { MISMATCH_VERDICTS, type AdcOpinion } from "../../model/verdicts.ts";
import { changesBetween, stepFalls, type Report } from "../../verdict/flapping.ts";
import type { LiveMember, LiveFlapping } from "../../model/live.ts";
import type { MemberFacts } from "../../verdict/facts.ts";
import {
  initialMemory,
  movedBy,
  moveMemory,
  UNJUDGED_MEMBER,
  withoutPause,
  type Judged,
  type MemberJudgement,
  type MemberMemory,
} from "../../verdict/judgement.ts";
import { awaySince, isBad, isGood } from "../../verdict/judge-member.ts";
import type { ProbeRecord } from "./probe-record.ts";

/** Everything the agent knows of one member: what the ADC reports, its probes, and the last judgement. */
export class MemberRecord implements LiveMember, MemberFacts {
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
  /** When the ADC was polled for this member's state; null: it has reported none. */
  adcPolledAt: number | null = null;
  adcMonitors: readonly MonitorState[] = [];
  connections: number | null = null;
  blind: readonly BlindReason[] = [];
  since: number | null = null;
  stateChanges = { adc: 0, replica: 0, service: 0 };

  /** Why the operator wants no verdict on it; null: there is one. */
  unjudged: string | null = null;
  /** Of a GSLB site: the members behind its VIP, where a watched ADC has it. */
  behind: readonly MemberRecord[] = [];

  detection: DetectionState = initialDetection();
  /** What earlier judgements left. */
  memory: MemberMemory;
  #judgement: MemberJudgement = UNJUDGED_MEMBER;
  /** Until when the judgement holds without new data, by the monotonic clock; -Infinity: judge again at once. */
  validUntil = -Infinity;
  /** Since when the ADC has had it out of service, or on the way there; null: it has not. */
  outSince: number | null = null;
  /** When the ADC reported that, if the member was in service until then; null otherwise. */
  outReportedAt: number | null = null;
  /** The server itself declared maintenance, by a TROFS answer that the ADC reports. */
  adcSawTrofs = false;
  /** The last state that the ADC reported, expired or not; `unknown` before the first. */
  #lastAdcState: AdcOpinion = "unknown";
  /** The last report of UP or DOWN, while the member has been in service without a break; null after a failover. */
  #lastReport: Report | null = null;
  lastDownResponses: readonly string[] = [];
  /** Our last opinions that were not unknown. */
  #lastKnown: Pick<MemberJudgement, "replica" | "service"> = {
    replica: "unknown",
    service: "unknown",
  };
  #failedOverAt: number | null = null;
  #mismatchMs = 0;
  #countedAt: number;
  knownSince: number;
  /** The verdict of an earlier run, and until when it counts if it is found again. */
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
    this.memory = initialMemory(now);
    this.#countedAt = now;
    this.knownSince = now;
  }

  get mismatchSeconds(): number {
    return this.#mismatchMs / 1000;
  }

  get replica(): MemberJudgement["replica"] {
    return this.#judgement.replica;
  }

  get service(): MemberJudgement["service"] {
    return this.#judgement.service;
  }

  get verdict(): MemberJudgement["verdict"] {
    return this.#judgement.verdict;
  }

  get step(): MemberJudgement["step"] {
    return this.#judgement.step;
  }

  get reason(): MemberJudgement["reason"] {
    return this.#judgement.reason;
  }

  get decidedBy(): string | null {
    return this.#judgement.decidedBy;
  }

  get depth(): MemberJudgement["depth"] {
    return this.#judgement.depth;
  }

  get maintenance(): MemberJudgement["maintenance"] {
    return this.#judgement.maintenance;
  }

  get readyToReturn(): boolean {
    return this.#judgement.readyToReturn;
  }

  get flapping(): LiveFlapping | null {
    const { flaps } = this.#judgement;
    return flaps === null ? null : { flaps, lastResponses: this.lastDownResponses };
  }

  get mismatch(): boolean {
    return MISMATCH_VERDICTS.has(this.verdict);
  }

  get good(): boolean {
    return isGood(this.#judgement);
  }

  get bad(): boolean {
    return isBad(this.#judgement);
  }

  get awaySince(): number | null {
    return awaySince(this, this.memory);
  }

  /** There is new data: it must be judged again. */
  invalidate(): void {
    this.validUntil = -Infinity;
  }

  /** Takes in the state that the ADC reports, and when it was polled; null: it reports none. */
  applyAdcState(state: MemberState | null, at: number, askedAt = at): void {
    const before = this.#adcStateKey();
    this.#applyAdcState(state, at);
    this.adcPolledAt = state === null ? null : askedAt;
    if (this.#adcStateKey() !== before) {
      this.invalidate();
    }
  }

  /** What of the ADC's report a verdict, its reason or the history depends on, as one value to compare. */
  #adcStateKey(): string {
    return `${this.adcOpinion} ${String(this.outSince !== null)} ${String(this.adcSawTrofs)} ${this.adcRawState ?? ""} ${String(this.connections === 0)} ${this.adcLastResponse ?? ""}`;
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
      // The first report is no change, nor is a missing one, nor the same state after a gap.
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
      this.outReportedAt = out ? (wasIn ? at : this.outReportedAt) : null;
      this.#lastAdcState = opinion;
    }
    this.outSince = out ? (this.outSince ?? outAt) : opinion === "unknown" ? this.outSince : null;
    this.adcSawTrofs = out && (state?.trofsReason ?? "") !== "";
    this.#followFlaps(state, at);
  }

  #followFlaps(state: MemberState | null, at: number): void {
    const opinion = this.adcOpinion;
    if (opinion === "unknown") {
      return;
    }
    if (opinion !== "up" && opinion !== "down") {
      // Somebody has taken it out of service: earlier falls no longer count.
      this.stateChanges.adc += this.#lastReport === null ? 0 : 1;
      this.#lastReport = null;
      this.memory = { ...this.memory, falls: [] };
      return;
    }
    const changedAt = state?.sinceMs === null || state === null ? null : at - state.sinceMs;
    const report: Report = { state: opinion, at, changedAt };
    if (this.#lastReport !== null) {
      const changes = changesBetween(this.#lastReport, report);
      this.stateChanges.adc += changes;
      const falls = stepFalls(this.memory.falls, this.#lastReport, report);
      this.memory = { ...this.memory, falls };
      if (changes > 0) {
        this.invalidate();
      }
    }
    this.#lastReport = report;
    if (opinion === "down" && this.adcLastResponse !== null) {
      const others = this.lastDownResponses.filter((each) => each !== this.adcLastResponse);
      this.lastDownResponses = [this.adcLastResponse, ...others].slice(0, MAX_REASONS);
    }
  }

  /**
   * Takes in that another node has taken over, as every poll since reports. Its monitors start again, and grace with them. That
   * it reports another time of the last change is no change.
   */
  failedOver(at: number): void {
    if (this.#failedOverAt === at) {
      return;
    }
    this.#failedOverAt = at;
    this.memory = { ...this.memory, agreement: postponeTo(this.memory.agreement, at) };
    this.#lastReport = null;
  }

  /** Takes in a judgement. The time since the last one counts for the verdict that held until now. */
  apply(
    { judgement, memory, validUntil }: Judged<MemberJudgement, MemberMemory>,
    now: number,
  ): void {
    this.countMismatch(now);
    if (judgement.verdict !== this.verdict || this.since === null) {
      this.since = now;
      this.#recall(judgement.verdict, now);
    }
    for (const of of ["replica", "service"] as const) {
      const before = this.#lastKnown[of];
      const opinion = judgement[of];
      if (opinion === "up" || opinion === "down") {
        this.stateChanges[of] += before === "unknown" || before === opinion ? 0 : 1;
        this.#lastKnown = { ...this.#lastKnown, [of]: opinion };
      }
    }
    this.#judgement = judgement;
    this.memory = memory;
    this.validUntil = validUntil;
  }

  /** Takes in the verdict of an earlier run: if it is found again by `until`, it has held since `since`. */
  remember(verdict: string, since: number, until: number): void {
    this.#remembered = { verdict, since, until };
    if (this.since !== null) {
      this.#recall(this.verdict, this.since);
    }
  }

  #recall(verdict: MemberJudgement["verdict"], now: number): void {
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

  /** The wall clock was set: everything dated by it is adjusted. */
  adjustForClockStep(stepMs: number): void {
    this.memory = moveMemory(this.memory, stepMs);
    this.detection = moveDetection(this.detection, stepMs);
    this.outSince = movedBy(this.outSince, stepMs);
    this.outReportedAt = movedBy(this.outReportedAt, stepMs);
    this.since = movedBy(this.since, stepMs);
    this.adcStateChangedAt = movedBy(this.adcStateChangedAt, stepMs);
    this.adcPolledAt = movedBy(this.adcPolledAt, stepMs);
    if (this.#lastReport !== null) {
      const { state, at, changedAt } = this.#lastReport;
      this.#lastReport = { state, at: at + stepMs, changedAt: movedBy(changedAt, stepMs) };
    }
    this.#countedAt += stepMs;
    this.knownSince += stepMs;
    const known = this.#remembered;
    if (known !== null) {
      this.#remembered = { ...known, since: known.since + stepMs, until: known.until + stepMs };
    }
  }

  /** Nothing was observed for so long: that time does not count towards grace (within bounds) or stability. */
  excludePause(ms: number): void {
    this.memory = withoutPause(this.memory, ms);
  }

  /** Takes over the state of the same member's record from before the estate was imported again. */
  inherit(earlier: MemberRecord): void {
    const own = new Set(this.probes.map(({ id }) => id));
    this.detection = keepDetections(earlier.detection, (probe) => own.has(probe));
    this.memory = earlier.memory;
    this.#judgement = earlier.#judgement;
    this.outSince = earlier.outSince;
    this.outReportedAt = earlier.outReportedAt;
    this.since = earlier.since;
    this.adcOpinion = earlier.adcOpinion;
    this.adcRawState = earlier.adcRawState;
    this.disabled = earlier.disabled;
    this.adcLastResponse = earlier.adcLastResponse;
    this.adcStateChangedAt = earlier.adcStateChangedAt;
    this.adcPolledAt = earlier.adcPolledAt;
    this.adcMonitors = earlier.adcMonitors;
    this.connections = earlier.connections;
    this.blind = earlier.blind;
    this.adcSawTrofs = earlier.adcSawTrofs;
    this.#lastAdcState = earlier.#lastAdcState;
    this.#lastReport = earlier.#lastReport;
    this.#failedOverAt = earlier.#failedOverAt;
    this.lastDownResponses = earlier.lastDownResponses;
    this.#lastKnown = earlier.#lastKnown;
    this.stateChanges = { ...earlier.stateChanges };
    this.#mismatchMs = earlier.#mismatchMs;
    this.#countedAt = earlier.#countedAt;
    this.knownSince = earlier.knownSince;
    this.#remembered = earlier.#remembered;
  }
}

/** How many different responses are kept. */
const MAX_REASONS = 3;

/** The last response of a monitor that is down, else of the first that has one. */
function lastResponseOf(state: MemberState | null): string | null {
  const monitors = state?.monitors ?? [];
  const failing = monitors.find((monitor) => monitor.state === "down" && monitor.lastResponse);
  return (failing ?? monitors.find((monitor) => monitor.lastResponse))?.lastResponse ?? null;
}
