import { DRIP_MS, type Fault } from "./fault.ts";

/** Faults below any protocol. */
export const TCP_FAULTS = {
  "tcp.refused": { about: "nobody listens", listener: "refuses", steps: [] },
  "tcp.backlog_full": {
    about: "the listener's backlog is full: the SYN is dropped and connecting times out (Linux)",
    listener: "drops_syn",
    steps: [],
  },
  "tcp.reset_after_accept": { about: "accepts, then resets", steps: [{ end: "reset" }] },
  "tcp.close_after_accept": {
    about: "accepts, then closes without a byte",
    steps: [{ end: "close" }],
  },
  "tcp.silent": { about: "accepts, and never says a word", steps: [{ end: "silence" }] },
  "tcp.half_close": {
    about: "ends its own direction at once, and goes on reading",
    steps: [{ end: "half_close" }],
  },
  "tcp.reset_after_data": {
    about: "resets as soon as the client has sent something",
    steps: [{ await: "data" }, { end: "reset" }],
  },
  "tcp.close_after_data": {
    about: "closes as soon as the client has sent something",
    steps: [{ await: "data" }, { end: "close" }],
  },
  "tcp.endless_data": {
    about: "endless bytes without a line's end",
    steps: [{ repeat: "x".repeat(4096) }],
  },
  "tcp.endless_lines": {
    about: "endless lines",
    steps: [{ repeat: "still talking\r\n".repeat(64) }],
  },
  "tcp.endless_nul": { about: "endless NUL bytes", steps: [{ repeat: "\0".repeat(4096) }] },
  "tcp.drip": {
    about: "a byte a second, never a line",
    steps: [{ drip: "x".repeat(600), everyMs: DRIP_MS }, { end: "silence" }],
  },
  "tcp.random_bytes": {
    about: "bytes of no protocol, then silence",
    steps: [
      { send: Buffer.from("fe00ff8080c0c1f5a5005a0d0affd8ffe000104a46", "hex") },
      { end: "silence" },
    ],
  },
  "tcp.echo": { about: "an echo service", steps: [{ talk: (line) => `${line}\r\n` }] },
  "tcp.ssh": {
    about: "another protocol: SSH",
    steps: [{ send: "SSH-2.0-OpenSSH_9.2\r\n" }, { end: "silence" }],
  },
  "tcp.ftp": {
    about: "another protocol: FTP",
    steps: [{ send: "220 FTP server ready.\r\n" }, { talk: () => "500 Unknown command.\r\n" }],
  },
  "tcp.http_answers": {
    about: "another protocol: an HTTP server that calls everything a bad request",
    steps: [
      { await: "data" },
      { send: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" },
      { end: "close" },
    ],
  },
} satisfies Readonly<Record<string, Fault>>;
