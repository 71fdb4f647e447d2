import { type RequestSecrets, requestSecrets } from "../../adc/request-secrets.ts";
import { isIPv6 } from "../../lib/ip.ts";
import type { AdcQuirks, MonitorSpec } from "./spec.ts";

/** The bytes an HTTP monitor sends, and the method that decides how the answer is read. */
interface MonitorRequest {
  readonly method: string;
  readonly path: string;
  readonly text: string;
  /** Credentials that the administrator wrote into it. */
  readonly carries: RequestSecrets;
}

/**
 * Completes `httpRequest` or `send` of an HTTP monitor to a request. NetScaler inserts a Host header with the server's
 * address unless `customHeaders` brings one (Citrix support: CTX120921); custom headers go out as they are written. A
 * parameter that already holds a whole request goes out unchanged. HTTP/1.1 and `Connection: close` are assumptions: the
 * ADC's version and other default headers are not documented (`spec.habits`).
 */
export function httpMonitorRequest(written: string, spec: MonitorSpec): MonitorRequest {
  const whole = parseWholeRequest(written);
  if (whole !== null && spec.viaVip === null) {
    const { method, path } = whole;
    return { method, path, text: withBlankLine(written), carries: requestSecrets(written) };
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
    spec.habits,
  );
}

/** The raw `send` of a TCP-ECV monitor, turned to another path and Host when it is an HTTP request meant for a VIP. */
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
  habits: AdcQuirks | undefined,
): MonitorRequest {
  let text = `${method} ${path} HTTP/${habits?.httpVersion ?? "1.1"}\r\n`;
  if (!carries(custom, "host")) {
    text += `Host: ${isIPv6(hostHeader) ? `[${hostHeader}]` : hostHeader}\r\n`;
  }
  for (const line of custom) {
    text += `${line}\r\n`;
  }
  const userAgent = habits?.userAgent ?? null;
  if (userAgent !== null && !carries(custom, "user-agent")) {
    text += `User-Agent: ${userAgent}\r\n`;
  }
  if (!carries(custom, "connection")) {
    text += "Connection: close\r\n";
  }
  // Read at every probe: only what was written can carry a secret, not the lines that we add to every request.
  const agent = userAgent === null ? [] : [`User-Agent: ${userAgent}`];
  const written = [`${method} ${path}`, ...custom, ...agent];
  return { method, path, text: `${text}\r\n`, carries: requestSecrets(written.join("\r\n")) };
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

/** A whole request without its empty line would wait for ever: it is completed, nothing else is. */
function withBlankLine(written: string): string {
  if (/\r?\n\r?\n/.test(written)) {
    return written;
  }
  return /\n$/.test(written) ? `${written}\r\n` : `${written}\r\n\r\n`;
}

function headerLines(customHeaders: string): string[] {
  return customHeaders.split(/\r?\n/).filter((line) => line.trim() !== "");
}

function carries(headers: readonly string[], name: string): boolean {
  return headers.some((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() === name);
}

function withHost(headers: readonly string[], host: string): string[] {
  return [
    `Host: ${host}`,
    ...headers.filter((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() !== "host"),
  ];
}
