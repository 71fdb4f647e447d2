import { gzipSync } from "node:zlib";
import { DRIP_MS, type Fault, type Step } from "./fault.ts";

/** An answer to each request's head, then the end. */
function answering(about: string, ...steps: readonly Step[]): Fault {
  return { about, steps: [{ await: "head" }, ...steps] };
}

const CLOSE: Step = { end: "close" };
const SILENCE: Step = { end: "silence" };
const RESET: Step = { end: "reset" };
const ZIPPED = gzipSync("200 OK<br/>EX01.LAB.EXAMPLE.COM");

/** Faults of HTTP/1.1 servers. Complete bodies contain `200 OK<br/>…`, like a health page. */
export const HTTP_FAULTS = {
  "http.silent": answering("no answer to the request", SILENCE),
  "http.close": answering("closes without an answer", CLOSE),
  "http.reset": answering("resets without an answer", RESET),
  "http.reset_mid_headers": answering(
    "resets among the headers",
    { send: "HTTP/1.1 200 OK\r\nContent-Len" },
    RESET,
  ),
  "http.close_mid_headers": answering(
    "closes among the headers",
    { send: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" },
    CLOSE,
  ),
  "http.reset_mid_body": answering(
    "resets in the middle of the body",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n200 OK" },
    RESET,
  ),
  "http.close_mid_body": answering(
    "Content-Length promises more than comes",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.silent_mid_body": answering(
    "stops in the middle of the body",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n200 OK" },
    SILENCE,
  ),
  "http.length_too_small": answering(
    "Content-Length promises less than comes",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n200 OK<br/>EX01" },
    CLOSE,
  ),
  "http.length_4g": answering(
    "Content-Length of four gigabytes, and no body",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n" },
    SILENCE,
  ),
  "http.length_negative": answering(
    "a negative Content-Length",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.length_twice": answering(
    "two Content-Lengths that differ",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 600\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.length_and_chunked": answering(
    "Content-Length and chunks at once",
    {
      send: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n200 OK\r\n0\r\n\r\n",
    },
    CLOSE,
  ),
  "http.chunked": answering(
    "a whole body in many chunks, with an extension and a trailer",
    {
      send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n3;x=y\r\n200\r\n3\r\n OK\r\n0\r\nX-End: 1\r\n\r\n",
    },
    CLOSE,
  ),
  "http.chunk_size_garbage": answering(
    "a chunk size that is no number",
    { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n200 OK\r\n0\r\n\r\n" },
    CLOSE,
  ),
  "http.chunk_size_lies": answering(
    "a chunk longer than it says",
    { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n200 OK\r\n0\r\n\r\n" },
    CLOSE,
  ),
  "http.chunk_4g": answering(
    "a chunk of four gigabytes that never comes",
    { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n200 OK" },
    SILENCE,
  ),
  "http.chunks_without_end": answering(
    "chunks without the last one, then the end",
    { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n200 OK\r\n" },
    CLOSE,
  ),
  "http.endless_chunks": answering(
    "chunks for ever",
    { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { repeat: "400\r\n" + "x".repeat(1024) + "\r\n" },
  ),
  "http.endless_body": answering(
    "a body for ever, ended by nothing",
    { send: "HTTP/1.1 200 OK\r\n\r\n" },
    { repeat: "x".repeat(4096) },
  ),
  "http.endless_headers": answering(
    "headers for ever",
    { send: "HTTP/1.1 200 OK\r\n" },
    { repeat: "X-More: and more\r\n".repeat(64) },
  ),
  "http.endless_status_line": answering(
    "a status line for ever",
    { send: "HTTP/1.1 200 " },
    { repeat: "OK".repeat(2048) },
  ),
  "http.ten_thousand_headers": answering(
    "10,000 headers",
    {
      send: `HTTP/1.1 200 OK\r\n${Array.from({ length: 10_000 }, (_, index) => `X-H${index}: 1\r\n`).join("")}Content-Length: 6\r\n\r\n200 OK`,
    },
    CLOSE,
  ),
  "http.huge_header": answering(
    "one header of a megabyte",
    {
      send: `HTTP/1.1 200 OK\r\nX-Huge: ${"h".repeat(1024 * 1024)}\r\nContent-Length: 6\r\n\r\n200 OK`,
    },
    CLOSE,
  ),
  "http.drip_headers": answering(
    "headers at a byte a second",
    {
      drip: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n200 OK",
      everyMs: DRIP_MS,
    },
    CLOSE,
  ),
  "http.drip_body": answering(
    "a body at a byte a second",
    { send: "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n" },
    { drip: "x".repeat(600), everyMs: DRIP_MS },
    CLOSE,
  ),
  "http.gzip": answering(
    "a whole body, zipped though nobody asked",
    {
      send: `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${ZIPPED.length}\r\n\r\n`,
    },
    { send: ZIPPED },
    CLOSE,
  ),
  "http.gzip_lies": answering(
    "says gzip, sends text",
    { send: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.continue_first": answering(
    "100 Continue before a whole answer",
    { send: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.early_hints_first": answering(
    "103 Early Hints before a whole answer",
    {
      send: "HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n200 OK",
    },
    CLOSE,
  ),
  "http.continue_forever": answering("100 Continue for ever", {
    repeat: "HTTP/1.1 100 Continue\r\n\r\n",
  }),
  "http.version_0_9": answering(
    "HTTP/0.9: a body without head",
    { send: "200 OK<br/>EX01.LAB.EXAMPLE.COM\r\n" },
    CLOSE,
  ),
  "http.version_1_0": answering(
    "HTTP/1.0: a body ended by the connection",
    { send: "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.bare_lf": answering(
    "lines ended by LF alone",
    { send: "HTTP/1.1 200 OK\nContent-Length: 6\n\n200 OK" },
    CLOSE,
  ),
  "http.no_reason": answering(
    "a status line without a reason",
    { send: "HTTP/1.1 200\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.bad_status_line": answering(
    "a status that is no number",
    { send: "HTTP/1.1 OK 200\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.status_999": answering(
    "status 999",
    { send: "HTTP/1.1 999 Request denied\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.nul_in_header": answering(
    "a NUL byte in a header",
    { send: "HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.folded_header": answering(
    "a header folded over two lines",
    { send: "HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\nContent-Length: 6\r\n\r\n200 OK" },
    CLOSE,
  ),
  "http.no_content": answering(
    "204 without a body",
    { send: "HTTP/1.1 204 No Content\r\n\r\n" },
    CLOSE,
  ),
  "http.answers_before_request": {
    about: "the answer comes before the request",
    steps: [
      { send: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n200 OK" },
      { await: "data" },
      CLOSE,
    ],
  },
  "http.error_with_200": answering(
    "503 with 200 in its body",
    {
      send: "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 22\r\nConnection: close\r\n\r\nerror 200 OK<br/>EX01.",
    },
    CLOSE,
  ),
  "http.redirect_loop": answering(
    "redirects to itself",
    { send: "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" },
    CLOSE,
  ),
  "http.fragmented": answering(
    "a whole answer in segments of one byte",
    { drip: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n200 OK", everyMs: 1 },
    CLOSE,
  ),
} satisfies Readonly<Record<string, Fault>>;
