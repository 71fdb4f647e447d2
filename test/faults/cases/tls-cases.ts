import { fails, timesOut, up, type FaultTable } from "./ending.ts";

/** Faults of the handshake, and of what comes right after it. */
export const TLS_CASES: FaultTable = {
  "tls.reset": {
    tcps: fails("tls", "reset|closed_without_data"),
    "https-ecv": fails("tls", "reset|closed_without_data"),
  },
  "tls.close": {
    tcps: fails("tls", "closed_without_data"),
    "https-ecv": fails("tls", "closed_without_data"),
  },
  "tls.silent": {
    tcps: timesOut("tls", "tls_timeout"),
    "https-ecv": timesOut("tls", "tls_timeout"),
  },
  "tls.drip": { tcps: timesOut("tls", "tls_timeout"), "https-ecv": timesOut("tls", "tls_timeout") },
  "tls.endless_record": {
    tcps: fails("tls", "tls_handshake"),
    "https-ecv": fails("tls", "tls_handshake"),
  },
  "tls.garbage": {
    tcps: fails("tls", "plaintext_on_tls_port"),
    "https-ecv": fails("tls", "plaintext_on_tls_port"),
  },
  "tls.plaintext_http": {
    tcps: fails("tls", "plaintext_on_tls_port"),
    "https-ecv": fails("tls", "plaintext_on_tls_port"),
  },
  "tls.plaintext_banner": {
    tcps: fails("tls", "plaintext_on_tls_port"),
    "https-ecv": fails("tls", "plaintext_on_tls_port"),
  },
  "tls.plaintext_bye": {
    tcps: fails("tls", "plaintext_on_tls_port"),
    "https-ecv": fails("tls", "plaintext_on_tls_port"),
  },
  "tls.alert_handshake_failure": {
    tcps: fails("tls", "tls_handshake"),
    "https-ecv": fails("tls", "tls_handshake"),
  },
  "tls.alert_protocol_version": {
    tcps: fails("tls", "tls_protocol"),
    "https-ecv": fails("tls", "tls_protocol"),
  },
  "tls.alert_internal_error": {
    tcps: fails("tls", "tls_handshake"),
    "https-ecv": fails("tls", "tls_handshake"),
  },
  "tls.alert_unrecognized_name": {
    tcps: fails("tls", "tls_handshake"),
    "https-ecv": fails("tls", "tls_handshake"),
  },
  "tls.expired": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.not_yet_valid": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.other_name": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.self_signed": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.weak_key": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.only_1_0": { tcps: fails("tls", "tls_protocol"), "https-ecv": fails("tls", "tls_protocol") },
  "tls.only_1_1": { tcps: fails("tls", "tls_protocol"), "https-ecv": fails("tls", "tls_protocol") },
  "tls.only_1_2": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.only_1_3": { tcps: up("tls"), "https-ecv": up("response") },
  "tls.no_common_cipher": {
    tcps: fails("tls", "tls_handshake"),
    "https-ecv": fails("tls", "tls_handshake"),
  },
  "tls.client_certificate_demanded": {
    tcps: fails("tls", "tls_handshake"),
    "https-ecv": fails("tls", "tls_handshake"),
  },
  "tls.client_certificate_demanded_1_3": {
    tcps: up("tls"),
    "https-ecv": fails("response", "tls_handshake"),
  },
  "tls.renegotiation": {
    tcps: up("tls"),
    "https-ecv": up("response", { blackbox: "renegotiation" }),
  },
  "tls.reset_after_handshake": {
    tcps: up("tls"),
    "https-ecv": fails("response", "reset|closed_without_data"),
  },
  "tls.close_after_handshake": {
    tcps: up("tls"),
    "https-ecv": fails("response", "closed_without_data"),
  },
  "tls.silent_after_handshake": {
    tcps: up("tls"),
    "https-ecv": timesOut("response", "response_timeout"),
  },
};
