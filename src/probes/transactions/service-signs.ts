import type { Observation } from "../probe.ts";
import type { TransactionName } from "./spec.ts";

/** What an observation says about maintenance at its member; `good` clears a suspicion, null says nothing. */
export type MaintenanceSign =
  | "imap_pop_closed"
  | "smtp_not_active"
  | "smtp_421_at_connect"
  | "health_page_aborted"
  | "good"
  | null;

/**
 * The ways in which an Exchange server in maintenance refuses (design: "detected on the wire"), read from one
 * observation. Counting them, and confirming an aborted health page by another URL, is the caller's.
 */
export function maintenanceSign(
  transaction: TransactionName,
  observation: Observation,
): MaintenanceSign {
  if (observation.outcome === "match") {
    return "good";
  }
  const { reason, step } = observation;
  switch (transaction) {
    case "imap_greeting":
    case "imap_login":
    case "pop3_greeting":
    case "pop3_login":
      return reason === "closed_without_data" && (step === "tls" || step === "banner")
        ? "imap_pop_closed"
        : null;
    case "smtp_mail_from":
    case "smtp_submission":
      if (reason !== "service_not_active") {
        return null;
      }
      return step === "banner" ? "smtp_421_at_connect" : "smtp_not_active";
    case "health_page":
      return reason === "component_offline" ? "health_page_aborted" : null;
    default:
      return null;
  }
}

/** Transactions that tell who answers and help detection, but are no opinion about the service. */
export const WITHOUT_OPINION: ReadonlySet<TransactionName> = new Set<TransactionName>([
  "health_page",
]);

/** Rungs of the ADC's login that a probe can be stuck on: the VIP is protected, the service behind it unseen. */
export const AAA_RUNGS = [
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
] as const;

/** What one observation of a transaction says about the service, before the rule of two failures in a row. */
export function transactionOpinion(
  observation: Observation,
): "up" | "down" | "protected" | "unknown" {
  switch (observation.outcome) {
    case "match":
    case "maintenance":
      return "up";
    case "fault":
      return "unknown";
    default:
      return AAA_RUNGS.some((rung) => rung === observation.reason) ? "protected" : "down";
  }
}
