import type { IncomingMessage, ServerResponse } from "node:http";
import { sendEnvelope, sendError } from "./envelope.ts";
import type { NitroSessions } from "./sessions.ts";

interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly sessionTimeoutMs?: number;
}

/** `POST config/login`: 201 with the token as cookie and in the body, 401 for bad credentials, 503 when full. */
export function login(
  options: Credentials,
  sessions: NitroSessions,
  body: string,
  response: ServerResponse,
  warning: number | null,
): void {
  const { username, password, timeout } = loginFields(body);
  if (username !== options.username || password !== options.password) {
    sendError(response, 354);
    return;
  }
  const timeoutMs = timeout === null ? (options.sessionTimeoutMs ?? 1_800_000) : timeout * 1_000;
  const token = sessions.open(Math.min(timeoutMs, options.sessionTimeoutMs ?? Infinity));
  if (token === null) {
    sendError(response, 445);
    return;
  }
  response.setHeader("set-cookie", [
    `NITRO_AUTH_TOKEN=${encodeURIComponent(token)}; path=/nitro/v1; HttpOnly`,
  ]);
  sendEnvelope(response, 201, { sessionid: token }, warning);
}

function loginFields(body: string): {
  username: unknown;
  password: unknown;
  timeout: number | null;
} {
  const fields = objectIn(parseJson(body), "login");
  const timeout = fields["timeout"];
  return {
    username: fields["username"],
    password: fields["password"],
    timeout: typeof timeout === "number" ? timeout : null,
  };
}

/** Whether a request has a valid session, or credentials in NITRO's own headers. */
export function authenticated(
  options: Credentials,
  sessions: NitroSessions,
  request: IncomingMessage,
): boolean {
  const token = tokenOf(request);
  return token === null
    ? request.headers["x-nitro-user"] === options.username &&
        request.headers["x-nitro-pass"] === options.password
    : sessions.use(token);
}

/** The session's token out of the cookie, or null without one. */
export function tokenOf(request: IncomingMessage): string | null {
  const match = /(?:^|;\s*)(?:NITRO_AUTH_TOKEN|sessionid)=([^;]*)/.exec(
    request.headers.cookie ?? "",
  );
  try {
    return match?.[1] === undefined ? null : decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function objectIn(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const found = isObject(value) ? value[key] : null;
  return isObject(found) ? found : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
