import { isRejectedByConnectors } from "../net/mail-replies.ts";
import type { Observation } from "../model/observation.ts";
import { readSigns, stepDetection, type DetectionState, type SignProtocol } from "./detection.ts";
import type { MemberFacts, ProbeFacts } from "./facts.ts";
import { isRefusal } from "./vip-refusal.ts";

/** Whether the member shows maintenance now, by a probe that still runs and whose result has not expired. */
export function isDetected({ detection, probes }: MemberFacts): boolean {
  return (
    detection.detected &&
    probes.some(
      (probe) =>
        detection.probes.get(probe.id)?.detected && probe.current !== null && !probe.outdated,
    )
  );
}

/** The state after this probe's last observation. */
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
 * The observation, as a fault of our own where a server refuses only this agent and serves everybody else: Exchange, that has
 * no receive connector for our address, or one that demands the certificate which the ADC has. Where it has served this agent
 * before, the refusal is news of the server.
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
    isRejectedByConnectors(observation.evidence.detail ?? "");
  const { refusal, passedAt } = probe;
  const lacksCertificate =
    refusal?.by === "client_certificate" &&
    passedAt === null &&
    observation.reason !== "ok" &&
    (isRefusal(refusal, observation) || /\b403\b/.test(observation.evidence.detail ?? ""));
  return (isTurnedAway && !detection.smtpGreetedBefore) || lacksCertificate
    ? { ...observation, outcome: "fault", reason: "agent_path" }
    : observation;
}

/** Whether any probe of this member could show maintenance: one that only opens a TCP port cannot. */
export function canShowMaintenance({ probes }: Pick<MemberFacts, "probes">): boolean {
  return probes.some((probe) => signProtocolOf(probe) !== "other");
}

/** The protocol by which a probe may show maintenance. */
export function signProtocolOf({ transaction }: Pick<ProbeFacts, "transaction">): SignProtocol {
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
