import type { FailureReason, Step } from "../model/reasons.ts";

/**
 * Why an exchange failed, at the level of the wire. The caller adds the step; together they give the outcome and reason of an
 * observation.
 */
export type ExchangeError =
  | { readonly kind: "timeout" }
  | { readonly kind: "aborted" }
  /** The peer closed with FIN. `midway`: after part of a response. */
  | { readonly kind: "closed"; readonly midway: boolean }
  | NamedExchangeError;

/** An error whose outcome and reason are already known. */
export interface NamedExchangeError {
  readonly kind: "named";
  readonly outcome: FailureOutcome;
  readonly reason: FailureReason;
  readonly detail: string | null;
}

export type FailureOutcome = "mismatch" | "refused" | "timeout" | "failed" | "fault";

export interface FailureDescription {
  readonly outcome: FailureOutcome;
  readonly reason: FailureReason;
  readonly detail: string | null;
}

/** Makes an error with a known outcome and reason. */
export function exchangeError(
  outcome: FailureOutcome,
  reason: FailureReason,
  detail: string | null = null,
): NamedExchangeError {
  return { kind: "named", outcome, reason, detail };
}

/** The peer violated the protocol: garbage, wrong lengths, or more than the limit. */
export function protocolError(detail: string): NamedExchangeError {
  return { kind: "named", outcome: "failed", reason: "protocol_error", detail };
}

/**
 * Plain-text bytes between the server's STARTTLS reply and the handshake. An attacker may have injected them as the first
 * "response" under TLS (CVE-2011-0411), so the exchange ends.
 */
export const DATA_BEFORE_TLS = protocolError("data was sent before the TLS handshake");

/** Outcome and reason of an error at a step. */
export function describeExchangeError(why: ExchangeError, step: Step): FailureDescription {
  switch (why.kind) {
    case "named":
      return why;
    case "timeout":
      return { outcome: "timeout", reason: timeoutReason(step), detail: null };
    case "aborted":
      return { outcome: "fault", reason: "agent_fault", detail: "the probe was abandoned" };
    case "closed":
      return why.midway
        ? {
            outcome: "failed",
            reason: "protocol_error",
            detail: "closed in the middle of a response",
          }
        : { outcome: "failed", reason: "closed_without_data", detail: null };
  }
}

function timeoutReason(step: Step): FailureReason {
  switch (step) {
    case "resolve":
      return "dns_failure";
    case "connect":
      return "connect_timeout";
    case "tls":
      return "tls_timeout";
    case "banner":
      return "banner_timeout";
    default:
      return "response_timeout";
  }
}

/**
 * Classifies a socket error. EHOSTUNREACH is about the server (from ARP or a router); ENETUNREACH and local refusals
 * (descriptors, addresses, permissions) are agent faults.
 */
export function socketError(error: NodeJS.ErrnoException): NamedExchangeError {
  const detail = error.message;
  switch (error.code) {
    case "ECONNREFUSED":
      return { kind: "named", outcome: "refused", reason: "refused", detail };
    case "ECONNRESET":
    case "EPIPE":
    case "ECONNABORTED":
      return { kind: "named", outcome: "failed", reason: "reset", detail };
    case "ETIMEDOUT":
      return { kind: "named", outcome: "timeout", reason: "connect_timeout", detail };
    case "EHOSTUNREACH":
    case "EHOSTDOWN":
      return { kind: "named", outcome: "failed", reason: "unreachable", detail };
    case "ENETUNREACH":
    case "ENETDOWN":
      return { kind: "named", outcome: "fault", reason: "unreachable", detail };
    default:
      // With TLS 1.3 the server may reject the handshake (a client certificate is required) after the client has finished.
      return error.code?.startsWith("ERR_SSL") === true
        ? { kind: "named", outcome: "failed", reason: "tls_handshake", detail }
        : { kind: "named", outcome: "fault", reason: "agent_fault", detail };
  }
}
