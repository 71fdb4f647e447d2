import type { Observation } from "../../src/probes/probe.ts";
import type { FailureReason, Step } from "../../src/probes/reason.ts";
import type { ServiceKind } from "./estate.ts";

/** The truth about one member: how it is, and what the ADC's own monitoring of it is worth. */
export interface Truth {
  /**
   * `maintenance`: its component is inactive, as Exchange shows it on the wire. `dead`: nobody listens. `sick`: it
   * greets and then fails, which no monitor of this estate sees.
   */
  condition: "well" | "maintenance" | "dead" | "sick";
  /** `stuck_up`: suppressed or switched off, the ADC goes on saying UP. `stuck_down`: its path to the server is cut. */
  adc: "honest" | "stuck_up" | "stuck_down";
}

/** Whether the ADC's monitor (and our replica of it) passes now. */
export function monitorPasses(kind: ServiceKind, truth: Truth): boolean {
  switch (truth.condition) {
    case "well":
    case "sick":
      return true;
    case "dead":
      return false;
    case "maintenance":
      // The port still opens, which is all that IMAP's monitor looks at.
      return kind === "imap";
  }
}

export type LookName =
  "imap_greeting" | "pop3_greeting" | "smtp_mail_from" | "https_challenge" | "health_page";

/** Whether a client's exchange works now. */
export function lookPasses(look: LookName, truth: Truth): boolean {
  switch (truth.condition) {
    case "well":
      return true;
    case "dead":
    case "sick":
      return false;
    case "maintenance":
      // In maintenance HTTPS still serves every URL but its health page.
      return look === "https_challenge";
  }
}

interface Failure {
  readonly outcome: "failed" | "refused" | "timeout";
  readonly step: Step;
  readonly reason: FailureReason;
}

/** What a failing probe sees. */
export function failureSeen(probe: ServiceKind | LookName, truth: Truth): Failure {
  if (truth.condition === "dead") {
    return { outcome: "refused", step: "connect", reason: "refused" };
  }
  if (truth.condition === "sick") {
    return { outcome: "timeout", step: "response", reason: "response_timeout" };
  }
  switch (probe) {
    case "imap_greeting":
    case "imap":
    case "pop3_greeting":
    case "pop3":
      return { outcome: "failed", step: "banner", reason: "closed_without_data" };
    case "smtp_mail_from":
      return { outcome: "failed", step: "mail_from", reason: "service_not_active" };
    case "smtp":
    case "health_page":
    case "https":
    case "https_challenge":
      return { outcome: "failed", step: "response", reason: "closed_without_data" };
  }
}

/** A probe lost on the network between: it says nothing about the server, and every path has some. */
export const LOST: Failure = { outcome: "timeout", step: "connect", reason: "connect_timeout" };

export function observation(at: number, failure: Failure | null, exchange: boolean): Observation {
  const facts = {
    startedAt: at,
    durationMs: 20,
    phases: {},
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: failure === null && exchange,
    evidence: { transcript: "", detail: null },
  };
  return failure === null
    ? { ...facts, outcome: "match", reason: "ok", step: "response" }
    : { ...facts, ...failure };
}
