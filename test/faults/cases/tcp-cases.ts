import { fails, mismatches, REFUSED, timesOut, up, type FaultTable } from "./ending.ts";

/** Faults of a server that does not get as far as a protocol, at a monitor of each. */
export const TCP_CASES: FaultTable = {
  "tcp.refused": { tcp: REFUSED, "http-ecv": REFUSED, "imap-ecv": REFUSED, smtp: REFUSED },
  "tcp.backlog_full": {
    tcp: timesOut("connect", "connect_timeout"),
    "http-ecv": timesOut("connect", "connect_timeout"),
    "imap-ecv": timesOut("connect", "connect_timeout"),
    smtp: timesOut("connect", "connect_timeout"),
  },
  "tcp.reset_after_accept": {
    tcp: up("connect"),
    "http-ecv": fails("response", "reset"),
    "imap-ecv": fails("banner", "reset"),
    smtp: fails("banner", "reset"),
  },
  "tcp.close_after_accept": {
    tcp: up("connect"),
    "http-ecv": fails("response", "closed_without_data"),
    "imap-ecv": fails("banner", "closed_without_data"),
    smtp: fails("banner", "closed_without_data"),
  },
  "tcp.silent": {
    tcp: up("connect"),
    "http-ecv": timesOut("response", "response_timeout"),
    "imap-ecv": timesOut("banner", "banner_timeout"),
    smtp: timesOut("banner", "banner_timeout"),
  },
  "tcp.half_close": {
    tcp: up("connect"),
    "http-ecv": fails("response", "closed_without_data"),
    "imap-ecv": fails("banner", "closed_without_data"),
    smtp: fails("banner", "closed_without_data"),
  },
  "tcp.reset_after_data": {
    tcp: up("connect"),
    "http-ecv": fails("response", "reset"),
    "imap-ecv": timesOut("banner", "banner_timeout"),
    smtp: timesOut("banner", "banner_timeout"),
  },
  "tcp.close_after_data": {
    tcp: up("connect"),
    "http-ecv": fails("response", "closed_without_data"),
    "imap-ecv": timesOut("banner", "banner_timeout"),
    smtp: timesOut("banner", "banner_timeout"),
  },
  "tcp.endless_data": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("response", "pattern_missing"),
    smtp: fails("banner", "protocol_error"),
  },
  "tcp.endless_lines": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("response", "pattern_missing"),
    smtp: fails("banner", "protocol_error"),
  },
  "tcp.endless_nul": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("response", "pattern_missing"),
    smtp: fails("banner", "protocol_error"),
  },
  "tcp.drip": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("response", "pattern_missing"),
    smtp: timesOut("banner", "banner_timeout"),
  },
  "tcp.random_bytes": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("response", "pattern_missing"),
    smtp: fails("banner", "protocol_error"),
  },
  "tcp.echo": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": timesOut("banner", "banner_timeout"),
    smtp: timesOut("banner", "banner_timeout"),
  },
  "tcp.ssh": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("response", "pattern_missing"),
    smtp: fails("banner", "protocol_error"),
  },
  "tcp.ftp": {
    tcp: up("connect"),
    "http-ecv": fails("response", "protocol_error"),
    "imap-ecv": mismatches("banner", "banner_mismatch"),
    smtp: mismatches("greeting", "bad_status", { plugins: "greeting" }),
  },
  "tcp.http_answers": {
    tcp: up("connect"),
    "http-ecv": mismatches("response", "pattern_missing"),
    "imap-ecv": timesOut("banner", "banner_timeout"),
    smtp: timesOut("banner", "banner_timeout"),
  },
};
