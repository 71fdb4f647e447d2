/** What is known about a failed exchange besides its code. */
export interface Circumstances {
  /** The URL says https. */
  readonly secure: boolean;
  /** Node's or OpenSSL's own code, for example `DEPTH_ZERO_SELF_SIGNED_CERT`. */
  readonly cause?: string;
  /** The target of a redirect. */
  readonly location?: string | null;
}

const URLS = "adcs[].nitro.urls";
const TRUST = "adcs[].nitro.tls.ca_file or adcs[].nitro.fingerprint_sha256";
const ACCOUNT = "adcs[].nitro.username and password_file";

/** What to check in our configuration or at the appliance; null: no advice. `code` as in a NitroAnswer. */
export function adviceFor(
  code: string,
  { secure, cause = "", location }: Circumstances,
): string | null {
  switch (code) {
    case "dns_failure":
    case "refused":
    case "unreachable":
      return `see ${URLS}`;
    case "forbidden":
      return "see connect_to and unmapped";
    case "timeout":
      return "see adcs[].nitro.timeout";
    case "tls":
      return tlsAdvice(cause);
    case "reset":
      return secure ? null : `if this port speaks TLS, write https in ${URLS}`;
    case "not_nitro":
      return cause.startsWith("HPE_") && !secure
        ? `this port may speak TLS: write https in ${URLS}`
        : `another server than the NSIP seems to answer: see ${URLS}`;
    case "http_3xx":
      return location?.startsWith("https:") === true && !secure
        ? `write https in ${URLS}`
        : `NITRO is not there: see ${URLS}`;
    case "http_401":
    case "354":
    case "355":
    case "1025":
      return `see ${ACCOUNT}`;
    case "1034":
    case "1046":
    case "1047":
      return `the account must act at the appliance first: see ${ACCOUNT}`;
    case "257":
    case "269":
    case "371":
    case "2138":
    case "http_403":
      return "the account lacks a command policy: see docs/nitro-user.md";
    case "445":
    case "446":
      return "too many sessions or connections at the appliance";
    default:
      return null;
  }
}

function tlsAdvice(cause: string): string {
  if (cause === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return "write the certificate's name in adcs[].nitro.tls.server_name, or its fingerprint in adcs[].nitro.fingerprint_sha256";
  }
  if (cause === "CERT_HAS_EXPIRED" || cause === "CERT_NOT_YET_VALID") {
    return "renew it, or write its fingerprint in adcs[].nitro.fingerprint_sha256";
  }
  if (/SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED|CERT_SIGNATURE/.test(cause)) {
    return `the certificate is not trusted: see ${TRUST}`;
  }
  if (cause === "FINGERPRINT") {
    return "see adcs[].nitro.fingerprint_sha256";
  }
  return /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO|HTTP_REQUEST/.test(cause)
    ? `if this port speaks no TLS, write http in ${URLS}`
    : `see adcs[].nitro.tls`;
}
