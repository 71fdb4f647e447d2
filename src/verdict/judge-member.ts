import { deepest, wasSilent, type MemberDepths, type Observation } from "../model/observation.ts";
import type { MonitorBinding } from "../model/adc-service.ts";
import { classifyLastResponse, type LastResponseClass } from "../adc/nitro/roles.ts";
import type { Reason, Step } from "../model/reasons.ts";
import type { LiveMember } from "../model/live.ts";
import { MISMATCH_VERDICTS, type MemberVerdict } from "../model/verdicts.ts";
import {
  readSigns,
  seenInMaintenanceSince,
  stepDetection,
  type DetectionState,
  type SignProtocol,
} from "./detection.ts";
import {
  serviceProof,
  type JudgedMonitor,
  type ServiceProof,
  memberVerdict,
} from "./member-verdict.ts";
import { lastAgreedAt, stepAgreement, withinGrace, type Opinions } from "./grace.ts";
import { isNoConnector } from "../net/mail-replies.ts";
import { memberReplica, type BoundReplica, type MemberReplica } from "./replica.ts";
import { combineTransactions, type CombinedService } from "./service-opinion.ts";
import { firstStaleAfter, type MemberFacts, type ProbeFacts } from "./facts.ts";
import type { Judged, MemberJudgement, MemberMemory } from "./judgement.ts";
import { flapsOf, unexplainedFalls } from "./flapping.ts";

interface AdcReason {
  /** The ADC's monitor that failed. */
  readonly monitor: string;
  readonly step: Step;
  readonly reason: Reason;
}

/** What the ADC's own sentence comes to in our words; classes that say nothing of the kind are left out. */
const WORDS: Readonly<Partial<Record<LastResponseClass, Pick<AdcReason, "step" | "reason">>>> = {
  refused: { step: "connect", reason: "refused" },
  tcp_timeout: { step: "connect", reason: "connect_timeout" },
  unreachable: { step: "connect", reason: "unreachable" },
  tls_timeout: { step: "tls", reason: "tls_timeout" },
  tls_failure: { step: "tls", reason: "tls_handshake" },
  app_timeout: { step: "response", reason: "response_timeout" },
  bad_status: { step: "response", reason: "bad_status" },
  pattern_missing: { step: "response", reason: "pattern_missing" },
};

/**
 * Why the ADC has a member DOWN that is well by everything we see: only its own last response can tell. Null when that
 * tells nothing.
 */
function adcReason(member: Pick<MemberFacts, "adcMonitors">): AdcReason | null {
  for (const { monitor, state, lastResponse } of member.adcMonitors) {
    const words =
      state === "down" && lastResponse !== null
        ? WORDS[classifyLastResponse(lastResponse, false)]
        : undefined;
    if (words !== undefined) {
      return { monitor, ...words };
    }
  }
  return null;
}

/** What the judgement of a member depends on beside the member itself. */
export interface MemberSurroundings {
  readonly now: number;
  /** The agent's control targets are silent: no opinion of ours counts. */
  readonly cutOff: boolean;
  /** Whether any NITRO is configured for this ADC: without one a missing ADC opinion is no fault. */
  readonly nitro: boolean;
  /** The declared window, apart from the server's own TROFS answer. */
  readonly declared: "no" | "open" | "over";
  readonly stabilityMs: number;
  /** Maintenance that nobody declared is overdue so long after the last good answer. */
  readonly overdueAfterMs: number;
  /**
   * How grace is judged: by the time since the opinions last agreed (an agent that watches), or at a single look, by
   * what the ADC itself tells of its last change and of failures it is counting.
   */
  readonly grace: "watched" | "single_look";
  /** Probes whose failure lies behind all front ends and is reported once, for the estate. */
  readonly mailboxSide: ReadonlySet<ProbeFacts>;
}

/** Opinions of our own on a member, and what they rest on. */
interface OwnOpinions extends Opinions {
  readonly replicaParts: MemberReplica;
  readonly serviceParts: CombinedService;
  /** We are cut off from the network, or never came through to this member. */
  readonly cannotReach: boolean;
}

/** Judges a member by what is known of it. Pure: the caller keeps the result. */
export function judgeMember(
  member: MemberFacts,
  around: MemberSurroundings,
): Judged<MemberJudgement, MemberMemory> {
  const opinions = opinionsOf(member, around);
  const isOpen = asksForMaintenance(member);
  const declared = isOpen ? "open" : around.declared;
  // A site that is DOWN because all its servers are in maintenance, as their own rows say: it may be too silent to show it.
  const isSiteAway = member.adcOpinion === "down" && leadsToMaintenance(member);
  const maintenance = {
    declared,
    adc: member.outSince !== null,
    detected: isSiteAway || isDetected(member),
  };
  const memory = nextMemory(member, around, opinions, maintenance);
  const { verdict, readyToReturn } = verdictOn(member, around, opinions, maintenance, memory);
  const flaps = isGood(opinions) ? flapsOf(memory.falls, around.now) : null;
  const shown: Shown = { ...opinions, maintenance, verdict, flaps };
  return {
    judgement: {
      replica: opinions.replica,
      service: opinions.service,
      verdict,
      ...explanation(member, around, shown),
      maintenance,
      depth: depthsOf(member),
      readyToReturn,
      flaps,
    },
    memory,
    validUntil: validUntil(member, around, shown, memory),
  };
}

function opinionsOf(member: MemberFacts, { cutOff, mailboxSide }: MemberSurroundings): OwnOpinions {
  const cannotReach = cutOff || neverReached(member);
  const replicaParts = replicaOf(member);
  const serviceParts = combineTransactions(countedTransactions(member, mailboxSide));
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
  around: MemberSurroundings,
  opinions: OwnOpinions,
  maintenance: Maintenance,
): MemberMemory {
  const { now } = around;
  const before = member.memory;
  // What agreed when it was last judged has agreed until now.
  const untilNow =
    before.opinions === null
      ? before.agreement
      : stepAgreement(before.agreement, now, before.opinions);
  const good = isGood(opinions);
  const provenGood = good && !isUndecided(member);
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
        : unexplainedFalls(
            before.falls,
            lastFailureAt(member, around.mailboxSide),
            member.grace.towardsDownMs,
            now,
          ),
  };
}

function verdictOn(
  member: MemberFacts,
  around: MemberSurroundings,
  opinions: OwnOpinions,
  maintenance: Maintenance,
  memory: MemberMemory,
): { readonly verdict: MemberVerdict; readonly readyToReturn: boolean } {
  const { now } = around;
  const transactions = countedTransactions(member, around.mailboxSide);
  const proof = proofOf(member, around, transactions);
  const detected = detectedStill(member, maintenance);
  const verdict = memberVerdict({
    cutOff: around.cutOff,
    adc: opinions.adc,
    replica: opinions.replica,
    service: opinions.service,
    proof,
    conclusive: isConclusive(member, around, opinions, memory, detected),
    failing: opinions.replicaParts.failing,
    refused: refusalOf(member),
    unspoken: unsupportedLogin(member) !== undefined,
    declared: maintenance.declared,
    overdue: isOverdue(member, around, opinions, maintenance, memory),
    detected,
    withinGrace:
      mayStillRecover(member, opinions) ||
      mayStillRefute(member, opinions, proof, transactions) ||
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
 * From when on grace runs. An ADC that has the member out of service contradicts nobody; there it is what is expected of the
 * server that counts: from its last good answer on, for two lost looks are no maintenance that has not ended. What has not
 * worked since its window ended has no grace left.
 */
function agreedAt(opinions: Opinions, maintenance: Maintenance, memory: MemberMemory): number {
  if (opinions.adc === "up" || opinions.adc === "down") {
    return lastAgreedAt(memory.agreement, opinions);
  }
  const isExpectedBack = maintenance.declared !== "over" || memory.workedSinceWindow;
  return isExpectedBack && memory.lastGoodAt !== null ? memory.lastGoodAt : -Infinity;
}

/**
 * Since when a member has been away without a break: out of service on the ADC, or DOWN there and without a good answer to
 * us. Where none of ours was ever good, the ADC's own last change decides, else when we began to look. Null while it is not
 * away, or unknown.
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

/** A site all of whose servers are being worked on. */
function leadsToMaintenance({ behind }: MemberFacts): boolean {
  return (
    behind.length > 0 &&
    behind.every(
      ({ maintenance: { declared, adc, detected } }) => declared === "open" || adc || detected,
    )
  );
}

/**
 * Whether maintenance that nobody declared has lasted too long: it was seen, and what we see still speaks against the
 * member. Without our own results, a member does not count as not working.
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
 * Whether our evidence may accuse an ADC that says UP. It must have been polled after the evidence came up, for until then it
 * may well know; a single look polls it last. And what was seen before the replica recovered is what the recovery ended.
 */
function isConclusive(
  member: MemberFacts,
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
  return isPolledSince && isNewerThanRecovery(member, opinions, detected);
}

/**
 * ADC and replica are DOWN, and anything else here came to pass since the replica looked last: at the return from
 * maintenance both wait out their down time, and their monitor is not too strict for that. Nor is it for one failure after
 * that, which may be lost on the way: the first probe since, at most a down time later, proves nothing alone.
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
  opinions: OwnOpinions,
  detected: boolean,
): boolean {
  if (opinions.replica === "down") {
    return true;
  }
  const recoveredAt = Math.max(
    ...countedMonitors(member).map(({ probe }) => probe?.recoveredAt ?? -Infinity),
  );
  const decider = member.probes.find(({ id }) => id === opinions.serviceParts.decidedBy);
  const seenAt = decider?.resultStartedAt ?? null;
  const failsSince = opinions.service === "down" && seenAt !== null && seenAt >= recoveredAt;
  return failsSince || (detected && seenInMaintenanceSince(member.detection, recoveredAt - 1));
}

/** While nothing differs, nothing is in maintenance and no clock runs, only new data or an expired result changes a verdict. */
function validUntil(
  member: MemberFacts,
  around: MemberSurroundings,
  { maintenance, verdict }: Shown,
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
 * Whether detected maintenance counts in the verdict. Against an ADC that says UP only what was seen since it came to say
 * so counts, and no good answer since: at the return from maintenance the ADC's own monitor is often the first to know.
 */
function detectedStill(member: MemberFacts, { detected }: Maintenance): boolean {
  return !detected || member.adcOpinion !== "up"
    ? detected
    : seenInMaintenanceSince(member.detection, member.adcStateChangedAt ?? -Infinity);
}

/** What was seen by a probe that no longer runs, or whose result has expired, is no news of the member. */
function isDetected({ detection, probes }: MemberFacts): boolean {
  return (
    detection.detected &&
    probes.some(
      (probe) =>
        detection.probes.get(probe.id)?.detected && probe.current !== null && !probe.outdated,
    )
  );
}

/** The member's detection of maintenance on the wire after this probe's last observation. */
export function detectionAfter(member: MemberFacts, probe: ProbeFacts): DetectionState {
  const protocol = signProtocolOf(probe);
  if (probe.last === null || protocol === "other") {
    return member.detection;
  }
  const signs = readSigns(probe.last, protocol);
  return stepDetection(member.detection, {
    probe: probe.id,
    at: probe.last.startedAt,
    sign: signs.sign,
    smtpGreeted: signs.smtpGreeted,
    otherUrlAnswers: member.probes.some(
      (other) =>
        other !== probe &&
        other.transaction === "https_challenge" &&
        other.current !== null &&
        other.current.exchangeSeen &&
        other.current.reason !== "component_offline",
    ),
  });
}

/**
 * Exchange turns away a client for whose address there is no receive connector, and serves everybody else. Only where it has
 * greeted this agent before is that news.
 */
export function withoutStrangers(
  { detection }: MemberFacts,
  probe: ProbeFacts,
  observation: Observation,
): Observation {
  const isTurnedAway =
    probe.kind === "transaction" &&
    observation.reason === "service_not_active" &&
    observation.step === "banner" &&
    isNoConnector(observation.evidence.detail ?? "");
  return isTurnedAway && !detection.smtpGreetedBefore
    ? { ...observation, outcome: "fault", reason: "agent_path" }
    : observation;
}

/** Whether any probe of this member could show maintenance on the wire: a bare TCP port never does. */
export function canShowMaintenance({ probes }: Pick<MemberFacts, "probes">): boolean {
  return probes.some((probe) => signProtocolOf(probe) !== "other");
}

function signProtocolOf({ transaction }: ProbeFacts): SignProtocol {
  switch (transaction) {
    case "imap_greeting":
    case "imap_login":
      return "imap";
    case "pop3_greeting":
    case "pop3_login":
      return "pop3";
    case "smtp_mail_from":
      return "smtp";
    case "health_page":
      return "health_page";
    default:
      return "other";
  }
}

function replicaOf(member: MemberFacts): MemberReplica {
  const bound = boundMonitors(member).map(({ binding, probe, enabled }): BoundReplica => ({
    monitor: binding.monitor,
    enabled,
    passive: binding.passive,
    weight: binding.weight,
    opinion: probe?.opinion ?? "unknown",
    lastPassed: probe?.currentPassed ?? null,
  }));
  return memberReplica(bound, member.adcServiceConfig.monThreshold);
}

interface BoundMonitor {
  readonly binding: MonitorBinding;
  /** Undefined where the binding names a monitor that is not there. */
  readonly probe: ProbeFacts | undefined;
  readonly enabled: boolean;
}

function boundMonitors(member: MemberFacts): readonly BoundMonitor[] {
  return member.adcServiceConfig.monitors.map((binding) => {
    const probe = member.probes.find(
      ({ kind, monitor }) => kind === "monitor" && monitor === binding.monitor,
    );
    const isCounted = probe === undefined || (probe.enabled && !probe.excluded);
    return { binding, probe, enabled: binding.enabled && isCounted };
  });
}

/** Those that can take the member out. */
function countedMonitors(member: MemberFacts): readonly BoundMonitor[] {
  return boundMonitors(member).filter(({ binding, enabled }) => enabled && !binding.passive);
}

/** Transactions that give the service opinion. */
function countedTransactions(
  { probes }: MemberFacts,
  mailboxSide: ReadonlySet<ProbeFacts>,
): readonly ProbeFacts[] {
  return probes.filter(
    (probe) =>
      probe.kind === "transaction" &&
      probe.rank !== "detection" &&
      probe.notRepeated === null &&
      !mailboxSide.has(probe),
  );
}

/**
 * What passes prove against monitors. To an agent that watches, one from before the monitor began to fail, or before the ADC
 * changed its mind to DOWN, says nothing of what has come to pass since.
 */
function proofOf(
  member: MemberFacts,
  { grace }: MemberSurroundings,
  transactions: readonly ProbeFacts[],
): ServiceProof {
  const changedAt = member.adcOpinion === "down" ? member.adcStateChangedAt : null;
  const since =
    grace === "watched"
      ? Math.max(
          changedAt ?? -Infinity,
          ...countedMonitors(member).map(({ probe }) => probe?.failingSince ?? -Infinity),
        )
      : -Infinity;
  return proofBy(
    member,
    transactions.filter(({ opinion, passedAt }) => opinion === "up" && (passedAt ?? 0) >= since),
  );
}

function proofBy(member: MemberFacts, passes: readonly ProbeFacts[]): ServiceProof {
  const monitors = countedMonitors(member).map(({ probe }): JudgedMonitor => ({
    sight: probe?.sight ?? null,
    fails: probe?.opinion === "down",
    mayFail: probe !== undefined && isUndecidedProbe(probe) && probe.lastPassed !== true,
  }));
  return serviceProof(
    passes.map(({ sight }) => sight),
    monitors,
  );
}

/**
 * A pass from before the replica failed would prove its monitor wrong, and nothing newer tells: the next one does. Until then
 * an ADC that says UP is not accused.
 */
function mayStillRefute(
  member: MemberFacts,
  { adc, replica }: Opinions,
  proof: ServiceProof,
  transactions: readonly ProbeFacts[],
): boolean {
  return (
    adc === "up" &&
    replica === "down" &&
    proof === "shallower" &&
    transactions.every(({ opinion, lastPassed }) => opinion !== "down" && lastPassed !== false) &&
    proofBy(
      member,
      transactions.filter(({ opinion }) => opinion === "up"),
    ) !== "shallower"
  );
}

/** When a monitor or a transaction that counts failed last; null: none did. */
function lastFailureAt(member: MemberFacts, mailboxSide: ReadonlySet<ProbeFacts>): number | null {
  const probes = [
    ...countedMonitors(member).flatMap(({ probe }) => probe ?? []),
    ...countedTransactions(member, mailboxSide),
  ];
  const failedAt = Math.max(
    ...probes.map(({ lastFailure }) => lastFailure?.startedAt ?? -Infinity),
  );
  return Number.isFinite(failedAt) ? failedAt : null;
}

/** A monitor that counts has not made up its mind: a look that passes before it proves nothing against it. */
function isUndecided(member: MemberFacts): boolean {
  return countedMonitors(member).some(
    ({ probe }) => probe !== undefined && isUndecidedProbe(probe),
  );
}

function isUndecidedProbe({ scheduled, opinion, last, lastPassed }: ProbeFacts): boolean {
  return scheduled && opinion === "unknown" && (last === null || lastPassed !== null);
}

function depthsOf(member: MemberFacts): MemberDepths {
  const monitors = countedMonitors(member).flatMap(({ probe }) => probe ?? []);
  return {
    adc: deepest(monitors.map(({ depth }) => depth)),
    replica: deepest(
      monitors.filter(({ opinion }) => opinion !== "unknown").map(({ depth }) => depth),
    ),
    service: deepest(
      countedTransactions(member, new Set())
        .filter(({ opinion }) => opinion !== "unknown")
        .map(({ depth }) => depth),
    ),
  };
}

/** The replica of a login monitor whose account is refused; it says nothing of the server. */
function refusedReplica({ probes }: MemberFacts): ProbeFacts | undefined {
  return probes.find(
    ({ kind, last, lastPassed }) =>
      kind === "monitor" && lastPassed === null && last?.reason === "auth_rejected",
  );
}

function refusalOf(member: MemberFacts): "refused" | "proven" | null {
  if (refusedReplica(member) === undefined) {
    return null;
  }
  return member.probes.some(({ rank, opinion }) => rank === "login" && opinion === "up")
    ? "proven"
    : "refused";
}

/** A configured login that is offered only what this agent does not support (OAuth or Kerberos alone), where no other works. */
function unsupportedLogin({ probes }: MemberFacts): ProbeFacts | undefined {
  const logins = probes.filter(({ rank }) => rank === "login");
  return logins.some(({ opinion }) => opinion === "up")
    ? undefined
    : logins.find(({ current }) => current?.reason === "scheme_unsupported");
}

/** At a single look: the ADC has just changed its mind, or is counting failures that will change it. */
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

/** Never answered this agent and was only silent: our own firewall may be in the way. */
function neverReached({ probes }: MemberFacts): boolean {
  let silent = false;
  for (const { everAnswered, last } of probes) {
    if (everAnswered) {
      return false;
    }
    silent ||= last !== null && wasSilent(last);
  }
  return silent;
}

/** The server's own TROFS answer, to us or to the ADC, declares maintenance. */
function asksForMaintenance({ adcHeardMaintenance, probes }: MemberFacts): boolean {
  return adcHeardMaintenance || probes.some(({ current }) => current?.outcome === "maintenance");
}

/** What is known of a member by the time its verdict has to be explained. */
interface Shown extends OwnOpinions {
  readonly maintenance: Maintenance;
  readonly verdict: MemberVerdict;
  readonly flaps: number | null;
}

type Explanation = Pick<MemberJudgement, "step" | "reason" | "decidedBy">;

/** Which probe decided, and what it saw: the step and reason that tables and metrics show beside the verdict. */
function explanation(member: MemberFacts, around: MemberSurroundings, shown: Shown): Explanation {
  const { verdict, replica, service, adc, maintenance } = shown;
  if (member.unjudged !== null) {
    return { step: null, reason: "excluded", decidedBy: null };
  }
  if (shown.cannotReach) {
    return { step: null, reason: "agent_path", decidedBy: null };
  }
  const serviceProbe = member.probes.find(({ id }) => id === shown.serviceParts.decidedBy);
  const replicaProbe = member.probes.find(
    ({ kind, monitor }) => kind === "monitor" && monitor === shown.replicaParts.decidedBy,
  );
  const detecting = maintenance.detected
    ? member.probes.find(({ id }) => member.detection.probes.get(id)?.detected)
    : undefined;
  const failing =
    (service === "down" ? serviceProbe : undefined) ??
    (replica === "down" ? replicaProbe : undefined) ??
    (verdict === "agree_up" ? undefined : detecting);
  const refused = replica === "unknown" ? refusedReplica(member) : undefined;
  const deciding = failing ?? refused ?? serviceProbe ?? replicaProbe;
  const decidedBy =
    deciding === undefined ? null : deciding.monitor || deciding.transaction || null;
  const seen = failing?.lastFailure ?? deciding?.last ?? null;
  if (verdict === "unknown" && adc === "unknown") {
    const noAdcState = around.nitro ? "agent_fault" : "not_configured";
    return { step: null, reason: member.adcRawState === null ? noAdcState : null, decidedBy };
  }
  const unsupported = verdict === "unknown" ? unsupportedLogin(member) : undefined;
  if (unsupported !== undefined && adc === "up") {
    const step = unsupported.current?.step ?? null;
    return { step, reason: "scheme_unsupported", decidedBy: unsupported.transaction };
  }
  // Where only the ADC sees a fault, only the ADC can say which.
  const isTheirs = failing === undefined && refused === undefined;
  const theirs = isTheirs && adc === "down" ? adcReason(member) : null;
  if (theirs !== null) {
    return { step: theirs.step, reason: theirs.reason, decidedBy: theirs.monitor };
  }
  const unrepeated = neverRepeated(member, shown);
  if (unrepeated !== null) {
    return {
      step: null,
      reason: "unsupported",
      decidedBy: unrepeated.monitor ?? decidedBy,
    };
  }
  if (shown.flaps !== null && seen?.reason === "ok") {
    return { step: null, reason: "flapping", decidedBy: null };
  }
  return { step: seen?.step ?? null, reason: seen?.reason ?? null, decidedBy };
}

/**
 * Nothing is known of a member none of whose probes can be run, nor of one whose ADC says DOWN by a monitor that cannot;
 * what `plan` says of each is why. `monitor`: the one that cannot be run.
 */
function neverRepeated(
  member: MemberFacts,
  { verdict, replica, adc }: Shown,
): { readonly monitor: string | null } | null {
  if (verdict !== "unknown") {
    return null;
  }
  const monitor = countedMonitors(member).find(
    ({ probe }) => (probe?.notRepeated ?? null) !== null,
  );
  if (replica === "unknown" && adc === "down" && monitor !== undefined) {
    return { monitor: monitor.binding.monitor };
  }
  const { probes } = member;
  const isBlind = probes.length > 0 && probes.every(({ notRepeated }) => notRepeated !== null);
  return isBlind ? { monitor: null } : null;
}
