import type { FailureReason, Reason, Step } from "../model/reasons.ts";

/** Why the ADC, as configured, may refuse this agent at a VIP although it serves others. */
export interface VipRefusal {
  readonly by:
    | "acl"
    | "listen_policy"
    | "client_certificate"
    | "responder_ends"
    | "responder_answers"
    | "appfw";
  /** In words, with the object that refuses. */
  readonly words: string;
}

/** How a failure looks when this kind of refusal was the cause. */
export function isRefusal(
  { by }: VipRefusal,
  seen: { readonly step: Step; readonly reason: Reason },
): boolean {
  const silent = SILENT.has(seen.reason);
  switch (by) {
    case "acl":
    case "listen_policy":
      // Before any byte from the vserver: neither its TLS nor a response is possible.
      return silent || seen.step === "connect";
    case "client_certificate":
      // Requested in the handshake, which requires a connection.
      return (
        seen.step !== "connect" &&
        (silent || seen.step === "tls" || CERTIFICATE_WANTED.has(seen.reason))
      );
    case "responder_ends":
      // It acts on the request: connection and TLS work.
      return !BEFORE_A_REQUEST.has(seen.step) && silent;
    case "responder_answers":
      return !BEFORE_A_REQUEST.has(seen.step) && ANSWERED.has(seen.reason);
    case "appfw":
      return BLOCKED.has(seen.reason);
  }
}

const BEFORE_A_REQUEST: ReadonlySet<Step> = new Set<Step>(["connect", "tls"]);
const SILENT: ReadonlySet<Reason> = new Set<FailureReason>([
  "refused",
  "unreachable",
  "connect_timeout",
  "reset",
  "closed_without_data",
  "tls_timeout",
  "banner_timeout",
  "response_timeout",
]);
const CERTIFICATE_WANTED: ReadonlySet<Reason> = new Set<FailureReason>([
  "tls_handshake",
  "tls_protocol",
  "protocol_error",
]);
const ANSWERED: ReadonlySet<Reason> = new Set<FailureReason>([
  "bad_status",
  "pattern_missing",
  "adc_error_page",
  "protocol_error",
  "ssl_required",
  "policy_refused",
]);

/**
 * A firewall reads the request first: connection and TLS work. It responds with an error page or a redirect, or ends
 * the connection.
 */
const BLOCKED: ReadonlySet<Reason> = new Set<FailureReason>([
  "bad_status",
  "pattern_missing",
  "policy_refused",
  "reset",
  "closed_without_data",
]);
