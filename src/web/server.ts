import type { IncomingMessage, ServerResponse } from "node:http";
import { hostname } from "node:os";
import { createEventStreams } from "./api/events.ts";
import { isLoopback, parseHostPort } from "../config/host-port.ts";
import { readBody } from "./http/body.ts";
import {
  checkAccess,
  checkHost,
  checkOrigin,
  type DoorSettings,
  type Visitor,
} from "./http/doors.ts";
import { DEFAULT_PATIENCE, listen, type Listening, type Patience } from "./http/listener.ts";
import { problem, type Reply } from "./http/reply.ts";
import { findRoute, type Call, type Route } from "./http/route.ts";
import { SECURITY_HEADERS, send } from "./http/send.ts";
import { routes, type WebSources } from "./routes.ts";

export interface WebOptions extends WebSources {
  /** `address:port`, as `web.listen`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Names by which the page may be called, beside addresses and this machine's name (`web.hosts`). */
  readonly hosts: readonly string[];
  readonly log: WebLog;
  readonly patience?: Patience;
}

/** The part of pino's logger that is used here. */
export interface WebLog {
  readonly info: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

export type Web =
  | {
      readonly kind: "listening";
      /** Where it listens, as URLs without a path, in the order of `listen`. */
      readonly addresses: readonly string[];
      readonly close: () => Promise<void>;
    }
  | { readonly kind: "failed"; readonly message: string };

/** How soon a change is told to event streams, and how fine timelines are. */
const SAMPLE_EVERY_MS = 500;

/** Serves page, metrics and API on all addresses, or on none. Never rejects. */
export async function startWeb(options: WebOptions): Promise<Web> {
  const events = createEventStreams(options.history);
  const table = routes(options, events);
  const patience = options.patience ?? DEFAULT_PATIENCE;
  const machineNames = namesOfThisMachine();
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    const settings = { hosts: options.hosts, machineNames, token: options.token() };
    void answer(request, response, table, settings, patience, options.log);
  };
  const listening: Extract<Listening, { kind: "listening" }>[] = [];
  const sampling = setInterval(() => {
    options.history.sample(options.live());
  }, SAMPLE_EVERY_MS);
  sampling.unref();
  const close = async (): Promise<void> => {
    clearInterval(sampling);
    events.close();
    await Promise.all(listening.map((one) => one.close()));
  };
  for (const address of options.listen) {
    const started = await listen(address, handler, patience);
    if (started.kind === "failed") {
      await close();
      return started;
    }
    listening.push(started);
  }
  warnOfOpenWrites(options);
  return { kind: "listening", addresses: listening.map((one) => one.url), close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  table: readonly Route[],
  settings: DoorSettings,
  patience: Patience,
  log: WebLog,
): Promise<void> {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
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
    reply = await replyTo(request, response, table, settings);
  } catch (error) {
    // A bug of ours: the client learns nothing of it, the log everything.
    log.error({ err: error, path: request.url?.split("?")[0] }, "a request failed");
    reply = problem(500, "The agent failed to answer; its log says why.");
  }
  if (reply.kind === "body") {
    const deadline = setTimeout(() => {
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
  table: readonly Route[],
  settings: DoorSettings,
): Promise<Reply> {
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
  const found = findRoute(table, visitor.method, url.pathname);
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

/** The path and query of an origin-form target; null for anything else (`*`, `//host`, absolute forms). */
function parseTarget(target: string): URL | null {
  const base = "http://agent.invalid";
  if (!target.startsWith("/") || target.startsWith("//") || !URL.canParse(target, base)) {
    return null;
  }
  return new URL(target, base);
}

function namesOfThisMachine(): readonly string[] {
  const full = hostname();
  return [...new Set([full, full.split(".")[0] ?? full])];
}

function warnOfOpenWrites(options: WebOptions): void {
  const open = options.listen.filter((address) => !isLoopback(parseHostPort(address)?.host ?? ""));
  if (open.length > 0 && options.token() !== null) {
    options.log.warn(
      { listen: open },
      "writes with the maintenance token are open to the network in clear text; see web.config_file for TLS",
    );
  }
}
