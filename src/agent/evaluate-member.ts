import { type Observation, deepest, type MemberDepths } from "../model/observation.ts";
import type { MonitorBinding } from "../model/adc-service.ts";
import { classifyLastResponse, type LastResponseClass } from "../adc/nitro/roles.ts";
import type { Reason, Step } from "../model/reasons.ts";
import type { LiveMember } from "../model/live.ts";
import {
  seenInMaintenanceSince,
  stepDetection,
  type DetectionEvent,
  readSigns,
  type SignProtocol,
} from "../maintenance/detection.ts";
import {
  serviceProof,
  type JudgedMonitor,
  type ServiceProof,
  memberVerdict,
} from "../verdict/member-verdict.ts";
import { lastAgreedAt, stepAgreement, withinGrace, type Opinions } from "../verdict/grace.ts";
import { isNoConnector } from "../net/mail-replies.ts";
import { memberReplica, type BoundReplica, type MemberReplica } from "../verdict/replica.ts";
import { combineTransactions, type CombinedService } from "../verdict/service-opinion.ts";
import type { MemberRecord } from "./records/member-record.ts";
import { firstStaleAfter, wasSilent, type ProbeRecord } from "./records/probe-record.ts";

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
function adcReason(member: Pick<LiveMember, "adcMonitors">): AdcReason | null {
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

/** What the evaluation of a member needs beside the member's own record. */
interface MemberSurroundings {
  readonly now: number;
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
  readonly mailboxSide: ReadonlySet<ProbeRecord>;
}

/** Brings a member's opinions and verdict up to date. Called on new results, and while time alone may change them. */
export function evaluateMember(record: MemberRecord, around: MemberSurroundings): void {
  const { now } = around;
  if (record.judged !== null) {
    // What agreed when it was last judged has agreed until now.
    record.agreement = stepAgreement(record.agreement, now, record.judged);
    record.lastGoodAt = record.provenGood ? now : record.lastGoodAt;
  }
  // What is cut off from the network, or never came through to this member, has no opinion.
  const cannotReach = around.cutOff || neverReached(record);
  const replica = replicaOf(record);
  const service = serviceOf(record, around.mailboxSide);
  record.replica = cannotReach ? "unknown" : replica.opinion;
  record.service = cannotReach && service.opinion !== "none" ? "unknown" : service.opinion;

  const opinions = { adc: record.adcOpinion, replica: record.replica, service: record.service };
  record.agreement = stepAgreement(record.agreement, now, opinions);
  record.judged = opinions;
  record.depth = depthsOf(record);
  record.goodSince = record.good ? (record.goodSince ?? now) : null;
  record.provenGood = record.good && !isUndecided(record);
  record.lastGoodAt = record.provenGood ? now : record.lastGoodAt;
  const stable = record.goodSince !== null && now - record.goodSince >= around.stabilityMs;
  const declared = asksForMaintenance(record) ? "open" : around.declared;
  record.workedSinceWindow = declared === "over" && (record.workedSinceWindow || record.good);
  // A site that is DOWN because all its servers are in maintenance, as their own rows tell: it may be too silent to show it.
  const isSiteAway = record.adcOpinion === "down" && record.leadsToMaintenance;
  record.maintenance = {
    declared,
    adc: record.outSince !== null,
    detected: isSiteAway || detectedLately(record),
  };
  const detected = detectedStill(record);
  const inMaintenance = record.maintenance.adc || record.maintenance.detected;
  record.workedOn = !record.provenGood && (record.workedOn || inMaintenance);
  const isBroken = record.bad || record.maintenance.detected;
  record.brokenSince = isBroken ? (record.brokenSince ?? now) : null;
  record.followChanges(() => lastFailureAt(record, around.mailboxSide), now);
  const speaking = speakingTransactions(record, around.mailboxSide);
  const proof = proofOf(record, around, speaking);
  const verdict = memberVerdict({
    cutOff: around.cutOff,
    ...opinions,
    proof,
    conclusive: isConclusive(record, around, service, detected),
    failing: replica.failing,
    refused: refusalOf(record),
    unspoken: unspokenLogin(record) !== undefined,
    declared,
    overdue: isOverdue(record, around),
    detected,
    withinGrace:
      mayStillRecover(record, replica) ||
      mayStillRefute(record, proof, speaking) ||
      (around.grace === "watched"
        ? withinGrace(
            {
              now,
              agreedAt: agreedAt(record, opinions),
              heardAt: record.adcPolledAt,
            },
            record.grace,
            record.adcOpinion,
            record.agreement.agreedOn,
          )
        : mayStillBeChanging(record, now)),
    stable,
  });
  record.readyToReturn = verdict === "ready_to_return" || verdict === "return_overdue";
  record.judge(record.unjudged === null ? verdict : "unknown", now);
  explain(record, around, cannotReach, replica, service);
  record.nextEvaluationAt = restsUntil(record, around);
}

/**
 * From when on grace runs. An ADC that has the member out of service contradicts nobody; there it is what is expected of the
 * server that counts: from its last good answer on, for two lost looks are no maintenance that has not ended. What has not
 * worked since its window ended has no grace left.
 */
function agreedAt(record: MemberRecord, opinions: Opinions): number {
  if (opinions.adc === "up" || opinions.adc === "down") {
    return lastAgreedAt(record.agreement, opinions);
  }
  const { maintenance, workedSinceWindow, lastGoodAt } = record;
  const isExpectedBack = maintenance.declared !== "over" || workedSinceWindow;
  return isExpectedBack && lastGoodAt !== null ? lastGoodAt : -Infinity;
}

/**
 * Whether maintenance that nobody declared has lasted too long: it was seen, and what we see still speaks against the
 * member. Without our own results, a member does not count as not working.
 */
function isOverdue(record: MemberRecord, { now, overdueAfterMs }: MemberSurroundings): boolean {
  const { awaySince, workedOn, maintenance } = record;
  const isBroken = record.bad || maintenance.detected;
  return workedOn && isBroken && awaySince !== null && now - awaySince >= overdueAfterMs;
}

/**
 * Whether our evidence may accuse an ADC that says UP. It must have been asked after the evidence came up, for until then it
 * may well know; a single look asks it last. And what was seen before the replica recovered is what the recovery ended.
 */
function isConclusive(
  record: MemberRecord,
  around: MemberSurroundings,
  service: CombinedService,
  detected: boolean,
): boolean {
  const { brokenSince, adcPolledAt } = record;
  const isHeard =
    around.grace === "single_look" ||
    brokenSince === null ||
    (adcPolledAt !== null && adcPolledAt >= brokenSince);
  return isHeard && isNewerThanRecovery(record, service, detected);
}

/**
 * ADC and replica are DOWN, and anything else here came to pass since the replica looked last: at the return from
 * maintenance both wait out their down time, and their monitor is not too strict for that. Nor is it for one failure after
 * that, which may be lost on the way: the first probe since, at most a down time later, proves nothing alone.
 */
function mayStillRecover(record: MemberRecord, { decidedBy }: MemberReplica): boolean {
  if (record.adcOpinion !== "down" || record.replica !== "down" || record.service !== "up") {
    return false;
  }
  const failed = record.probes.find(
    ({ kind, monitor }) => kind === "monitor" && monitor === decidedBy,
  );
  const failedAt = failed?.resultStartedAt ?? null;
  const action = failed?.planned.action;
  const firstWithinMs = action?.kind === "monitor" ? action.monitor.downTimeMs : 0;
  return (
    failedAt !== null &&
    record.probes.some(
      ({ kind, recoveredAt }) =>
        kind === "transaction" && recoveredAt !== null && recoveredAt + firstWithinMs >= failedAt,
    )
  );
}

function isNewerThanRecovery(
  record: MemberRecord,
  service: CombinedService,
  detected: boolean,
): boolean {
  if (record.replica === "down") {
    return true;
  }
  const recoveredAt = Math.max(
    ...countedMonitors(record).map(({ probe }) => probe?.recoveredAt ?? -Infinity),
  );
  const seenAt = record.probes.find(({ id }) => id === service.decidedBy)?.resultStartedAt ?? null;
  const failsSince = record.service === "down" && seenAt !== null && seenAt >= recoveredAt;
  return failsSince || (detected && seenInMaintenanceSince(record.detection, recoveredAt - 1));
}

/** While nothing differs, nothing is in maintenance and no clock runs, only new data or a stale opinion can change a verdict. */
function restsUntil(record: MemberRecord, around: MemberSurroundings): number {
  const { declared, detected } = record.maintenance;
  const awake =
    around.cutOff ||
    record.verdict === "settling" ||
    record.mismatch ||
    record.outSince !== null ||
    declared !== "no" ||
    detected ||
    record.workedOn ||
    record.behind.length > 0 ||
    record.mayFlap;
  return awake ? -Infinity : firstStaleAfter(record.probes);
}

/**
 * Whether detected maintenance counts in the verdict. Against an ADC that says UP only what was seen since it came to say
 * so counts, and no good answer since: at the return from maintenance the ADC's own monitor is often the first to know.
 */
function detectedStill(record: MemberRecord): boolean {
  const { detected } = record.maintenance;
  if (!detected || record.adcOpinion !== "up") {
    return detected;
  }
  return seenInMaintenanceSince(record.detection, record.adcStateChangedAt ?? -Infinity);
}

/** What was seen by a probe that no longer runs, or says nothing for too long, is no news of the member. */
function detectedLately({ detection, probes }: MemberRecord): boolean {
  return (
    detection.detected &&
    probes.some(
      (probe) =>
        detection.probes.get(probe.id)?.detected && probe.current !== null && !probe.outdated,
    )
  );
}

/** Feeds one observation of the member into the detection of maintenance on the wire. */
export function detectMaintenance(record: MemberRecord, probe: ProbeRecord): void {
  const protocol = signProtocolOf(probe);
  if (probe.last === null || protocol === "other") {
    return;
  }
  const signs = readSigns(probe.last, protocol);
  const event: DetectionEvent = {
    probe: probe.id,
    at: probe.last.startedAt,
    sign: signs.sign,
    smtpGreeted: signs.smtpGreeted,
    otherUrlAnswers: record.probes.some(
      (other) =>
        other !== probe &&
        other.transaction === "https_challenge" &&
        other.current !== null &&
        other.current.exchangeSeen &&
        other.current.reason !== "component_offline",
    ),
  };
  record.detection = stepDetection(record.detection, event);
}

/**
 * Exchange turns away a client for whose address there is no receive connector, and serves everybody else. Only where it has
 * greeted this agent before is that news.
 */
export function withoutStrangers(
  { detection }: MemberRecord,
  probe: ProbeRecord,
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
export function canShowMaintenance(record: MemberRecord): boolean {
  return record.probes.some((probe) => signProtocolOf(probe) !== "other");
}

function signProtocolOf(probe: ProbeRecord): SignProtocol {
  switch (probe.transaction) {
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

function replicaOf(record: MemberRecord): MemberReplica {
  const bound = boundMonitors(record).map(({ binding, probe, enabled }): BoundReplica => ({
    monitor: binding.monitor,
    enabled,
    passive: binding.passive,
    weight: binding.weight,
    opinion: probe?.opinion ?? "unknown",
    lastPassed: probe?.currentPassed ?? null,
  }));
  return memberReplica(bound, record.adcServiceConfig.monThreshold);
}

interface BoundMonitor {
  readonly binding: MonitorBinding;
  /** Undefined where the binding names a monitor that is not there. */
  readonly probe: ProbeRecord | undefined;
  readonly enabled: boolean;
}

function boundMonitors(record: MemberRecord): readonly BoundMonitor[] {
  return record.adcServiceConfig.monitors.map((binding) => {
    const probe = record.probes.find(
      (each) => each.kind === "monitor" && each.monitor === binding.monitor,
    );
    const monitor = probe?.planned.action.kind === "monitor" ? probe.planned.action.monitor : null;
    const isJudged = probe?.planned.unjudged === undefined;
    const enabled = binding.enabled && isJudged && (monitor?.enabled ?? true);
    return { binding, probe, enabled };
  });
}

/** Those that can take the member out. */
function countedMonitors(record: MemberRecord): readonly BoundMonitor[] {
  return boundMonitors(record).filter(({ binding, enabled }) => enabled && !binding.passive);
}

/**
 * What passes prove against monitors. To an agent that watches, one from before the monitor began to fail, or before the ADC
 * changed its mind to DOWN, says nothing of what has come to pass since.
 */
function proofOf(
  record: MemberRecord,
  { grace }: MemberSurroundings,
  speaking: readonly ProbeRecord[],
): ServiceProof {
  const changedAt = record.adcOpinion === "down" ? record.adcStateChangedAt : null;
  const since =
    grace === "watched"
      ? Math.max(
          changedAt ?? -Infinity,
          ...countedMonitors(record).map(({ probe }) => probe?.failingSince ?? -Infinity),
        )
      : -Infinity;
  return proofBy(
    record,
    speaking.filter(({ opinion, passedAt }) => opinion === "up" && (passedAt ?? 0) >= since),
  );
}

function proofBy(record: MemberRecord, passes: readonly ProbeRecord[]): ServiceProof {
  const monitors = countedMonitors(record).map(({ probe }): JudgedMonitor => ({
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
  record: MemberRecord,
  proof: ServiceProof,
  speaking: readonly ProbeRecord[],
): boolean {
  return (
    record.adcOpinion === "up" &&
    record.replica === "down" &&
    proof === "shallower" &&
    speaking.every(({ opinion, lastPassed }) => opinion !== "down" && lastPassed !== false) &&
    proofBy(
      record,
      speaking.filter(({ opinion }) => opinion === "up"),
    ) !== "shallower"
  );
}

/** When a monitor that counts, or a transaction that speaks, failed last; null: none did. */
function lastFailureAt(record: MemberRecord, mailboxSide: ReadonlySet<ProbeRecord>): number | null {
  const probes = [
    ...countedMonitors(record).flatMap(({ probe }) => probe ?? []),
    ...speakingTransactions(record, mailboxSide),
  ];
  const failedAt = Math.max(
    ...probes.map(({ lastFailure }) => lastFailure?.startedAt ?? -Infinity),
  );
  return Number.isFinite(failedAt) ? failedAt : null;
}

/** A monitor that counts has not made up its mind: a look that passes before it proves nothing against it. */
function isUndecided(record: MemberRecord): boolean {
  return countedMonitors(record).some(
    ({ probe }) => probe !== undefined && isUndecidedProbe(probe),
  );
}

function isUndecidedProbe({ scheduled, opinion, last, lastPassed }: ProbeRecord): boolean {
  return scheduled && opinion === "unknown" && (last === null || lastPassed !== null);
}

function depthsOf(record: MemberRecord): MemberDepths {
  const monitors = countedMonitors(record).flatMap(({ probe }) => probe ?? []);
  return {
    adc: deepest(monitors.map(({ depth }) => depth)),
    replica: deepest(
      monitors.filter(({ opinion }) => opinion !== "unknown").map(({ depth }) => depth),
    ),
    service: deepest(
      speakingTransactions(record, new Set())
        .filter(({ opinion }) => opinion !== "unknown")
        .map(({ depth }) => depth),
    ),
  };
}

/** The replica of a login monitor whose account is refused; it says nothing of the server. */
function refusedReplica(record: MemberRecord): ProbeRecord | undefined {
  return record.probes.find(
    ({ kind, last, lastPassed }) =>
      kind === "monitor" && lastPassed === null && last?.reason === "auth_rejected",
  );
}

function refusalOf(record: MemberRecord): "refused" | "proven" | null {
  if (refusedReplica(record) === undefined) {
    return null;
  }
  return record.probes.some(({ rank, opinion }) => rank === "login" && opinion === "up")
    ? "proven"
    : "refused";
}

/** A configured login that is offered only what this agent cannot speak (OAuth or Kerberos alone), where no other works. */
function unspokenLogin({ probes }: MemberRecord): ProbeRecord | undefined {
  const logins = probes.filter(({ rank }) => rank === "login");
  return logins.some(({ opinion }) => opinion === "up")
    ? undefined
    : logins.find(({ current }) => current?.reason === "scheme_unsupported");
}

function serviceOf(record: MemberRecord, mailboxSide: ReadonlySet<ProbeRecord>): CombinedService {
  return combineTransactions(speakingTransactions(record, mailboxSide));
}

/** Transactions that give the service opinion. */
function speakingTransactions(
  { probes }: MemberRecord,
  mailboxSide: ReadonlySet<ProbeRecord>,
): readonly ProbeRecord[] {
  return probes.filter(
    (probe) =>
      probe.transaction !== "" &&
      probe.rank !== "detection" &&
      probe.planned.action.unsupportedReason === null &&
      !mailboxSide.has(probe),
  );
}

/** At a single look: the ADC has just changed its mind, or is counting failures that will change it. */
function mayStillBeChanging(record: MemberRecord, now: number): boolean {
  const changedAt = record.adcStateChangedAt;
  if (changedAt !== null) {
    const instants = { now, agreedAt: changedAt, heardAt: null };
    if (withinGrace(instants, record.grace, record.adcOpinion)) {
      return true;
    }
  }
  return (
    record.adcOpinion === "up" &&
    record.adcMonitors.some((monitor) => (monitor.currentFailedProbes ?? 0) > 0)
  );
}

/** Never answered this agent and was only silent: our own firewall may be in the way. */
function neverReached(record: MemberRecord): boolean {
  let silent = false;
  for (const probe of record.probes) {
    if (probe.everAnswered) {
      return false;
    }
    silent ||= probe.last !== null && wasSilent(probe.last);
  }
  return silent;
}

/** The server's own TROFS answer, to us or to the ADC, declares maintenance. */
function asksForMaintenance(record: MemberRecord): boolean {
  return (
    record.adcHeardMaintenance ||
    record.probes.some((probe) => probe.current?.outcome === "maintenance")
  );
}

/** Which probe decided, and what it saw: the step and reason that tables and metrics show beside the verdict. */
function explain(
  record: MemberRecord,
  around: MemberSurroundings,
  cannotReach: boolean,
  replica: MemberReplica,
  service: CombinedService,
): void {
  if (record.unjudged !== null) {
    setReason(record, null, "excluded", null);
    return;
  }
  if (cannotReach) {
    setReason(record, null, "agent_path", null);
    return;
  }
  const serviceProbe = record.probes.find((probe) => probe.id === service.decidedBy);
  const replicaProbe = record.probes.find(
    (probe) => probe.kind === "monitor" && probe.monitor === replica.decidedBy,
  );
  const detecting = record.maintenance.detected
    ? record.probes.find((probe) => record.detection.probes.get(probe.id)?.detected)
    : undefined;
  const failing =
    (record.service === "down" ? serviceProbe : undefined) ??
    (record.replica === "down" ? replicaProbe : undefined) ??
    (record.verdict === "agree_up" ? undefined : detecting);
  const refused = record.replica === "unknown" ? refusedReplica(record) : undefined;
  const deciding = failing ?? refused ?? serviceProbe ?? replicaProbe;
  const decidedBy =
    deciding === undefined ? null : deciding.monitor || deciding.transaction || null;
  const seen = failing?.lastFailure ?? deciding?.last ?? null;
  if (record.verdict === "unknown" && record.adcOpinion === "unknown") {
    const unheard = around.nitro ? "agent_fault" : "not_configured";
    setReason(record, null, record.adcRawState === null ? unheard : null, decidedBy);
    return;
  }
  const unspoken = record.verdict === "unknown" ? unspokenLogin(record) : undefined;
  if (unspoken !== undefined && record.adcOpinion === "up") {
    setReason(record, unspoken.current?.step ?? null, "scheme_unsupported", unspoken.transaction);
    return;
  }
  // Where only the ADC sees a fault, only the ADC can say which.
  const isTheirs = failing === undefined && refused === undefined;
  const theirs = isTheirs && record.adcOpinion === "down" ? adcReason(record) : null;
  if (theirs !== null) {
    setReason(record, theirs.step, theirs.reason, theirs.monitor);
    return;
  }
  const unrepeated = neverRepeated(record);
  if (unrepeated !== null) {
    setReason(record, null, unrepeated.reason, unrepeated.monitor ?? decidedBy);
    return;
  }
  if (record.flapping !== null && seen?.reason === "ok") {
    setReason(record, null, "flapping", null);
    return;
  }
  setReason(record, seen?.step ?? null, seen?.reason ?? null, decidedBy);
}

/**
 * Nothing is known of a member none of whose probes can be run, nor of one whose ADC says DOWN by a monitor that cannot;
 * what `plan` says of each is why.
 */
function neverRepeated(record: MemberRecord): UnrepeatedReason | null {
  const { verdict, probes, replica, adcOpinion } = record;
  if (verdict !== "unknown") {
    return null;
  }
  const monitor = countedMonitors(record).find(
    ({ probe }) => (probe?.notRepeated ?? null) !== null,
  );
  if (replica === "unknown" && adcOpinion === "down" && monitor !== undefined) {
    return { reason: "unsupported", monitor: monitor.binding.monitor };
  }
  const isBlind = probes.length > 0 && probes.every(({ notRepeated }) => notRepeated !== null);
  return isBlind ? { reason: "unsupported", monitor: null } : null;
}

interface UnrepeatedReason {
  readonly reason: "unsupported";
  readonly monitor: string | null;
}

function setReason(
  record: MemberRecord,
  step: MemberRecord["step"],
  reason: MemberRecord["reason"],
  decidedBy: string | null,
): void {
  record.step = step;
  record.reason = reason;
  record.decidedBy = decidedBy;
}
