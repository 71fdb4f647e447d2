import type { BlindReason, MemberState, MonitorState } from "../../model/adc-state.ts";
import type { AdcService, Member, Port } from "../../model/adc-service.ts";
import {
  initialDetection,
  moveDetection,
  type DetectionState,
} from "../../maintenance/detection.ts";
import type { Reason, Step } from "../../model/reasons.ts";
import {
  initialAgreement,
  moveAgreement,
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
import type { LiveMember } from "../../model/live.ts";
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
  adcLastResponse: string | null = null;
  adcStateChangedAt: number | null = null;
  /** When the ADC was asked for what it says of this member; null while it says nothing. */
  adcHeardAt: number | null = null;
  adcMonitors: readonly MonitorState[] = [];
  connections: number | null = null;
  blind: readonly BlindReason[] = [];
  replica: ReplicaOpinion = "unknown";
  service: ServiceOpinion = "none";
  verdict: MemberVerdict = "unknown";
  step: Step | null = null;
  reason: Reason | null = null;
  decidedBy: string | null = null;
  since: number | null = null;
  mismatch = false;
  maintenance: LiveMember["maintenance"] = { declared: "no", adc: false, detected: false };
  readyToReturn = false;

  detection: DetectionState = initialDetection();
  agreement: AgreementClock;
  /** The opinions as last judged: they have held until something else is heard. Null before the first time. */
  judged: Opinions | null = null;
  /** Until when judging anew would say the same, should nothing be heard; -Infinity: it may change any moment. */
  restsUntil = -Infinity;
  /** Since when everything has been good by our own opinions; null while it is not. */
  goodSince: number | null = null;
  /** Since when the ADC has had it out of service, or on the way there; null while it has not. */
  outSince: number | null = null;
  /** When the ADC told so, if it had had it in service until then; null while it has not told. */
  outToldAt: number | null = null;
  /** The server asked for maintenance itself, as the ADC tells (its TROFS answer to the ADC's own monitor). */
  adcHeardMaintenance = false;
  /** What the ADC said last, however long it has been silent since; `unknown` before its first word. */
  #lastWord: AdcOpinion = "unknown";
  #mismatchMs = 0;
  #countedAt: number;
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

  /** Bad by our own opinions. */
  get bad(): boolean {
    return this.replica === "down" || this.service === "down";
  }

  /** Something was heard of it: it must be judged anew. */
  disturb(): void {
    this.restsUntil = -Infinity;
  }

  /** Takes in what the ADC says of this member, and when it was asked; null when it says nothing. */
  hear(state: MemberState | null, at: number, askedAt = at): void {
    const before = this.#said();
    this.#hear(state, at);
    this.adcHeardAt = state === null ? null : askedAt;
    if (this.#said() !== before) {
      this.disturb();
    }
  }

  /** What of the ADC's words a verdict or its reason depends on, as one value to compare. */
  #said(): string {
    return `${this.adcOpinion} ${String(this.outSince !== null)} ${String(this.adcHeardMaintenance)} ${this.adcRawState ?? ""} ${this.adcLastResponse ?? ""}`;
  }

  #hear(state: MemberState | null, at: number): void {
    const opinion = state?.state ?? "unknown";
    if (state !== null && state.sinceMs !== null) {
      this.adcStateChangedAt = at - state.sinceMs;
    } else if (
      opinion !== "unknown" &&
      this.#lastWord !== "unknown" &&
      opinion !== this.#lastWord
    ) {
      // A first word is no change of mind, nor is silence, nor is the same word after silence.
      this.adcStateChangedAt = at;
    }
    this.adcOpinion = opinion;
    this.adcRawState = state?.rawState ?? null;
    this.connections = state?.connections ?? null;
    this.blind = state?.blind ?? [];
    this.adcMonitors = state?.monitors ?? [];
    this.adcLastResponse = lastResponseOf(state);
    const out = opinion === "out" || opinion === "leaving" || opinion === "leaving_down";
    const outAt = at - (state?.sinceMs ?? 0);
    if (opinion !== "unknown") {
      const wasIn = this.outSince === null && this.#lastWord !== "unknown";
      this.outToldAt = out ? (wasIn ? at : this.outToldAt) : null;
      this.#lastWord = opinion;
    }
    this.outSince = out ? (this.outSince ?? outAt) : opinion === "unknown" ? this.outSince : null;
    this.adcHeardMaintenance = out && (state?.trofsReason ?? "") !== "";
  }

  /** Sets the verdict; the time since the last one is booked on the mismatch that held till now. */
  judge(verdict: MemberVerdict, now: number): void {
    this.bookMismatch(now);
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

  bookMismatch(now: number): void {
    if (this.mismatch) {
      this.#mismatchMs += Math.max(0, now - this.#countedAt);
    }
    this.#countedAt = now;
  }

  /** The wall clock has been set: what is remembered by it moves along, and lasts as long as before. */
  moveTimes(stepMs: number): void {
    const moved = (at: number | null): number | null => (at === null ? null : at + stepMs);
    this.agreement = moveAgreement(this.agreement, stepMs);
    this.detection = moveDetection(this.detection, stepMs);
    this.goodSince = moved(this.goodSince);
    this.outSince = moved(this.outSince);
    this.outToldAt = moved(this.outToldAt);
    this.since = moved(this.since);
    this.adcStateChangedAt = moved(this.adcStateChangedAt);
    this.adcHeardAt = moved(this.adcHeardAt);
    this.#countedAt += stepMs;
    const known = this.#remembered;
    if (known !== null) {
      this.#remembered = { ...known, since: known.since + stepMs, until: known.until + stepMs };
    }
  }

  /** Nothing was seen or heard for a while: that was nobody's grace, and proved nobody stable. */
  passOver(ms: number): void {
    this.agreement = moveAgreement(this.agreement, ms);
    this.goodSince = this.goodSince === null ? null : this.goodSince + ms;
  }

  /** Takes over the memory of the same member's earlier record, when the estate is imported anew. */
  inherit(earlier: MemberRecord): void {
    this.detection = earlier.detection;
    this.agreement = earlier.agreement;
    this.judged = earlier.judged;
    this.goodSince = earlier.goodSince;
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
    this.adcLastResponse = earlier.adcLastResponse;
    this.adcStateChangedAt = earlier.adcStateChangedAt;
    this.adcHeardAt = earlier.adcHeardAt;
    this.adcMonitors = earlier.adcMonitors;
    this.connections = earlier.connections;
    this.blind = earlier.blind;
    this.adcHeardMaintenance = earlier.adcHeardMaintenance;
    this.#lastWord = earlier.#lastWord;
    this.#mismatchMs = earlier.#mismatchMs;
    this.#countedAt = earlier.#countedAt;
    this.#remembered = earlier.#remembered;
  }
}

/** The last response of the monitor that matters most: one that is down, else the first that said anything. */
function lastResponseOf(state: MemberState | null): string | null {
  const monitors = state?.monitors ?? [];
  const failing = monitors.find((monitor) => monitor.state === "down" && monitor.lastResponse);
  return (failing ?? monitors.find((monitor) => monitor.lastResponse))?.lastResponse ?? null;
}
