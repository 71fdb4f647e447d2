/** What became of an exchange without an answer. */
export type TransportFailure =
  | "dns_failure"
  | "forbidden"
  | "refused"
  | "unreachable"
  | "timeout"
  | "reset"
  | "tls"
  | "too_large"
  | "not_nitro"
  | "aborted";

/** Why we ended an exchange ourselves; it never leaves the transport. */
export class ExchangeBroken extends Error {
  readonly code: TransportFailure;
  constructor(code: TransportFailure, message: string) {
    super(message);
    this.code = code;
  }
}

/** What an exchange broke on, out of our own word or Node's error. */
export function failureOf(error: unknown): { code: TransportFailure; message: string } {
  if (error instanceof ExchangeBroken) {
    return { code: error.code, message: error.message };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message.slice(0, 200) : "unknown error";
  switch (code) {
    case "ECONNREFUSED":
      return { code: "refused", message };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
    case "ETIMEDOUT":
      return { code: "unreachable", message };
    case "ECONNRESET":
    case "EPIPE":
    case "ECONNABORTED":
      return { code: "reset", message };
    default:
      return { code: code.startsWith("HPE_") ? "not_nitro" : tlsOrUnreachable(code), message };
  }
}

/** OpenSSL's and Node's words for a handshake or a certificate that will not do. */
function tlsOrUnreachable(code: string): TransportFailure {
  return /TLS|SSL|CERT|EPROTO|UNABLE_TO|SIGNED/.test(code) ? "tls" : "unreachable";
}
