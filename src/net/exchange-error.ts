import type { FailureReason, Step } from "../model/reasons.ts";

/**
 * Why an exchange could not go on, as the wire saw it. The step is the caller's knowledge: together they make the
 * outcome and the reason of an observation.
 */
export type ExchangeError =
  | { readonly kind: "timeout" }
  | { readonly kind: "aborted" }
  /** The peer closed in an orderly way. `midway`: after a part of what was awaited had come. */
  | { readonly kind: "closed"; readonly midway: boolean }
  | NamedExchangeError;

/** A break whose outcome and reason are already certain. */
export interface NamedExchangeError {
  readonly kind: "named";
  readonly outcome: FailureOutcome;
  readonly reason: FailureReason;
  readonly detail: string | null;
}

export type FailureOutcome = "mismatch" | "refused" | "timeout" | "failed" | "fault";

export interface BreakDescription {
  readonly outcome: FailureOutcome;
  readonly reason: FailureReason;
  readonly detail: string | null;
}

/** A break with its reason, as a probe or a parser makes one. */
export function exchangeError(
  outcome: FailureOutcome,
  reason: FailureReason,
  detail: string | null = null,
): NamedExchangeError {
  return { kind: "named", outcome, reason, detail };
}

/** What the peer sent is not the protocol: garbage, lies about lengths, more than the bound. */
export function protocolError(detail: string): NamedExchangeError {
  return { kind: "named", outcome: "failed", reason: "protocol_error", detail };
}

/**
 * Bytes in the clear between the server's consent to TLS and the handshake. Whoever sits on the wire may have put them
 * there, for the client to take them for the server's first answer under TLS (CVE-2011-0411): nothing that follows can be
 * believed, so they end the exchange.
 */
export const AHEAD_OF_TLS = protocolError("data was sent ahead of the TLS handshake");

/** Outcome and reason of a break at a step. */
export function describeExchangeError(why: ExchangeError, step: Step): BreakDescription {
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
            detail: "closed in the middle of an answer",
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
 * Names a socket error. EHOSTUNREACH is an answer about the server (ARP or a router says so); ENETUNREACH and what our
 * own system refuses (descriptors, addresses, permission) are faults of ours.
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
      // By TLS 1.3 the server may refuse our side of the handshake (a certificate it wants) after we are done with it.
      return error.code?.startsWith("ERR_SSL") === true
        ? { kind: "named", outcome: "failed", reason: "tls_handshake", detail }
        : { kind: "named", outcome: "fault", reason: "agent_fault", detail };
  }
}
