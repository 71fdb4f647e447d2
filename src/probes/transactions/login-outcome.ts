import type { Observation } from "../../model/observation.ts";

/** What a login means to the account, as the gate wants to know it. */
export type LoginOutcome = "accepted" | "rejected" | "unanswered" | "not_tried";

/**
 * Reads from an account transaction's observation what became of its credential. Such transactions are at step `login`
 * from the moment the credential may have been sent until the server has accepted it.
 */
export function loginOutcome(observation: Observation): LoginOutcome {
  const { outcome, reason, step } = observation;
  if (outcome === "match" || outcome === "maintenance") {
    return "accepted";
  }
  if (reason === "auth_rejected" || reason === "aaa_rejected") {
    return "rejected";
  }
  if (DECLINED.has(reason) && (step === "login" || reason === "not_configured")) {
    return "not_tried";
  }
  if (step === "mail_from" || step === "transaction") {
    // A fault of our own may have come at any moment.
    return outcome === "fault" ? "unanswered" : "accepted";
  }
  return step === "login" ? "unanswered" : "not_tried";
}

/** The server answered, and refused to look at the credential at all. */
const DECLINED: ReadonlySet<string> = new Set([
  "service_not_active",
  "throttled",
  "source_limit",
  "back_pressure",
  "backend_unavailable",
  "adc_no_service",
  "auth_schemes_differ",
  "not_configured",
]);
