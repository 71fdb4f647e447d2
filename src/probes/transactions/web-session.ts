import type { Target } from "../../net/probe-context.ts";
import type { Step } from "../../model/reasons.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { signsOfHeaders } from "../../model/exchange-signs.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import { exchangeHttp, type HttpRequest } from "../protocols/http-exchange.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { ended, type Ended } from "./line-session.ts";
import type { TransactionSpec, TransactionName } from "../../model/transactions.ts";

const USER_AGENT = "adc-witness";
/** Bytes of a body that are examined. */
const BODY_WINDOW_BYTES = 16 * 1024;
/** Shorter values are not treated as secrets, because redacting them would hide half of the transcript. */
const MIN_TOKEN_LENGTH = 8;

/** Connects to a web server as specified. */
export async function openWeb(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<{ readonly kind: "open"; readonly connection: Connection } | Ended> {
  const dialled = await dial(run, target, { tls: spec.security === "none" ? null : spec.tls });
  return dialled.kind === "connected"
    ? { kind: "open", connection: dialled.connection }
    : ended(run.fail(dialled.step, dialled.why));
}

export interface WebRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: HttpRequest["headers"];
  readonly body?: string;
  /** Keeps the connection for a further request; otherwise asks the server to close it. */
  readonly keepAlive?: boolean;
  /** Step of the request; default `response`. */
  readonly step?: Step;
}

/**
 * Sends one request on an open connection and reads the response. Records which server answered, and redacts credentials,
 * login tokens and cookie values from the evidence.
 */
export async function askWeb(
  connection: Connection,
  host: string,
  request: WebRequest,
): Promise<HttpAnswer | Ended> {
  const { run } = connection;
  const headers: (readonly [string, string])[] = [
    ["Host", host],
    ["User-Agent", USER_AGENT],
    ["Accept", "*/*"],
    ...(request.headers ?? []),
    ["Connection", request.keepAlive === true ? "keep-alive" : "close"],
  ];
  for (const [name, value] of headers) {
    if (/^(authorization|cookie)$/i.test(name)) {
      redactTokens(run, value);
    }
  }
  const answer = await exchangeHttp(
    connection,
    {
      method: request.method,
      path: request.path,
      headers,
      ...(request.body === undefined ? {} : { body: request.body }),
    },
    { bodyWindowBytes: BODY_WINDOW_BYTES, toTheEnd: request.keepAlive === true },
  );
  if (answer.kind !== "answer") {
    return ended(run.fail(request.step ?? "response", answer));
  }
  for (const cookie of answer.headers.all("set-cookie")) {
    redactTokens(run, cookie.split(";", 1)[0] ?? "");
  }
  for (const challenge of answer.headers.all("www-authenticate")) {
    redactTokens(run, challenge);
  }
  run.identify(signsOfHeaders((name) => answer.headers.get(name)));
  return answer;
}

/** Names of the cookies that a response sets. Their values are secret. */
export function cookieNames({ headers }: HttpAnswer): readonly string[] {
  return headers.all("set-cookie").map((cookie) => cookie.split("=", 1)[0]?.trim() ?? "");
}

/** Redacts tokens: long values after a scheme or an equals sign. */
function redactTokens(run: ProbeRun, text: string): void {
  for (const part of text.split(";")) {
    const value = /^\s*[^\s=]+[\s=]+([^\s=]\S*)\s*$/.exec(part)?.[1];
    if (value !== undefined && value.length >= MIN_TOKEN_LENGTH) {
      run.transcript.redactToken(value);
    }
  }
}

/** Default path of each authenticated web transaction. */
export const WEB_PATHS = {
  owa_form: "/owa/",
  eas_options: "/Microsoft-Server-ActiveSync",
  ews_folder: "/EWS/Exchange.asmx",
  autodiscover: "/Autodiscover/Autodiscover.xml",
  mapi_endpoint: "/mapi/emsmdb/",
  oab: "/OAB/",
  rpc_echo: "/rpc/rpcproxy.dll",
} as const satisfies Partial<Record<TransactionName, string>>;

/** Default path of a challenge probe. */
export const CHALLENGE_PATH = "/owa/";

/** Default path of a probe without an account. */
export function defaultPath(transaction: TransactionName): string {
  return transaction === "web_answer" ? "/" : CHALLENGE_PATH;
}

/** Whether the transaction requests a path without an account: the member's own unless `path` is set. */
export function isWebLook(transaction: TransactionName): boolean {
  return (
    transaction === "https_challenge" ||
    transaction === "health_page" ||
    transaction === "web_answer"
  );
}

/** Whether a transaction requests one web path, with or without a login. */
export function hasWebPath(transaction: TransactionName): boolean {
  return isWebLook(transaction) || loginPath(transaction) !== null;
}

/** The fixed path of a transaction, or null. */
export function loginPath(transaction: TransactionName): string | null {
  return transaction in WEB_PATHS ? WEB_PATHS[transaction as keyof typeof WEB_PATHS] : null;
}
