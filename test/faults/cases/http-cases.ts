import { fails, mismatches, timesOut, up, type FaultTable } from "./ending.ts";

/** Faults of web servers. */
export const HTTP_CASES: FaultTable = {
  "http.silent": {
    http: timesOut("response", "response_timeout"),
    "http-ecv": timesOut("response", "response_timeout"),
  },
  "http.close": {
    http: fails("response", "closed_without_data"),
    "http-ecv": fails("response", "closed_without_data"),
  },
  "http.reset": { http: fails("response", "reset"), "http-ecv": fails("response", "reset") },
  "http.reset_mid_headers": {
    http: fails("response", "reset", { plugins: "status_line" }),
    "http-ecv": fails("response", "reset"),
  },
  "http.close_mid_headers": {
    http: fails("response", "protocol_error", { plugins: "status_line" }),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.reset_mid_body": {
    http: up("response", { blackbox: "body" }),
    "http-ecv": up("response", { blackbox: "body" }),
  },
  "http.close_mid_body": {
    http: up("response", { blackbox: "body" }),
    "http-ecv": up("response", { blackbox: "body" }),
  },
  "http.silent_mid_body": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": up("response", { blackbox: "body", plugins: "body" }),
  },
  "http.length_too_small": {
    http: up("response"),
    "http-ecv": mismatches("response", "pattern_missing", { plugins: "length" }),
  },
  "http.length_4g": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": timesOut("response", "response_timeout"),
  },
  "http.length_negative": {
    http: fails("response", "protocol_error", { plugins: "length" }),
    "http-ecv": fails("response", "protocol_error", { plugins: "length" }),
  },
  "http.length_twice": {
    http: fails("response", "protocol_error", { plugins: "length" }),
    "http-ecv": fails("response", "protocol_error", { plugins: "length" }),
  },
  "http.length_and_chunked": { http: up("response"), "http-ecv": up("response") },
  "http.chunked": { http: up("response"), "http-ecv": up("response") },
  "http.chunk_size_garbage": {
    http: fails("response", "protocol_error"),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.chunk_size_lies": {
    http: fails("response", "protocol_error"),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.chunk_4g": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": up("response", { blackbox: "body", plugins: "body" }),
  },
  "http.chunks_without_end": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": up("response", { blackbox: "body", plugins: "body" }),
  },
  "http.endless_chunks": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": mismatches("response", "pattern_missing"),
  },
  "http.endless_body": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": mismatches("response", "pattern_missing"),
  },
  "http.endless_headers": {
    http: fails("response", "protocol_error"),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.endless_status_line": {
    http: fails("response", "protocol_error"),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.ten_thousand_headers": {
    http: fails("response", "protocol_error", { blackbox: "bound", plugins: "bound" }),
    "http-ecv": fails("response", "protocol_error", { blackbox: "bound", plugins: "bound" }),
  },
  "http.huge_header": {
    http: fails("response", "protocol_error", { blackbox: "bound", plugins: "bound" }),
    "http-ecv": fails("response", "protocol_error", { blackbox: "bound", plugins: "bound" }),
  },
  "http.drip_headers": {
    http: timesOut("response", "response_timeout"),
    "http-ecv": timesOut("response", "response_timeout"),
  },
  "http.drip_body": {
    http: up("response", { blackbox: "body", plugins: "body" }),
    "http-ecv": timesOut("response", "response_timeout"),
  },
  "http.gzip": { http: up("response"), "http-ecv": mismatches("response", "pattern_missing") },
  "http.gzip_lies": { http: up("response"), "http-ecv": up("response") },
  "http.continue_first": {
    http: up("response", { haproxy: "interim", plugins: "interim" }),
    "http-ecv": up("response"),
  },
  "http.early_hints_first": {
    http: up("response", { haproxy: "interim", plugins: "interim" }),
    "http-ecv": up("response"),
  },
  "http.continue_forever": {
    http: fails("response", "protocol_error"),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.version_0_9": {
    http: fails("response", "protocol_error", { plugins: "first_line" }),
    "http-ecv": fails("response", "protocol_error"),
  },
  "http.version_1_0": { http: up("response"), "http-ecv": up("response") },
  "http.bare_lf": { http: up("response"), "http-ecv": up("response") },
  "http.no_reason": { http: up("response"), "http-ecv": up("response") },
  "http.bad_status_line": {
    http: fails("response", "protocol_error", { plugins: "first_line" }),
    "http-ecv": fails("response", "protocol_error", { plugins: "first_line" }),
  },
  "http.status_999": {
    http: mismatches("response", "bad_status"),
    "http-ecv": up("response", { blackbox: "status" }),
  },
  "http.nul_in_header": { http: up("response"), "http-ecv": up("response") },
  "http.folded_header": { http: up("response"), "http-ecv": up("response") },
  "http.no_content": {
    http: mismatches("response", "bad_status"),
    "http-ecv": mismatches("response", "pattern_missing"),
  },
  "http.answers_before_request": { http: up("response"), "http-ecv": up("response") },
  "http.error_with_200": {
    http: mismatches("response", "bad_status"),
    "http-ecv": up("response", { blackbox: "status" }),
  },
  "http.redirect_loop": {
    http: mismatches("response", "bad_status"),
    "http-ecv": mismatches("response", "pattern_missing"),
  },
  "http.fragmented": { http: up("response"), "http-ecv": up("response") },
};
