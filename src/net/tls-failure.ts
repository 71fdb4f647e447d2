import { type ExchangeError, exchangeError, type NamedExchangeError } from "./exchange-error.ts";

/** OpenSSL's words for "what came is no TLS record". */
const NOT_TLS = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
  "ERR_SSL_RECORD_LAYER_FAILURE",
]);
/** One side knows no protocol version of the other's range. */
const NO_COMMON_VERSION = new Set([
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "ERR_SSL_WRONG_SSL_VERSION",
  "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
  "ERR_SSL_INAPPROPRIATE_FALLBACK",
  "ERR_SSL_VERSION_TOO_LOW",
]);
/**
 * Names what a failed handshake means. A peer that accepts and then closes before its first byte of TLS is kept apart
 * (`closed_without_data`, or `reset` when the kernel answered our ClientHello with RST): that is how Exchange's IMAP and
 * POP services refuse in maintenance.
 */
export function handshakeError(error: NodeJS.ErrnoException, bytesReceived: number): ExchangeError {
  const { code, message } = error;
  if (code === "ECONNRESET" || code === "EPIPE" || code === "ECONNABORTED") {
    if (bytesReceived > 0) {
      return exchangeError("failed", "tls_handshake", `${message} (after ${bytesReceived} bytes)`);
    }
    // Node reports an orderly close before the handshake's end as ECONNRESET too, but without a system call.
    return error.syscall === undefined
      ? { kind: "closed", midway: false }
      : exchangeError("failed", "reset", message);
  }
  if (code !== undefined && NOT_TLS.has(code)) {
    return exchangeError("failed", "plaintext_on_tls_port", openSslWords(error));
  }
  if (code !== undefined && NO_COMMON_VERSION.has(code)) {
    return exchangeError("failed", "tls_protocol", openSslWords(error));
  }
  return exchangeError("failed", "tls_handshake", openSslWords(error));
}
/** `error:0A000102:SSL routines::unsupported protocol` becomes `unsupported protocol`, with the alert where one came. */
function openSslWords(error: NodeJS.ErrnoException): string {
  const words = /error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/i.exec(error.message)?.[1] ?? error.message;
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1];
  return alert === undefined ? words.trim() : `${words.trim()} (alert ${alert} from the server)`;
}

/** OpenSSL's names for a chain that leads to no trusted issuer, as Node.js tells them. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_DECRYPT_CERT_SIGNATURE",
  "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
  "CERT_SIGNATURE_FAILURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "CERT_CHAIN_TOO_LONG",
  "CERT_REVOKED",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
]);

/**
 * What a library means that verified its own connection and ended it, before it sent a secret; null for other errors. A
 * fault: a login that was not tried says nothing about the service.
 */
export function breakOfVerification(code: string | null): NamedExchangeError | null {
  const end = (reason: NamedExchangeError["reason"]): NamedExchangeError =>
    exchangeError(
      "fault",
      reason,
      `no secret was sent: ${code ?? ""} on the client's own connection`,
    );
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "HOSTNAME_MISMATCH":
      return end("certificate_name");
    case "CERT_HAS_EXPIRED":
      return end("certificate_expired");
    case "CERT_NOT_YET_VALID":
      return end("certificate_not_yet_valid");
    default:
      return code !== null && UNTRUSTED.has(code) ? end("certificate_untrusted") : null;
  }
}
