import type { Observation } from "../../model/observation.ts";
import type { Target } from "../../net/probe-context.ts";
import type { Step } from "../../model/reasons.ts";
import type { ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { signsOfGreeting, signsOfHeaders, signsOfSmtp } from "../../model/exchange-signs.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { type RequestSecrets, requestSecrets } from "../../adc/request-secrets.ts";
import { HttpHeaders } from "../protocols/http-answer.ts";
import { rawRequestViaVip } from "./http.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";
import { recordLineLogin, recordWebLogin, sendRequest } from "./written-login.ts";
import type { Probe } from "../probe.ts";
import { askUdp } from "../../net/udp.ts";

const SEGMENT_BYTES = 1460;

/**
 * Searched part of the response. NetScaler searches only the first 16 TCP segments. Segments are not visible to an
 * application, so full segments of an Ethernet path are assumed.
 */
const TCP_ECV_WINDOW_BYTES = 16 * SEGMENT_BYTES;

/** TCP-ECV with NetScaler's window. */
export const tcpEcvMonitor: MonitorType = tcpEcvMonitorWith(TCP_ECV_WINDOW_BYTES);

/**
 * TCP-ECV: sends `send` unchanged and waits for `recv` anywhere in the raw stream, case-sensitive. Without `recv` an open
 * connection passes; without `send` it waits for the server's greeting. NetScaler docs: "Understand the TCP-ECV, HTTP-ECV and
 * UDP-ECV monitors".
 */
function tcpEcvMonitorWith(windowBytes: number): MonitorType {
  return {
    type: "TCP-ECV",
    probe: (spec, target, context) =>
      observe(context, (run) => probeTcpEcv(run, target, spec, windowBytesOf(spec) ?? windowBytes)),
    reversePasses: ["mismatch"],
    source: "SNIP",
    transport: "tcp",
    meaningfulAtVip: true,
    defaultPort: null,
    unsupported: () => null,
  };
}

function windowBytesOf({ quirks }: MonitorSpec): number | null {
  return quirks === undefined ? null : quirks.tcpEcvSegments * SEGMENT_BYTES;
}

async function probeTcpEcv(
  run: ProbeRun,
  target: Target,
  spec: MonitorSpec,
  windowBytes: number,
): Promise<Observation> {
  const dialled = await dial(run, target, { tls: spec.tls, bypassStreams: true });
  if (dialled.kind === "failed") {
    return run.fail(dialled.step, dialled.why);
  }
  const { connection } = dialled;
  const { send, recv, trofsString } = spec.monitor.parameters;
  const hasSend = send !== null && send !== "";
  const request = hasSend ? rawRequestViaVip(send, spec) : "";
  const secrets = requestSecrets(request);
  const withheld = hasSend ? sendRequest(connection, request, secrets) : null;
  if (withheld !== null) {
    return withheld;
  }
  const recordLoginIn = (seen: Buffer): Promise<void> =>
    recordLogin(connection, spec, target, request, secrets, seen);
  if (recv === null || recv === "") {
    await recordLoginIn(EMPTY);
    return run.match(
      hasSend ? "send" : "connect",
      "no recv is configured: an open connection passes",
    );
  }
  const sentAt = run.elapsedMs();
  const leaving = trofsString === "" ? null : trofsString;
  let seen: Buffer | null = null;
  for (;;) {
    const next = await connection.read();
    if (next.kind !== "data") {
      await recordLoginIn(seen ?? EMPTY);
      return endedWithoutPattern(run, next, seen, recv, hasSend);
    }
    if (seen === null) {
      run.phase(hasSend ? "first_byte" : "banner");
    }
    seen = seen === null ? next.data : Buffer.concat([seen, next.data]);
    if (leaving !== null && seen.includes(leaving)) {
      await recordLoginIn(seen);
      return run.maintenance("response", "the response contains the trofsString");
    }
    const window = seen.length > windowBytes ? seen.subarray(0, windowBytes) : seen;
    if (window.includes(recv)) {
      run.responseTimeMs = run.elapsedMs() - sentAt;
      identifyServer(run, seen);
      await recordLoginIn(seen);
      return run.match(hasSend ? "response" : "banner");
    }
    if (seen.length >= windowBytes) {
      identifyServer(run, seen);
      await recordLoginIn(seen);
      return run.mismatch("response", "pattern_missing", patternMissingDetail(recv, windowBytes));
    }
  }
}

const EMPTY = Buffer.alloc(0);

/** A login in the request affects its account, regardless of the monitor's result. */
async function recordLogin(
  connection: Connection,
  spec: MonitorSpec,
  target: Target,
  request: string,
  { login }: RequestSecrets,
  seen: Buffer,
): Promise<void> {
  if (login === null) {
    return;
  }
  if (login.scheme !== "basic" && login.scheme !== "form") {
    return recordLineLogin(connection, login, seen);
  }
  const text = seen.toString("latin1", 0, Math.min(seen.length, 4096));
  const status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(text)?.[1] ?? 0);
  if (status === 0) {
    return;
  }
  const [method = "GET", path = "/"] = request.split(" ", 2);
  const headers = new HttpHeaders(text);
  const answer = {
    status,
    location: headers.get("location"),
    cookies: headers.all("set-cookie").join("\n"),
  };
  const sent = { method, path, text: request };
  await recordWebLogin(connection.run, spec, target, sent, login, answer);
}

/** The stream or the time ended without the pattern. */
function endedWithoutPattern(
  run: ProbeRun,
  why: ExchangeError,
  seen: Buffer | null,
  recv: string,
  hasSend: boolean,
): Observation {
  const step: Step = hasSend ? "response" : "banner";
  if (seen === null || why.kind === "aborted") {
    return run.fail(step, why);
  }
  identifyServer(run, seen);
  return isGreeting(seen)
    ? run.mismatch("banner", "banner_mismatch", patternMissingDetail(recv, seen.length))
    : run.mismatch("response", "pattern_missing", patternMissingDetail(recv, seen.length));
}

function patternMissingDetail(recv: string, bytes: number): string {
  return `"${recv}" is not in the ${bytes} bytes received`;
}

const GREETING = /^(?:\* (?:OK|PREAUTH|BYE)|\+OK|-ERR|220[ -])/;
const GREETING_PREFIX_LENGTH = 12;

function isGreeting(seen: Buffer): boolean {
  return GREETING.test(seen.toString("latin1", 0, GREETING_PREFIX_LENGTH));
}

function identifyServer(run: ProbeRun, seen: Buffer): void {
  const text = seen.toString("latin1", 0, Math.min(seen.length, 4096));
  if (text.startsWith("HTTP/")) {
    const headers = new HttpHeaders(text);
    run.identify(signsOfHeaders((name) => headers.get(name)));
  } else if (text.startsWith("220 ") || text.startsWith("220-")) {
    run.identify(signsOfSmtp(text.slice(4)));
  } else if (GREETING.test(text)) {
    run.identify(signsOfGreeting(text));
  }
}

/**
 * TCP: a completed handshake passes, including the TLS handshake with `-secure YES` (built-in `tcps`); nothing is sent. The
 * connection ends with FIN, or with RST if `monitorConnectionClose` says so. The ADC skips the probe while it sees live
 * traffic and LRTM is disabled. Reverse passes on RST; on a timeout it is assumed to fail. NetScaler docs: "Monitor TCP-based
 * applications"; Citrix support: CTX115525.
 */
export const tcpMonitor: MonitorType = {
  type: "TCP",
  probe: probeTcp,
  reversePasses: ["refused"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: false,
  defaultPort: null,
  unsupported: () => null,
};

function probeTcp(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    dialled.connection.closeMode = spec.closeMode ?? "FIN";
    run.responseTimeMs = (run.phases.connect ?? 0) + (run.phases.tls ?? 0);
    return run.match(spec.tls === null ? "connect" : "tls");
  });
}

/**
 * UDP-ECV: sends `send` as one datagram; a response with `recv` passes. Without `recv`, the probe fails only on an ICMP error
 * for the port, and no response passes. Binary protocols (NTP) need bytes that a command line cannot contain, which may be
 * written `\x1b`; whether the ADC decodes them is not documented. NetScaler docs: "UDP-ECV monitors".
 */
export const udpEcvMonitor: MonitorType = {
  type: "UDP-ECV",
  probe: probeUdpEcv,
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "udp",
  meaningfulAtVip: true,
  defaultPort: null,
  unsupported: () => null,
};

function probeUdpEcv(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const { send, recv } = spec.monitor.parameters;
    run.redact(...requestSecrets(send ?? "").secrets);
    const pattern = bytesOf(recv ?? "");
    let other = 0;
    const answer = await askUdp(run, target, {
      payload: bytesOf(send ?? ""),
      accept(data) {
        if (data.includes(pattern)) {
          return true;
        }
        other += 1;
        return false;
      },
    });
    switch (answer.kind) {
      case "datagram":
        run.responseTimeMs = run.phase("first_byte");
        return run.match("response");
      case "failed":
        return run.fail(answer.step, answer.why);
      case "timeout":
        if (pattern.length === 0) {
          return run.match("send", "no recv is configured: silence without an ICMP error passes");
        }
        return other > 0
          ? run.mismatch("response", "pattern_missing", `${other} other responses received`)
          : run.fail("response", answer);
      default:
        return run.fail("response", answer);
    }
  });
}

/** Encodes the string, with `\xHH` as a byte. */
function bytesOf(text: string): Buffer {
  const bytes = text.replace(/\\x([0-9a-f]{2})/gi, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1");
}
