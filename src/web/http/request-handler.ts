import type { Log } from "../../lib/log.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import { visibleText } from "../../lib/printable.ts";
import { parseUrl } from "../../lib/host-port.ts";
import { readBasic, type BasicAuth } from "../web-config/basic-auth.ts";
import type { WebConfig, RateLimit } from "../web-config/load.ts";
import { readBody, send } from "./send.ts";
import {
  bearerToken,
  checkAccess,
  checkHost,
  checkOrigin,
  tokensMatch,
  type AccessPolicy,
  type RequestInfo,
  type CredentialLimiter,
} from "./access.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { HttpTimeouts } from "./listener.ts";
import { html, problem, type Problem, type Reply } from "./reply.ts";
import { findRoute, type Call, type Route } from "./route.ts";

/** Everything that happens to a request before its route. */
export interface RequestHandlerOptions {
  readonly routes: readonly Route[];
  readonly accessPolicy: () => AccessPolicy;
  readonly webConfig: () => WebConfig;
  readonly basicAuth: BasicAuth;
  readonly rateLimit: RateLimit;
  readonly credentialLimiter: CredentialLimiter;
  readonly connections: ConnectionTable;
  /** An error page for browsers. */
  readonly problemPage: (what: Problem) => string;
  readonly log: Log;
}

/** Answers one request. Never rejects. */
export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: RequestHandlerOptions,
  timeouts: HttpTimeouts,
): Promise<void> {
  const { log, connections } = options;
  if (request.complete || isBodiless(request)) {
    connections.setState(request.socket, "answering");
  } else {
    request.once("end", () => {
      connections.setState(request.socket, "answering");
    });
  }
  response.once("finish", () => {
    connections.setState(request.socket, "idle");
  });
  request.on("error", () => {
    response.destroy();
  });
  response.on("error", () => {
    response.destroy();
  });
  let reply: Reply;
  try {
    reply = await replyTo(request, response, options);
  } catch (error) {
    // A bug: details go to the log, not to the client.
    log.error({ err: error, path: pathOf(request) }, "request failed");
    reply = problem(500, "Internal error; see the agent's log.");
  }
  if (reply.kind === "body" && reply.problem !== undefined && wantsPage(request)) {
    const { problem: what, headers: own } = reply;
    reply = html(options.problemPage(what), what.status, own);
  }
  if (reply.kind === "body") {
    const deadline = setTimeout(() => {
      log.warn(
        { path: pathOf(request) },
        "client did not read the response in time, connection closed",
      );
      response.destroy();
    }, timeouts.replyMs);
    response.once("close", () => {
      clearTimeout(deadline);
    });
  }
  if (!request.readableEnded && request.method !== "GET" && request.method !== "HEAD") {
    // The body was not read completely, so the connection cannot be reused.
    response.setHeader("connection", "close");
  }
  if (reply.kind === "stream") {
    connections.setState(request.socket, "streaming");
  }
  await send(reply, request, response, options.webConfig().headers);
}

async function replyTo(
  request: IncomingMessage,
  response: ServerResponse,
  options: RequestHandlerOptions,
): Promise<Reply> {
  const settings = options.accessPolicy();
  const requestInfo: RequestInfo = {
    method: request.method ?? "GET",
    headers: request.headers,
    localAddress: request.socket.localAddress ?? "",
    remoteAddress: request.socket.remoteAddress ?? "",
    secure: "encrypted" in request.socket,
  };
  const url = parseTarget(request.url ?? "/");
  if (url === null) {
    return problem(400, "The request target is not a valid path.");
  }
  const refusal = checkHost(requestInfo, settings) ?? checkOrigin(requestInfo);
  if (refusal !== null) {
    return problem(refusal.status, refusal.detail);
  }
  const authentication = await authenticate(requestInfo, settings, options, url.pathname);
  if (authentication.kind === "refused") {
    return authentication.reply;
  }
  const found = findRoute(options.routes, requestInfo.method, url.pathname);
  if (found.kind === "not_found") {
    return problem(404, "No resource at this path.");
  }
  if (found.kind === "method_not_allowed") {
    return problem(405, `Allowed methods: ${found.allow}.`, { allow: found.allow });
  }
  const { route } = found;
  const denied = checkAccess(route.access, requestInfo, settings);
  if (denied !== null) {
    const given = bearerToken(requestInfo.headers);
    if (
      given !== null &&
      settings.token !== null &&
      !countWrongToken(requestInfo, url.pathname, options)
    ) {
      return tooManyAttempts();
    }
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
    return problem(400, "The request body is incomplete.");
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
    checkToken: (given) => {
      if (settings.token !== null && tokensMatch(given, settings.token)) {
        return "yes";
      }
      return countWrongToken(requestInfo, url.pathname, options) ? "no" : "too_many";
    },
  };
  const reply = await route.handle(call);
  if (route.method !== "GET") {
    logWrite(request, requestInfo, authentication.user, reply, options.log);
  }
  return reply;
}

/** Logs every write request: who, what, from where, and the result. */
function logWrite(
  request: IncomingMessage,
  requestInfo: RequestInfo,
  user: string | null,
  reply: Reply,
  log: Log,
): void {
  const { socket } = request;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  const forwardedFor = requestInfo.headers["x-forwarded-for"];
  const logFields = reply.kind === "body" ? (reply.logFields ?? {}) : {};
  log.info(
    {
      from: requestInfo.remoteAddress,
      ...(forwardedFor === undefined ? {} : { forwardedFor: visibleText(String(forwardedFor)) }),
      ...(user === null ? {} : { user: visibleText(user) }),
      ...(certificate === undefined ? {} : { certificate: visibleText(certificate.subject) }),
      token: bearerToken(requestInfo.headers) !== null,
      method: requestInfo.method,
      path: pathOf(request),
      status: reply.kind === "body" ? reply.status : 200,
      ...Object.fromEntries(
        Object.entries(logFields).map(([name, value]) => [name, visibleText(value, 500)]),
      ),
    },
    "web write request",
  );
}

/** Counts and logs a wrong token; false if the address has sent too many. */
function countWrongToken(
  { remoteAddress }: RequestInfo,
  path: string,
  { credentialLimiter }: RequestHandlerOptions,
): boolean {
  if (!credentialLimiter.mayTry(remoteAddress)) {
    return false;
  }
  credentialLimiter.rejected(remoteAddress, { what: "token", user: null, path });
  return true;
}

function tooManyAttempts(): Reply {
  return problem(429, "Too many wrong passwords or tokens from this address.", {
    "retry-after": "3",
  });
}

type Authentication =
  | { readonly kind: "authenticated"; readonly user: string | null }
  | { readonly kind: "refused"; readonly reply: Reply };

/**
 * Checks the request rate and basic auth of the web configuration; a request with the token needs no user. Cached correct
 * credentials pass before the rate limit, so that guessing cannot lock them out.
 */
async function authenticate(
  requestInfo: RequestInfo,
  { token }: AccessPolicy,
  { webConfig, rateLimit, basicAuth, credentialLimiter }: RequestHandlerOptions,
  path: string,
): Promise<Authentication> {
  const { users, rateLimit: limit } = webConfig();
  const { authorization } = requestInfo.headers;
  const bearer = bearerToken(requestInfo.headers);
  const hasToken = token !== null && bearer !== null && tokensMatch(bearer, token);
  const given = readBasic(authorization);
  const isKnown = users !== null && given !== null && basicAuth.isCached(given, users);
  if (limit !== null && !rateLimit.pass(limit, hasToken || isKnown ? "known" : "unknown")) {
    return refused(problem(429, "Too many requests.", { "retry-after": "1" }));
  }
  if (users === null || hasToken || isKnown) {
    return { kind: "authenticated", user: isKnown ? given.name : null };
  }
  const { remoteAddress } = requestInfo;
  const wanted = problem(401, "A user name and password are required.", {
    "www-authenticate": 'Basic realm="adc-witness", charset="UTF-8"',
  });
  if (authorization === undefined && bearer === null) {
    return refused(wanted);
  }
  if (!credentialLimiter.mayTry(remoteAddress, authorization)) {
    return refused(tooManyAttempts());
  }
  switch (given === null ? "out" : await basicAuth.check(given, users)) {
    case "in":
      credentialLimiter.accepted(remoteAddress);
      return { kind: "authenticated", user: given?.name ?? null };
    case "busy":
      credentialLimiter.accepted(remoteAddress);
      return refused(
        problem(429, "Too many password checks are in progress.", { "retry-after": "1" }),
      );
    case "out":
      credentialLimiter.rejected(remoteAddress, {
        what: given === null ? "token" : "password",
        user: given?.name ?? null,
        path,
      });
      return refused(wanted);
  }
}

function refused(reply: Reply): Authentication {
  return { kind: "refused", reply };
}

/** Whether a browser requests a page; scripts and programs send other Accept headers. */
function wantsPage(request: IncomingMessage): boolean {
  return (
    request.method === "GET" &&
    (request.headers.accept ?? "").includes("text/html") &&
    !pathOf(request).startsWith("/api/")
  );
}

/** Whether a request announces no body. */
function isBodiless({ method, headers }: IncomingMessage): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined
  );
}

/** For the log, without the query, which may contain secrets. */
function pathOf(request: IncomingMessage): string {
  return visibleText((request.url ?? "").split("?")[0] ?? "");
}

/** The path and query of an origin-form target; null for anything else (`*`, `//host`, absolute forms). */
function parseTarget(target: string): URL | null {
  const isOriginForm = target.startsWith("/") && !target.startsWith("//");
  return isOriginForm ? parseUrl(target, "http://agent.invalid") : null;
}
