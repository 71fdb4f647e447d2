import { type ExchangeError, exchangeError } from "./exchange-error.ts";

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
