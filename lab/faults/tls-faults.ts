import { DRIP_MS, type Fault } from "./fault.ts";

/** A TLS record with a fatal alert (RFC 8446 section 6). */
function alert(description: number): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, description]);
}

function alertFault(about: string, description: number): Fault {
  return {
    about: `alert ${about}`,
    steps: [{ await: "data" }, { send: alert(description) }, { end: "close" }],
  };
}

/** Faults of the handshake, and certificates that a verifying client must not accept. */
export const TLS_FAULTS = {
  "tls.reset": { about: "resets at the ClientHello", steps: [{ await: "data" }, { end: "reset" }] },
  "tls.close": { about: "closes at the ClientHello", steps: [{ await: "data" }, { end: "close" }] },
  "tls.silent": {
    about: "says nothing to the ClientHello",
    steps: [{ await: "data" }, { end: "silence" }],
  },
  "tls.drip": {
    about: "answers the ClientHello with a byte a second",
    steps: [
      { await: "data" },
      { drip: `\x16\x03\x03\x40\x00${"\x02".repeat(600)}`, everyMs: DRIP_MS },
      { end: "silence" },
    ],
  },
  "tls.endless_record": {
    about: "handshake records without end",
    steps: [{ await: "data" }, { repeat: `\x16\x03\x03\x10\x00${"\x0e".repeat(4096)}` }],
  },
  "tls.garbage": {
    about: "answers the ClientHello with garbage",
    steps: [{ await: "data" }, { send: Buffer.alloc(64, 0xa5) }, { end: "silence" }],
  },
  "tls.plaintext_http": {
    about: "a clear HTTP server on the TLS port",
    steps: [
      { await: "data" },
      { send: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis is no TLS port.\r\n" },
      { end: "close" },
    ],
  },
  "tls.plaintext_banner": {
    about: "a clear IMAP banner on the TLS port",
    steps: [{ send: "* OK IMAP4 ready.\r\n" }, { end: "silence" }],
  },
  "tls.plaintext_bye": {
    about: "Exchange without a certificate: BYE in clear",
    steps: [{ send: "* BYE Connection is closed. 14\r\n" }, { end: "close" }],
  },
  "tls.alert_handshake_failure": alertFault("handshake_failure", 40),
  "tls.alert_protocol_version": alertFault("protocol_version", 70),
  "tls.alert_internal_error": alertFault("internal_error", 80),
  "tls.alert_unrecognized_name": alertFault("unrecognized_name", 112),
  "tls.expired": {
    about: "an expired certificate",
    steps: "healthy",
    tls: { certificate: "expired" },
  },
  "tls.not_yet_valid": {
    about: "a certificate of the future",
    steps: "healthy",
    tls: { certificate: "not_yet_valid" },
  },
  "tls.other_name": {
    about: "a certificate for another name",
    steps: "healthy",
    tls: { certificate: "wrong_name" },
  },
  "tls.self_signed": {
    about: "a certificate that nobody else signed",
    steps: "healthy",
    tls: { certificate: "self_signed" },
  },
  "tls.weak_key": {
    about: "an RSA key of 1024 bits",
    steps: "healthy",
    tls: { certificate: "weak_rsa" },
  },
  "tls.only_1_0": {
    about: "TLS 1.0 and nothing else",
    steps: "healthy",
    tls: { certificate: "mail", min: "TLSv1", max: "TLSv1" },
  },
  "tls.only_1_1": {
    about: "TLS 1.1 and nothing else",
    steps: "healthy",
    tls: { certificate: "mail", min: "TLSv1.1", max: "TLSv1.1" },
  },
  "tls.only_1_2": {
    about: "TLS 1.2 and nothing else",
    steps: "healthy",
    tls: { certificate: "mail", min: "TLSv1.2", max: "TLSv1.2" },
  },
  "tls.only_1_3": {
    about: "TLS 1.3 and nothing else",
    steps: "healthy",
    tls: { certificate: "mail", min: "TLSv1.3", max: "TLSv1.3" },
  },
  "tls.no_common_cipher": {
    about: "one old cipher that today's clients do not offer",
    steps: "healthy",
    tls: {
      certificate: "rsa",
      max: "TLSv1.2",
      ciphers: "CAMELLIA256-SHA:@SECLEVEL=0",
    },
  },
  "tls.client_certificate_demanded": {
    about: "demands a client certificate, and ends TLS 1.2 without one",
    steps: "healthy",
    tls: { certificate: "mail", max: "TLSv1.2", demandsClientCertificate: true },
  },
  "tls.client_certificate_demanded_1_3": {
    about:
      "demands a client certificate by TLS 1.3: the client hears of it only after its handshake",
    steps: "healthy",
    tls: { certificate: "mail", min: "TLSv1.3", demandsClientCertificate: true },
  },
  "tls.renegotiation": {
    about: "asks for a new handshake before it answers",
    steps: [
      { await: "head" },
      { renegotiate: true },
      { send: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n200 OK" },
      { end: "close" },
    ],
    tls: { certificate: "mail", min: "TLSv1.2", max: "TLSv1.2" },
  },
  "tls.reset_after_handshake": {
    about: "finishes the handshake, then resets",
    steps: [{ end: "reset" }],
    tls: { certificate: "mail" },
  },
  "tls.close_after_handshake": {
    about: "finishes the handshake, then closes",
    steps: [{ end: "close" }],
    tls: { certificate: "mail" },
  },
  "tls.silent_after_handshake": {
    about: "finishes the handshake, and says nothing",
    steps: [{ end: "silence" }],
    tls: { certificate: "mail" },
  },
} satisfies Readonly<Record<string, Fault>>;
