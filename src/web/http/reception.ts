import type { IncomingMessage, ServerResponse } from "node:http";
import { parseUrl } from "../../lib/parse-url.ts";
import type { BasicAuth } from "../web-config/basic-auth.ts";
import type { WebConfig } from "../web-config/load.ts";
import type { RateLimit } from "../web-config/rate-limit.ts";
import { readBody, SECURITY_HEADERS, send } from "./send.ts";
import {
  bearerToken,
  checkAccess,
  checkHost,
  checkOrigin,
  tokensMatch,
  type DoorSettings,
  type Visitor,
} from "./doors.ts";
import type { Patience } from "./listener.ts";
import { problem, type Reply } from "./reply.ts";
import { findRoute, type Call, type Route } from "./route.ts";

/** The part of pino's logger that is used here. */
export interface WebLog {
  readonly info: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

/** What every request meets before its route does. */
export interface Reception {
  readonly table: readonly Route[];
  readonly doors: () => DoorSettings;
  readonly webConfig: () => WebConfig;
  readonly basicAuth: BasicAuth;
  readonly rateLimit: RateLimit;
  readonly log: WebLog;
}

/** Answers one request, whatever it is. Never rejects. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reception: Reception,
  patience: Patience,
): Promise<void> {
  const { log } = reception;
  const headers = { ...SECURITY_HEADERS, ...reception.webConfig().headers };
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, value);
  }
  request.on("error", () => {
    response.destroy();
  });
  response.on("error", () => {
    response.destroy();
  });
  let reply: Reply;
  try {
    reply = await replyTo(request, response, reception);
  } catch (error) {
    // A bug of ours: the client learns nothing of it, the log everything.
    log.error({ err: error, path: pathOf(request) }, "a request failed");
    reply = problem(500, "The agent failed to answer; its log says why.");
  }
  if (reply.kind === "body") {
    const deadline = setTimeout(() => {
      log.warn({ path: pathOf(request) }, "an answer was not taken in time");
      response.destroy();
    }, patience.replyMs);
    response.once("close", () => {
      clearTimeout(deadline);
    });
  }
  if (!request.readableEnded && request.method !== "GET" && request.method !== "HEAD") {
    // The body was not read to its end: the connection cannot be used for a further request.
    response.setHeader("connection", "close");
  }
  await send(reply, request, response);
}

async function replyTo(
  request: IncomingMessage,
  response: ServerResponse,
  reception: Reception,
): Promise<Reply> {
  const settings = reception.doors();
  const visitor: Visitor = {
    method: request.method ?? "GET",
    headers: request.headers,
    localAddress: request.socket.localAddress ?? "",
    remoteAddress: request.socket.remoteAddress ?? "",
    secure: "encrypted" in request.socket,
  };
  const url = parseTarget(request.url ?? "/");
  if (url === null) {
    return problem(400, "The request's target is no path.");
  }
  const refusal = checkHost(visitor, settings) ?? checkOrigin(visitor);
  if (refusal !== null) {
    return problem(refusal.status, refusal.detail);
  }
  const unknown = await checkName(visitor, settings, reception);
  if (unknown !== null) {
    return unknown;
  }
  const found = findRoute(reception.table, visitor.method, url.pathname);
  if (found.kind === "not_found") {
    return problem(404, "There is nothing at this path.");
  }
  if (found.kind === "method_not_allowed") {
    return problem(405, `Allowed here: ${found.allow}.`, { allow: found.allow });
  }
  const { route } = found;
  const denied = checkAccess(route.access, visitor, settings);
  if (denied !== null) {
    const headers =
      denied.status === 401 ? { "www-authenticate": 'Bearer realm="adc-witness"' } : {};
    return problem(denied.status, denied.detail, { ...headers });
  }
  const read =
    route.method === "GET"
      ? ({ kind: "body", body: Buffer.alloc(0) } as const)
      : await readBody(request);
  if (read.kind === "too_large") {
    return problem(413, "The body is larger than 64 KiB.");
  }
  if (read.kind === "broken") {
    return problem(400, "The body did not arrive whole.");
  }
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
  });
  const call: Call = {
    method: route.method,
    url,
    headers: request.headers,
    body: read.body,
    gone: gone.signal,
  };
  return route.handle(call);
}

/** Rate and user name, where the web configuration asks for them; the token's holder needs no name. */
async function checkName(
  visitor: Visitor,
  { token }: DoorSettings,
  { webConfig, rateLimit, basicAuth }: Reception,
): Promise<Reply | null> {
  const { users, rateLimit: limit } = webConfig();
  if (limit !== null && !rateLimit.pass(limit)) {
    return problem(429, "Too many requests.", { "retry-after": "1" });
  }
  const given = bearerToken(visitor.headers);
  if (users === null || (token !== null && given !== null && tokensMatch(given, token))) {
    return null;
  }
  switch (await basicAuth.check(visitor.headers.authorization, users)) {
    case "in":
      return null;
    case "busy":
      return problem(429, "Too many passwords are being checked.", { "retry-after": "1" });
    case "out":
      return problem(401, "A user name and its password are needed.", {
        "www-authenticate": 'Basic realm="adc-witness", charset="UTF-8"',
      });
  }
}

/** For the log: the query may hold what does not belong there. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0] ?? "";
}

/** The path and query of an origin-form target; null for anything else (`*`, `//host`, absolute forms). */
function parseTarget(target: string): URL | null {
  const isOriginForm = target.startsWith("/") && !target.startsWith("//");
  return isOriginForm ? parseUrl(target, "http://agent.invalid") : null;
}
