import { type RequestSecrets, requestSecrets } from "../../adc/request-secrets.ts";
import { isIPv6 } from "../../lib/ip.ts";
import type { AdcQuirks, MonitorSpec, MonitorType } from "./spec.ts";
import type { CodeRange } from "../../model/monitor.ts";
import type { Probe } from "../probe.ts";
import { dial } from "../../net/dial.ts";
import { signsOfHeaders, signsOfHealthBody } from "../../model/exchange-signs.ts";
import { readHttpAnswer } from "../protocols/http-exchange.ts";
import { observe } from "../../net/probe-run.ts";
import { recordWebLogin, sendRequest, webAnswer, basicOutcome } from "./written-login.ts";
import { LineReader } from "../../net/line-reader.ts";

/** The bytes that an HTTP monitor sends, and the method, which determines how the response is read. */
interface MonitorRequest {
  readonly method: string;
  readonly path: string;
  readonly text: string;
  /** Credentials in the configured request. */
  readonly secrets: RequestSecrets;
}

/**
 * Builds the request from `httpRequest` or `send` of an HTTP monitor. NetScaler inserts a Host header with the server's
 * address unless `customHeaders` has one (Citrix support: CTX120921). Custom headers are sent unchanged, and so is a
 * parameter that already contains a whole request. HTTP/1.1 and `Connection: close` are assumptions: the ADC's version and
 * other default headers are not documented (`spec.quirks`).
 */
function httpMonitorRequest(written: string, spec: MonitorSpec): MonitorRequest {
  const whole = parseWholeRequest(written);
  if (whole !== null && spec.viaVip === null) {
    const { method, path } = whole;
    return { method, path, text: withBlankLine(written), secrets: requestSecrets(written) };
  }
  const { method, path } = whole ?? parseRequestLine(written);
  const custom = [
    ...(whole?.headers ?? []),
    ...headerLines(spec.monitor.parameters.customHeaders ?? ""),
  ];
  const viaVip = spec.viaVip;
  return assemble(
    method,
    viaVip?.path ?? path,
    viaVip === null || viaVip.host === null ? custom : withHost(custom, viaVip.host),
    spec.hostHeader,
    spec.quirks,
  );
}

/** The raw `send` of a TCP-ECV monitor; path and Host are replaced if it is an HTTP request for a VIP. */
export function rawRequestViaVip(send: string, spec: MonitorSpec): string {
  const whole = parseWholeRequest(send);
  if (whole === null || spec.viaVip === null) {
    return send;
  }
  const { path, host } = spec.viaVip;
  const headers = host === null ? whole.headers : withHost(whole.headers, host);
  const lines = [`${whole.method} ${path ?? whole.path} HTTP/1.1`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

interface ParsedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
}

function assemble(
  method: string,
  path: string,
  custom: readonly string[],
  hostHeader: string,
  quirks: AdcQuirks | undefined,
): MonitorRequest {
  let text = `${method} ${path} HTTP/${quirks?.httpVersion ?? "1.1"}\r\n`;
  if (!hasHeader(custom, "host")) {
    text += `Host: ${isIPv6(hostHeader) ? `[${hostHeader}]` : hostHeader}\r\n`;
  }
  for (const line of custom) {
    text += `${line}\r\n`;
  }
  const userAgent = quirks?.userAgent ?? null;
  if (userAgent !== null && !hasHeader(custom, "user-agent")) {
    text += `User-Agent: ${userAgent}\r\n`;
  }
  if (!hasHeader(custom, "connection")) {
    text += "Connection: close\r\n";
  }
  // Called for every probe. Only the configured text can contain a secret, not the added lines.
  const agent = userAgent === null ? [] : [`User-Agent: ${userAgent}`];
  const written = [`${method} ${path}`, ...custom, ...agent];
  return { method, path, text: `${text}\r\n`, secrets: requestSecrets(written.join("\r\n")) };
}

/** `METHOD URI`; a bare URI is a GET, and nothing at all is NetScaler's default `HEAD /`. */
function parseRequestLine(written: string): ParsedRequest {
  const words = written.trim().split(/\s+/);
  const [first = "", second] = words;
  if (first === "") {
    return { method: "HEAD", path: "/", headers: [] };
  }
  return second === undefined && first.startsWith("/")
    ? { method: "GET", path: first, headers: [] }
    : { method: first, path: second ?? "/", headers: [] };
}

function parseWholeRequest(written: string): ParsedRequest | null {
  const [line = "", ...rest] = written.split(/\r?\n/);
  const match = /^(\S+) +(\S+) +HTTP\/\d/.exec(line);
  return match?.[1] === undefined || match[2] === undefined
    ? null
    : { method: match[1], path: match[2], headers: rest.filter((header) => header !== "") };
}

/** Adds the empty line to a complete request without one, since the server would otherwise wait forever. */
function withBlankLine(written: string): string {
  if (/\r?\n\r?\n/.test(written)) {
    return written;
  }
  return /\n$/.test(written) ? `${written}\r\n` : `${written}\r\n\r\n`;
}

function headerLines(customHeaders: string): string[] {
  return customHeaders.split(/\r?\n/).filter((line) => line.trim() !== "");
}

function hasHeader(headers: readonly string[], name: string): boolean {
  return headers.some((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() === name);
}

function withHost(headers: readonly string[], host: string): string[] {
  return [
    `Host: ${host}`,
    ...headers.filter((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() !== "host"),
  ];
}

const DEFAULT_CODES: readonly CodeRange[] = [{ from: 200, to: 200 }];

/**
 * HTTP: the status must be in `respCode` (default 200); the body is ignored. `HEAD /` without a configured request. No
 * redirect is followed. A status equal to `trofsCode` means that the server is going out of service. NetScaler docs: "HTTP
 * monitors", "Gracefully shut down a service with TROFS".
 */
export const httpMonitor: MonitorType = {
  type: "HTTP",
  probe: probeHttp,
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 80,
  unsupported: () => null,
};

/**
 * HTTP-INLINE checks live responses and probes only without traffic; a replica has no traffic and sends the same request as
 * HTTP. NetScaler docs: "HTTP-INLINE monitors".
 */
export const httpInlineMonitor: MonitorType = { ...httpMonitor, type: "HTTP-INLINE" };

function probeHttp(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls, bypassStreams: true });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const { parameters } = spec.monitor;
    const { connection } = dialled;
    const request = httpMonitorRequest(parameters.httpRequest ?? "", spec);
    const sentAt = run.elapsedMs();
    const withheld = sendRequest(connection, request.text, request.secrets);
    if (withheld !== null) {
      return withheld;
    }
    const answer = await readHttpAnswer(connection, request.method, { bodyWindowBytes: 0 });
    if (answer.kind !== "answer") {
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.elapsedMs() - sentAt;
    run.identify(signsOfHeaders((name) => answer.headers.get(name)));
    const { status } = answer;
    const { login } = request.secrets;
    if (login !== null) {
      await recordWebLogin(run, spec, target, request, login, webAnswer(answer));
    }
    if (status === parameters.trofsCode) {
      return run.maintenance("response", `status ${status} is the trofsCode`);
    }
    if (isAmong(status, parameters.respCodes ?? DEFAULT_CODES)) {
      return run.match("response");
    }
    const statusLine = `status ${status} ${answer.statusText}`.trimEnd();
    return run.login === "rejected"
      ? run.fault("login", "auth_rejected", statusLine)
      : run.mismatch("response", "bad_status", statusLine);
  });
}

/** Whether a code is in one of the ranges. */
export function isAmong(code: number, ranges: readonly CodeRange[]): boolean {
  return ranges.some(({ from, to }) => code >= from && code <= to);
}

/** Part of the body in which NetScaler looks for `recv`. */
const HTTP_ECV_WINDOW_BYTES = 24 * 1024;

/**
 * HTTP-ECV: `recv` must appear in the first 24 KB of the body, case-sensitive; an empty `recv` accepts any response. The
 * status is ignored, so an error page with the pattern passes. Whether the ADC decodes chunks is not documented; this probe
 * does. NetScaler docs: "HTTP-ECV monitors", "Understand the TCP-ECV, HTTP-ECV and UDP-ECV monitors".
 */
export const httpEcvMonitor: MonitorType = {
  type: "HTTP-ECV",
  probe: probeHttpEcv,
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 80,
  unsupported: () => null,
};

function probeHttpEcv(...[spec, target, context]: Parameters<Probe<MonitorSpec>>) {
  return observe(context, async (run) => {
    const dialled = await dial(run, target, { tls: spec.tls, bypassStreams: true });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const { send, recv, trofsString } = spec.monitor.parameters;
    const pattern = recv ?? "";
    const leaving = trofsString === "" ? null : trofsString;
    const request = httpMonitorRequest(send === null || send === "" ? "GET /" : send, spec);
    const sentAt = run.elapsedMs();
    const { connection } = dialled;
    const withheld = sendRequest(connection, request.text, request.secrets);
    if (withheld !== null) {
      return withheld;
    }
    const answer = await readHttpAnswer(connection, request.method, {
      bodyWindowBytes: HTTP_ECV_WINDOW_BYTES,
      // With a trofsString the whole window is read, since that string takes precedence over recv at any position.
      enough: (body) => (leaving === null ? body.includes(pattern) : body.includes(leaving)),
    });
    if (answer.kind !== "answer") {
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.elapsedMs() - sentAt;
    const { body } = answer;
    run.identify(signsOfHeaders((name) => answer.headers.get(name)));
    if (body.length < 512) {
      run.identify(signsOfHealthBody(body.toString("latin1")));
    }
    const { login } = request.secrets;
    if (login !== null) {
      await recordWebLogin(run, spec, target, request, login, webAnswer(answer));
    }
    if (leaving !== null && body.includes(leaving)) {
      return run.maintenance("response", "the body contains the trofsString");
    }
    if (body.includes(pattern)) {
      return run.match("response");
    }
    const detail = `status ${answer.status}; "${recv}" is not in the first ${body.length} bytes of the body`;
    return run.login === "rejected"
      ? run.fault("login", "auth_rejected", detail)
      : run.mismatch("response", "pattern_missing", detail);
  });
}

/**
 * RTSP: sends `rtspRequest` (`OPTIONS *` by default, completed as RFC 2326 requires); the status must be in `respCode`, 200
 * by default. NetScaler docs: "RTSP monitors".
 */
export const rtspMonitor: MonitorType = {
  type: "RTSP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const dialled = await dial(run, target, { tls: spec.tls, bypassStreams: true });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const { rtspRequest, respCodes } = spec.monitor.parameters;
      const asked = rtspRequest === null || rtspRequest === "" ? "OPTIONS *" : rtspRequest;
      const request = /RTSP\/\d/.test(asked) ? asked : `${asked} RTSP/1.0\r\nCSeq: 1\r\n\r\n`;
      const withheld = sendRequest(dialled.connection, request, requestSecrets(request));
      if (withheld !== null) {
        return withheld;
      }
      const line = await new LineReader(dialled.connection).line();
      run.responseTimeMs = run.phase("first_byte");
      if (line.kind !== "line") {
        return run.fail("response", line);
      }
      const status = /^RTSP\/\d\.\d (\d{3})/.exec(line.text)?.[1];
      if (status === undefined) {
        return run.ended("failed", "response", "protocol_error", `not RTSP: ${line.text}`);
      }
      if (run.login !== null) {
        run.login = basicOutcome(Number(status), null);
      }
      return isAmong(Number(status), respCodes ?? [{ from: 200, to: 200 }])
        ? run.match("response")
        : run.mismatch("response", "bad_status", line.text);
    }),
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 554,
  unsupported: () => null,
};
