import type { LiveMember } from "../model/live.ts";
import { MISMATCH_VERDICTS, type MemberVerdict } from "../model/verdicts.ts";
import { seenInMaintenanceSince } from "./detection.ts";
import { isDetected } from "./member-detection.ts";
import { firstStaleAfter, type MemberFacts, type ProbeFacts } from "./facts.ts";
import { flapsOf, unexplainedFalls } from "./flapping.ts";
import { lastAgreedAt, stepAgreement, withinGrace, type Opinions } from "./grace.ts";
import type { Judged, MemberJudgement, MemberMemory } from "./judgement.ts";
import {
  depthsOf,
  evidenceOf,
  isUndecided,
  lastFailureAt,
  mayStillRefute,
  neverReached,
  proofOf,
  refusalOf,
  replicaOf,
  unsupportedLogin,
  type MemberEvidence,
} from "./member-evidence.ts";
import { explanation, type MemberOutcome, type OwnOpinions } from "./member-explanation.ts";
import { memberVerdict } from "./member-verdict.ts";
import { combineTransactions } from "./service-opinion.ts";

/** What the judgement of a member depends on besides the member itself. */
export interface MemberSurroundings {
  readonly now: number;
  /** The agent's control targets do not respond: none of its own opinions counts. */
  readonly cutOff: boolean;
  /** Whether NITRO is configured for this ADC. Without it a missing ADC opinion is no fault. */
  readonly nitro: boolean;
  /** The declared window, apart from the server's own TROFS answer. */
  readonly declared: "no" | "open" | "over";
  readonly stabilityMs: number;
  /** How long after the last good answer undeclared maintenance is overdue. */
  readonly overdueAfterMs: number;
  /**
   * How grace is measured: from the time when the opinions last agreed (an agent that watches), or at a single look, from the
   * ADC's own time of its last change and its count of failures.
   */
  readonly grace: "watched" | "single_look";
  /** Probes that fail behind all front ends: one finding for the estate, no opinion on any member. */
  readonly mailboxSide: ReadonlySet<ProbeFacts>;
}

/** Judges a member from what is known about it. Pure: the caller keeps the result. */
export function judgeMember(
  member: MemberFacts,
  around: MemberSurroundings,
): Judged<MemberJudgement, MemberMemory> {
  const evidence = evidenceOf(member, around.mailboxSide);
  const opinions = opinionsOf(member, evidence, around.cutOff);
  const isOpen = requestsMaintenance(member);
  const declared = isOpen ? "open" : around.declared;
  // A GSLB site may be DOWN because all its servers are in maintenance, and then too silent to show it.
  const isSiteAway = member.adcOpinion === "down" && leadsToMaintenance(member);
  const maintenance = {
    declared,
    adc: member.outSince !== null,
    detected: isSiteAway || isDetected(member),
  };
  const memory = nextMemory(member, evidence, around, opinions, maintenance);
  const { verdict, readyToReturn } = verdictOn(
    member,
    evidence,
    around,
    opinions,
    maintenance,
    memory,
  );
  const flaps = isGood(opinions) ? flapsOf(memory.falls, around.now) : null;
  // Field by field, as below: spreading these objects made the simulation a third slower.
  const outcome: MemberOutcome = {
    adc: opinions.adc,
    replica: opinions.replica,
    service: opinions.service,
    replicaParts: opinions.replicaParts,
    serviceParts: opinions.serviceParts,
    cannotReach: opinions.cannotReach,
    maintenance,
    verdict,
    flaps,
  };
  const { step, reason, decidedBy } = explanation(member, evidence, around.nitro, outcome);
  return {
    judgement: {
      replica: opinions.replica,
      service: opinions.service,
      verdict,
      step,
      reason,
      decidedBy,
      maintenance,
      depth: depthsOf(evidence),
      readyToReturn,
      flaps,
    },
    memory,
    validUntil: validUntil(member, around, outcome, memory),
  };
}

function opinionsOf(member: MemberFacts, evidence: MemberEvidence, cutOff: boolean): OwnOpinions {
  const cannotReach = cutOff || neverReached(member);
  const replicaParts = replicaOf(member, evidence);
  const serviceParts = combineTransactions(evidence.counted);
  return {
    adc: member.adcOpinion,
    replica: cannotReach ? "unknown" : replicaParts.opinion,
    service: cannotReach && serviceParts.opinion !== "none" ? "unknown" : serviceParts.opinion,
    replicaParts,
    serviceParts,
    cannotReach,
  };
}

/** Good by our own opinions: neither is down, and one is up. */
export function isGood({ replica, service }: Pick<Opinions, "replica" | "service">): boolean {
  return replica !== "down" && service !== "down" && (replica === "up" || service === "up");
}

/** Bad by our own opinions. */
export function isBad({ replica, service }: Pick<Opinions, "replica" | "service">): boolean {
  return replica === "down" || service === "down";
}

type Maintenance = LiveMember["maintenance"];

function nextMemory(
  member: MemberFacts,
  evidence: MemberEvidence,
  around: MemberSurroundings,
  opinions: OwnOpinions,
  maintenance: Maintenance,
): MemberMemory {
  const { now } = around;
  const before = member.memory;
  // Opinions hold until something new is known: what agreed when last judged has agreed until now.
  const untilNow =
    before.opinions === null
      ? before.agreement
      : stepAgreement(before.agreement, now, before.opinions);
  const good = isGood(opinions);
  const provenGood = good && !isUndecided(evidence);
  const wasGoodUntilNow = before.opinions !== null && before.provenGood;
  const isBroken = isBad(opinions) || maintenance.detected;
  return {
    agreement: stepAgreement(untilNow, now, opinions),
    opinions: { adc: opinions.adc, replica: opinions.replica, service: opinions.service },
    goodSince: good ? (before.goodSince ?? now) : null,
    provenGood,
    lastGoodAt: provenGood || wasGoodUntilNow ? now : before.lastGoodAt,
    workedSinceWindow: maintenance.declared === "over" && (before.workedSinceWindow || good),
    workedOn: !provenGood && (before.workedOn || maintenance.adc || maintenance.detected),
    brokenSince: isBroken ? (before.brokenSince ?? now) : null,
    falls:
      before.falls.length === 0
        ? before.falls
        : unexplainedFalls(before.falls, lastFailureAt(evidence), member.grace.towardsDownMs, now),
  };
}

function verdictOn(
  member: MemberFacts,
  evidence: MemberEvidence,
  around: MemberSurroundings,
  opinions: OwnOpinions,
  maintenance: Maintenance,
  memory: MemberMemory,
): { readonly verdict: MemberVerdict; readonly readyToReturn: boolean } {
  const { now } = around;
  const proof = proofOf(member, around.grace, evidence);
  const detected = detectedStill(member, maintenance);
  const verdict = memberVerdict({
    cutOff: around.cutOff,
    adc: opinions.adc,
    replica: opinions.replica,
    service: opinions.service,
    proof,
    conclusive: isConclusive(member, evidence, around, opinions, memory, detected),
    failing: opinions.replicaParts.failing,
    refused: refusalOf(member),
    loginUnsupported: unsupportedLogin(member) !== undefined,
    declared: maintenance.declared,
    overdue: isOverdue(member, around, opinions, maintenance, memory),
    detected,
    withinGrace:
      mayStillRecover(member, opinions) ||
      mayStillRefute(evidence, opinions, proof) ||
      (around.grace === "watched"
        ? withinGrace(
            {
              now,
              agreedAt: agreedAt(opinions, maintenance, memory),
              polledAt: member.adcPolledAt,
            },
            member.grace,
            member.adcOpinion,
            memory.agreement.agreedOn,
          )
        : mayStillBeChanging(member, now)),
    stable: memory.goodSince !== null && now - memory.goodSince >= around.stabilityMs,
  });
  return {
    verdict: member.unjudged === null ? verdict : "unknown",
    readyToReturn: verdict === "ready_to_return" || verdict === "return_overdue",
  };
}

/**
 * When grace began. An ADC that has the member out of service contradicts no opinion; there grace begins with the server's last
 * good answer, so that two lost probes are not taken for maintenance that has not ended. A member that has not worked since its
 * window ended has no grace left.
 */
function agreedAt(opinions: Opinions, maintenance: Maintenance, memory: MemberMemory): number {
  if (opinions.adc === "up" || opinions.adc === "down") {
    return lastAgreedAt(memory.agreement, opinions);
  }
  const isExpectedBack = maintenance.declared !== "over" || memory.workedSinceWindow;
  return isExpectedBack && memory.lastGoodAt !== null ? memory.lastGoodAt : -Infinity;
}

/**
 * Since when a member has been away without a break: out of service on the ADC, or DOWN there and without a good answer to our
 * probes. If no answer was ever good: since the ADC's last change of state, or since this agent knows the member. Null: it is
 * not away, or that is not known.
 */
export function awaySince(
  member: Pick<MemberFacts, "adcOpinion" | "outSince" | "adcStateChangedAt" | "knownSince">,
  { provenGood, lastGoodAt }: MemberMemory,
): number | null {
  const { adcOpinion, outSince } = member;
  if (adcOpinion === "up" || adcOpinion === "unknown") {
    return outSince;
  }
  const notGoodSince = provenGood
    ? null
    : (lastGoodAt ?? member.adcStateChangedAt ?? member.knownSince);
  return notGoodSince === null || outSince === null
    ? (notGoodSince ?? outSince)
    : Math.min(notGoodSince, outSince);
}

/** Whether all servers behind a GSLB site are in maintenance. */
function leadsToMaintenance({ behind }: MemberFacts): boolean {
  return (
    behind.length > 0 &&
    behind.every(
      ({ maintenance: { declared, adc, detected } }) => declared === "open" || adc || detected,
    )
  );
}

/**
 * Whether undeclared maintenance has lasted too long: it was seen, and our probes still fail. A member without results of our
 * own does not count as failing.
 */
function isOverdue(
  member: MemberFacts,
  { now, overdueAfterMs }: MemberSurroundings,
  opinions: Opinions,
  maintenance: Maintenance,
  memory: MemberMemory,
): boolean {
  const since = awaySince(member, memory);
  const isBroken = isBad(opinions) || maintenance.detected;
  return memory.workedOn && isBroken && since !== null && now - since >= overdueAfterMs;
}

/**
 * Whether our evidence may contradict an ADC that says UP. The ADC must have been polled after the evidence appeared (a single
 * look polls it last), and the evidence must be newer than the replica's last recovery.
 */
function isConclusive(
  member: MemberFacts,
  evidence: MemberEvidence,
  around: MemberSurroundings,
  opinions: OwnOpinions,
  { brokenSince }: MemberMemory,
  detected: boolean,
): boolean {
  const { adcPolledAt } = member;
  const isPolledSince =
    around.grace === "single_look" ||
    brokenSince === null ||
    (adcPolledAt !== null && adcPolledAt >= brokenSince);
  return isPolledSince && isNewerThanRecovery(member, evidence, opinions, detected);
}

/**
 * ADC and replica are DOWN, and the service has recovered since the replica's last probe. At the return from maintenance both
 * wait out their down time; that does not make their monitor too strict. Nor does one more failure within a down time of the
 * recovery: a single probe may be lost on the way.
 */
function mayStillRecover(member: MemberFacts, opinions: OwnOpinions): boolean {
  if (opinions.adc !== "down" || opinions.replica !== "down" || opinions.service !== "up") {
    return false;
  }
  const failed = member.probes.find(
    ({ kind, monitor }) => kind === "monitor" && monitor === opinions.replicaParts.decidedBy,
  );
  const failedAt = failed?.resultStartedAt ?? null;
  const firstWithinMs = failed?.downTimeMs ?? 0;
  return (
    failedAt !== null &&
    member.probes.some(
      ({ kind, recoveredAt }) =>
        kind === "transaction" && recoveredAt !== null && recoveredAt + firstWithinMs >= failedAt,
    )
  );
}

function isNewerThanRecovery(
  member: MemberFacts,
  { monitors }: MemberEvidence,
  opinions: OwnOpinions,
  detected: boolean,
): boolean {
  if (opinions.replica === "down") {
    return true;
  }
  const recoveredAt = Math.max(...monitors.map(({ probe }) => probe?.recoveredAt ?? -Infinity));
  const decider = member.probes.find(({ id }) => id === opinions.serviceParts.decidedBy);
  const seenAt = decider?.resultStartedAt ?? null;
  const failsSince = opinions.service === "down" && seenAt !== null && seenAt >= recoveredAt;
  return failsSince || (detected && seenInMaintenanceSince(member.detection, recoveredAt - 1));
}

/**
 * Until when the judgement holds without new data: if nothing differs, nothing is in maintenance and no clock runs, until the
 * first result expires.
 */
function validUntil(
  member: MemberFacts,
  around: MemberSurroundings,
  { maintenance, verdict }: MemberOutcome,
  { workedOn, falls }: MemberMemory,
): number {
  const mayChangeWithTime =
    around.cutOff ||
    verdict === "settling" ||
    MISMATCH_VERDICTS.has(verdict) ||
    member.outSince !== null ||
    maintenance.declared !== "no" ||
    maintenance.detected ||
    workedOn ||
    member.behind.length > 0 ||
    falls.length > 0;
  return mayChangeWithTime ? -Infinity : firstStaleAfter(member.probes);
}

/**
 * Whether detected maintenance counts in the verdict. Against an ADC that says UP it must have been seen since the ADC changed
 * to UP, with no good answer since: at the return from maintenance the ADC's own monitor is often the first to see it.
 */
function detectedStill(member: MemberFacts, { detected }: Maintenance): boolean {
  return !detected || member.adcOpinion !== "up"
    ? detected
    : seenInMaintenanceSince(member.detection, member.adcStateChangedAt ?? -Infinity);
}

/** At a single look: the ADC has just changed its state, or is counting failures that will change it. */
function mayStillBeChanging(member: MemberFacts, now: number): boolean {
  const changedAt = member.adcStateChangedAt;
  if (changedAt !== null) {
    const instants = { now, agreedAt: changedAt, polledAt: null };
    if (withinGrace(instants, member.grace, member.adcOpinion)) {
      return true;
    }
  }
  return (
    member.adcOpinion === "up" &&
    member.adcMonitors.some((monitor) => (monitor.currentFailedProbes ?? 0) > 0)
  );
}

/** Whether the server itself declares maintenance, by its TROFS answer to us or to the ADC. */
function requestsMaintenance({ adcSawTrofs, probes }: MemberFacts): boolean {
  return adcSawTrofs || probes.some(({ current }) => current?.outcome === "maintenance");
}
