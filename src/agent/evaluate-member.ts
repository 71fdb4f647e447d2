import { classifyLastResponse, type LastResponseClass } from "../adc/nitro/last-response.ts";
import type { Reason, Step } from "../model/reasons.ts";
import type { LiveMember } from "../model/live.ts";
import {
  seenInMaintenanceSince,
  stepDetection,
  type DetectionEvent,
  readSigns,
  type SignProtocol,
} from "../maintenance/detection.ts";
import { lastAgreedAt, stepAgreement, withinGrace } from "../verdict/grace.ts";
import { memberVerdict } from "../verdict/member-verdict.ts";
import { memberReplica, type BoundReplica, type MemberReplica } from "../verdict/replica.ts";
import { combineTransactions, type CombinedService } from "../verdict/service-opinion.ts";
import type { MemberRecord } from "./records/member-record.ts";
import { wasSilent, type ProbeRecord } from "./records/probe-record.ts";

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
  /** Whether any NITRO is configured for this ADC: without one the ADC's opinion is nobody's fault. */
  readonly nitro: boolean;
  /** The declared window, apart from the server's own TROFS answer. */
  readonly declared: "no" | "open" | "over";
  readonly stabilityMs: number;
  /**
   * How grace is judged: by the time since the opinions last agreed (an agent that watches), or at a single look, by
   * what the ADC itself tells of its last change and of failures it is counting.
   */
  readonly grace: "watched" | "single_look";
  /** Probes whose failure lies behind all front ends and is told once, for the estate. */
  readonly mailboxSide: ReadonlySet<ProbeRecord>;
}

/** Brings a member's opinions and verdict up to date. Called when something is heard, and while time alone may tell. */
export function evaluateMember(record: MemberRecord, around: MemberSurroundings): void {
  const { now } = around;
  if (record.judged !== null) {
    // What agreed when it was last judged has agreed until now.
    record.agreement = stepAgreement(record.agreement, now, record.judged);
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
  record.goodSince = record.good ? (record.goodSince ?? now) : null;
  const stable = record.goodSince !== null && now - record.goodSince >= around.stabilityMs;
  const declared = asksForMaintenance(record) ? "open" : around.declared;
  record.maintenance = {
    declared,
    adc: record.outSince !== null,
    detected: record.detection.detected,
  };
  const verdict = memberVerdict({
    cutOff: around.cutOff,
    ...opinions,
    failing: replica.failing,
    declared,
    detected: detectedStill(record),
    withinGrace:
      around.grace === "watched"
        ? withinGrace(
            {
              now,
              agreedAt: lastAgreedAt(record.agreement, opinions),
              heardAt: record.adcHeardAt,
            },
            record.grace,
            record.adcOpinion,
          )
        : mayStillBeChanging(record, now),
    stable,
  });
  record.readyToReturn = verdict === "ready_to_return" || verdict === "return_overdue";
  record.judge(verdict, now);
  explain(record, around, cannotReach, replica, service);
  record.restsUntil = restsUntil(record, around);
}

/** While nothing differs, nobody is in maintenance and no clock runs, only news or a stale opinion can change a verdict. */
function restsUntil(record: MemberRecord, around: MemberSurroundings): number {
  const { declared, detected } = record.maintenance;
  const awake =
    around.cutOff ||
    record.verdict === "settling" ||
    record.mismatch ||
    record.outSince !== null ||
    declared !== "no" ||
    detected;
  return awake
    ? -Infinity
    : record.probes.reduce((until, probe) => Math.min(until, probe.opinionStandsUntil), Infinity);
}

/**
 * Whether detected maintenance counts in the verdict. Against an ADC that says UP only what was seen since it came to say
 * so counts, and no good answer since: at the return from maintenance the ADC's own monitor is often the first to know.
 */
function detectedStill(record: MemberRecord): boolean {
  const { detected } = record.detection;
  if (!detected || record.adcOpinion !== "up") {
    return detected;
  }
  return seenInMaintenanceSince(record.detection, record.adcStateChangedAt ?? -Infinity);
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
        other.last !== null &&
        other.last.exchangeSeen &&
        other.last.reason !== "component_offline",
    ),
  };
  record.detection = stepDetection(record.detection, event);
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
  const bound = record.adcServiceConfig.monitors.map((binding): BoundReplica => {
    const probe = record.probes.find(
      (each) => each.kind === "monitor" && each.monitor === binding.monitor,
    );
    const monitor = probe?.planned.action.kind === "monitor" ? probe.planned.action.monitor : null;
    return {
      monitor: binding.monitor,
      enabled: binding.enabled && (monitor?.enabled ?? true),
      passive: binding.passive,
      weight: binding.weight,
      opinion: probe?.opinion ?? "unknown",
      lastPassed: probe?.lastPassed ?? null,
    };
  });
  return memberReplica(bound, record.adcServiceConfig.monThreshold);
}

function serviceOf(record: MemberRecord, mailboxSide: ReadonlySet<ProbeRecord>): CombinedService {
  return combineTransactions(
    record.probes.flatMap((probe) =>
      probe.transaction === "" ||
      probe.planned.action.unsupportedReason !== null ||
      mailboxSide.has(probe)
        ? []
        : [{ id: probe.id, rank: probe.rank, opinion: probe.opinion }],
    ),
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
    record.probes.some((probe) => probe.last?.outcome === "maintenance")
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
  if (cannotReach) {
    setReason(record, null, "agent_path", null);
    return;
  }
  const serviceProbe = record.probes.find((probe) => probe.id === service.decidedBy);
  const replicaProbe = record.probes.find(
    (probe) => probe.kind === "monitor" && probe.monitor === replica.decidedBy,
  );
  const detecting = record.detection.detected
    ? record.probes.find((probe) => record.detection.probes.get(probe.id)?.detected)
    : undefined;
  const failing =
    (record.service === "down" ? serviceProbe : undefined) ??
    (record.replica === "down" ? replicaProbe : undefined) ??
    (record.verdict === "agree_up" ? undefined : detecting);
  const deciding = failing ?? serviceProbe ?? replicaProbe;
  const decidedBy =
    deciding === undefined ? null : deciding.monitor || deciding.transaction || null;
  const seen = failing?.lastFailure ?? deciding?.last ?? null;
  if (record.verdict === "unknown" && record.adcOpinion === "unknown") {
    const unheard = around.nitro ? "agent_fault" : "not_configured";
    setReason(record, null, record.adcRawState === null ? unheard : null, decidedBy);
    return;
  }
  // Where only the ADC sees a fault, only the ADC can say which.
  const theirs = failing === undefined && record.adcOpinion === "down" ? adcReason(record) : null;
  if (theirs !== null) {
    setReason(record, theirs.step, theirs.reason, theirs.monitor);
    return;
  }
  setReason(record, seen?.step ?? null, seen?.reason ?? null, decidedBy);
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
