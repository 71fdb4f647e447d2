import {
  type RequestLogin,
  type RequestSecrets,
  requestSecrets,
} from "../../adc/request-secrets.ts";
import type { LoginOutcome, Observation } from "../../model/observation.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { disclose } from "../../net/server-proof.ts";
import { mailLoginRefusal } from "../../net/mail-replies.ts";
import type { Target } from "../../net/probe-context.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import { readHttpAnswer } from "../protocols/http-exchange.ts";
import type { MonitorSpec } from "./spec.ts";

/** Types with a request from the ADC's configuration. */
const TYPES_WITH_REQUEST: ReadonlySet<string> = new Set([
  "HTTP",
  "HTTP-INLINE",
  "HTTP-ECV",
  "TCP-ECV",
  "RTSP",
]);

/** The secrets in this monitor's request on the ADC, and their account. */
export function monitorRequestSecrets({ type, parameters }: Monitor): RequestSecrets {
  const { httpRequest, rtspRequest, send, customHeaders } = parameters;
  const written = [httpRequest, rtspRequest, send, customHeaders].filter((text) => text !== null);
  return requestSecrets(TYPES_WITH_REQUEST.has(type.toUpperCase()) ? written.join("\n") : "");
}

/**
 * Sends a request. With a secret, TLS requires an authenticated server; clear text is used only if the ADC itself does. Returns
 * why it was not sent, or null.
 */
export function sendRequest(
  connection: Connection,
  text: string,
  secrets: RequestSecrets,
): Observation | null {
  const { run } = connection;
  if (secrets.secrets.length === 0 && secrets.login === null) {
    connection.write(text);
    return null;
  }
  run.redact(...secrets.secrets);
  const sealed = disclose(connection, { reveal: () => text }, true);
  if (sealed.kind === "withheld") {
    return sealed.observation;
  }
  if (secrets.login !== null) {
    run.login = "unanswered";
  }
  connection.write(sealed.text);
  return null;
}

/** A web server's response to a request with a login. */
interface WebAnswer {
  readonly status: number;
  readonly location: string | null;
  readonly cookies: string;
}

export function webAnswer({ status, headers }: HttpAnswer): WebAnswer {
  return {
    status,
    location: headers.get("location"),
    cookies: headers.all("set-cookie").join("\n"),
  };
}

/**
 * Records the result of a login in a web request. To find out whether the page checks credentials, it is requested once an hour
 * without one. A page open to everybody never proves a valid login, and a page that redirects everybody never proves an
 * unchecked one.
 */
export async function recordWebLogin(
  run: ProbeRun,
  spec: MonitorSpec,
  target: Target,
  sent: { readonly method: string; readonly path: string; readonly text: string },
  login: RequestLogin,
  answer: WebAnswer,
): Promise<void> {
  if (login.scheme !== "basic") {
    run.login = formOutcome(answer);
    return;
  }
  if (answer.status === 401 || answer.status === 407) {
    run.login = "rejected";
    return;
  }
  const { schemes } = run.context.network;
  const now = run.context.monotonic();
  const known = schemes.anonymousStatus(target, sent.path, now);
  const anonymousStatus = known ?? (await statusWithoutCredential(run, spec, target, sent));
  if (known === null && anonymousStatus !== null && anonymousStatus < 500) {
    schemes.rememberAnonymousStatus(target, sent.path, anonymousStatus, now);
  }
  run.login = basicOutcome(answer.status, anonymousStatus);
}

/** Result of a Basic credential, from the response with and without it (null: unknown). */
export function basicOutcome(status: number, anonymousStatus: number | null): LoginOutcome {
  if (status === 401 || status === 407) {
    return "rejected";
  }
  // The response is not from the application but from a device in front of it, which checks no credential.
  if (status === 429 || status === 503) {
    return "not_tried";
  }
  if (anonymousStatus === 401 || anonymousStatus === 407) {
    return status === 403 || status >= 500 ? "unanswered" : "accepted";
  }
  const isOpen =
    anonymousStatus !== null &&
    anonymousStatus !== 403 &&
    (anonymousStatus < 300 || anonymousStatus >= 400);
  return status < 300 || (isOpen && status !== 403) ? "not_tried" : "unanswered";
}

/** Only Exchange's own form answers by headers; other forms show their page again, which is inconclusive. */
function formOutcome({ status, location, cookies }: WebAnswer): LoginOutcome {
  if (status === 401 || status === 403 || /[?&]reason=[1-9]/.test(location ?? "")) {
    return "rejected";
  }
  return /^(?:301|302|303)$/.test(String(status)) && /\bcadata=/i.test(cookies)
    ? "accepted"
    : "unanswered";
}

/** Status of the same request without the credential; null without a response. */
async function statusWithoutCredential(
  run: ProbeRun,
  spec: MonitorSpec,
  target: Target,
  { method, text }: { readonly method: string; readonly text: string },
): Promise<number | null> {
  const dialled = await dial(run, target, { tls: spec.tls });
  if (dialled.kind === "failed") {
    return null;
  }
  dialled.connection.write(withoutCredential(text));
  const answer = await readHttpAnswer(dialled.connection, method, { bodyWindowBytes: 0 });
  return answer.kind === "answer" ? answer.status : null;
}

function withoutCredential(request: string): string {
  const lines = request.split("\n");
  return lines.filter((line) => !AUTHORIZATION.test(line)).join("\n");
}

const AUTHORIZATION = /^[ \t]*(?:proxy-)?authorization[ \t]*:/i;

const MAX_REPLY_BYTES = 64 * 1024;

/** Records the result of a login in pipelined commands. `seen`: bytes received so far; reads more until the result is known. */
export async function recordLineLogin(
  connection: Connection,
  login: RequestLogin,
  seen: Buffer,
): Promise<void> {
  let replies = seen;
  for (;;) {
    connection.run.login = lineOutcome(login, replies.toString("latin1"));
    if (connection.run.login !== "unanswered" || replies.length > MAX_REPLY_BYTES) {
      return;
    }
    const next = await connection.read();
    if (next.kind !== "data") {
      return;
    }
    replies = Buffer.concat([replies, next.data]);
  }
}

/** Result of the login in the replies. */
function lineOutcome(login: RequestLogin, replies: string): LoginOutcome {
  const lines = replies.split("\n").map((line) => line.trimEnd());
  switch (login.scheme) {
    case "imap":
      return imapOutcome(login, lines);
    case "smtp":
      return codedOutcome(lines, 235);
    default:
      return /^\d{3}/.test(lines[0] ?? "") ? codedOutcome(lines, 230) : pop3Outcome(login, lines);
  }
}

function imapOutcome({ tag }: RequestLogin, lines: readonly string[]): LoginOutcome {
  const begin = `${tag.toLowerCase()} `;
  const text = lines.find((line) => line.toLowerCase().startsWith(begin))?.slice(begin.length);
  if (text === undefined) {
    return "unanswered";
  }
  return /^OK\b/i.test(text) ? "accepted" : mailLoginRefusal({ protocol: "imap", text }).login;
}

/** Expects the greeting and a reply to each command. */
function pop3Outcome({ commands }: RequestLogin, lines: readonly string[]): LoginOutcome {
  const refusal = lines.find((line) => line.startsWith("-ERR"));
  if (refusal !== undefined) {
    return mailLoginRefusal({ protocol: "pop3", text: refusal }).login;
  }
  return lines.filter((line) => line.startsWith("+OK")).length > commands
    ? "accepted"
    : "unanswered";
}

function codedOutcome(lines: readonly string[], accepted: number): LoginOutcome {
  const codes = lines.map((line) => Number(/^\d{3}(?= )/.exec(line)?.[0] ?? 0));
  if (codes.includes(accepted)) {
    return "accepted";
  }
  return codes.some((code) => code === 530 || code === 535) ? "rejected" : "unanswered";
}
