import { classifyLastResponse, type LastResponseClass } from "../adc/nitro/roles.ts";
import type { Reason, Step } from "../model/reasons.ts";
import type { MemberVerdict } from "../model/verdicts.ts";
import type { MemberFacts } from "./facts.ts";
import type { Opinions } from "./grace.ts";
import type { MemberJudgement } from "./judgement.ts";
import { refusedReplica, unsupportedLogin, type MemberEvidence } from "./member-evidence.ts";
import type { MemberReplica } from "./replica.ts";
import type { CombinedService } from "./service-opinion.ts";

/** Our own opinions on a member, and the probes that decided them. */
export interface OwnOpinions extends Opinions {
  readonly replicaParts: MemberReplica;
  readonly serviceParts: CombinedService;
  /** This agent is cut off from the network, or never got an answer from the member. */
  readonly cannotReach: boolean;
}

interface AdcReason {
  /** The ADC's monitor that failed. */
  readonly monitor: string;
  readonly step: Step;
  readonly reason: Reason;
}

/** Step and reason for each class of the ADC's last response that has one. */
const BY_LAST_RESPONSE: Readonly<
  Partial<Record<LastResponseClass, Pick<AdcReason, "step" | "reason">>>
> = {
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
 * Why the ADC has a member DOWN that passes all our probes, from the last response of its own monitor. Null if that
 * gives no reason.
 */
function adcReason(member: Pick<MemberFacts, "adcMonitors">): AdcReason | null {
  for (const { monitor, state, lastResponse } of member.adcMonitors) {
    const said =
      state === "down" && lastResponse !== null
        ? BY_LAST_RESPONSE[classifyLastResponse(lastResponse, false)]
        : undefined;
    if (said !== undefined) {
      return { monitor, ...said };
    }
  }
  return null;
}

/** What is known about a member once it has a verdict. */
export interface MemberOutcome extends OwnOpinions {
  readonly maintenance: MemberJudgement["maintenance"];
  readonly verdict: MemberVerdict;
  readonly flaps: number | null;
}

type Explanation = Pick<MemberJudgement, "step" | "reason" | "decidedBy">;

/** The probe that decided, with the step and reason of its result: tables and metrics show them with the verdict. */
export function explanation(
  member: MemberFacts,
  evidence: MemberEvidence,
  nitro: boolean,
  outcome: MemberOutcome,
): Explanation {
  const { verdict, replica, service, adc, maintenance } = outcome;
  if (member.unjudged !== null) {
    return { step: null, reason: "excluded", decidedBy: null };
  }
  if (outcome.cannotReach) {
    return { step: null, reason: "agent_path", decidedBy: null };
  }
  const serviceProbe = member.probes.find(({ id }) => id === outcome.serviceParts.decidedBy);
  const replicaProbe = member.probes.find(
    ({ kind, monitor }) => kind === "monitor" && monitor === outcome.replicaParts.decidedBy,
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
    const noAdcState = nitro ? "agent_fault" : "not_configured";
    return { step: null, reason: member.adcRawState === null ? noAdcState : null, decidedBy };
  }
  const unsupported = verdict === "unknown" ? unsupportedLogin(member) : undefined;
  if (unsupported !== undefined && adc === "up") {
    const step = unsupported.current?.step ?? null;
    return { step, reason: "scheme_unsupported", decidedBy: unsupported.transaction };
  }
  // Only the ADC sees a fault: its monitor's last response is the only explanation.
  const isOnlyAdcs = failing === undefined && refused === undefined;
  const adcs = isOnlyAdcs && adc === "down" ? adcReason(member) : null;
  if (adcs !== null) {
    return { step: adcs.step, reason: adcs.reason, decidedBy: adcs.monitor };
  }
  const unrepeated = neverRepeated(member, evidence, outcome);
  if (unrepeated !== null) {
    return {
      step: null,
      reason: "unsupported",
      decidedBy: unrepeated.monitor ?? decidedBy,
    };
  }
  if (outcome.flaps !== null && seen?.reason === "ok") {
    return { step: null, reason: "flapping", decidedBy: null };
  }
  return { step: seen?.step ?? null, reason: seen?.reason ?? null, decidedBy };
}

/**
 * Whether a verdict is unknown because probes cannot be run: none of the member's, or the monitor by which the ADC has it
 * DOWN. `plan` says why for each. `monitor`: the one that cannot be run.
 */
function neverRepeated(
  member: MemberFacts,
  { monitors }: MemberEvidence,
  { verdict, replica, adc }: MemberOutcome,
): { readonly monitor: string | null } | null {
  if (verdict !== "unknown") {
    return null;
  }
  const monitor = monitors.find(({ probe }) => (probe?.notRepeated ?? null) !== null);
  if (replica === "unknown" && adc === "down" && monitor !== undefined) {
    return { monitor: monitor.binding.monitor };
  }
  const { probes } = member;
  const isBlind = probes.length > 0 && probes.every(({ notRepeated }) => notRepeated !== null);
  return isBlind ? { monitor: null } : null;
}
