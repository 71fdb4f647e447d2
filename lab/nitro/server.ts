import { once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer, Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { NitroBackend } from "./backend.ts";
import { authenticated, login, tokenOf } from "./authentication.ts";
import { sendEnvelope, sendError, sendRows } from "./envelope.ts";
import type { NitroFault, NitroFaultHook } from "./faults.ts";
import { parseNitroQuery, type NitroQuery } from "./query.ts";
import {
  backendSource,
  type NitroSource,
  type SourcedRefusal,
  type SourcedResource,
} from "./resources.ts";
import { NitroSessions } from "./sessions.ts";
import type { Row } from "./wire-values.ts";

export interface NitroServerOptions {
  readonly username: string;
  readonly password: string;
  /** Without a time-out in the login itself, in milliseconds. Default: 30 minutes, as on an appliance. */
  readonly sessionTimeoutMs?: number;
  /** PEM key and certificate, or null for plain HTTP (the default). */
  readonly tls?: { readonly key: string; readonly cert: string } | null;
  /** Default: 20, the appliance's limit of administrators' connections. */
  readonly maxSessions?: number;
  /** Whether `?bulkbindings=yes` is understood; firmware before 11.1 does not. Default: true. */
  readonly bulkBindings?: boolean;
  /** Loopback address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
  readonly faults?: NitroFaultHook;
  /** Answers every request with 307 to there, as an NSIP with `-gui SECUREONLY` answers on port 80. */
  readonly redirectTo?: string;
  /** Admin partitions besides the default one, by name: `nspartition?action=Switch` switches to them. */
  readonly partitions?: ReadonlyMap<string, NitroBackend>;
  readonly habits?: ApplianceHabits;
  /** Wall clock in milliseconds, for session time-outs. */
  readonly now?: () => number;
}

export interface NitroServer {
  /** For example `https://127.0.0.1:40123`. */
  readonly url: string;
  readonly port: number;
  /** All requests so far, oldest first; at most the last 10,000. */
  readonly requests: readonly RecordedRequest[];
  /** Connections that were ever accepted. */
  readonly connections: () => number;
  readonly openSessions: () => number;
  readonly openedSessions: () => number;
  /** Ends every session on the appliance's side, as a failover or an administrator does. */
  readonly killSessions: () => void;
  /** Answers http itself from now on. */
  readonly stopRedirecting: () => void;
  /** Presents another certificate from now on, if it uses TLS. */
  readonly present: (certificate: { readonly key: string; readonly cert: string }) => void;
  readonly close: () => Promise<void>;
}

/** What builds and set-ups of appliances do differently. */
export interface ApplianceHabits {
  /** A cluster: 477 on hanode, 2470 on AAA; at a node's NSIP 1044 as a warning at login, at the cluster's address (CLIP) none. */
  readonly cluster?: "node" | "clip";
  /** `attrs` is refused with this code. */
  readonly attributesRefusedWith?: number;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
}

const RECORDED_REQUESTS = 10_000;
const MAX_BODY_BYTES = 65_536;

/**
 * Serves a backend as an appliance serves NITRO, on loopback: sessions by cookie, NITRO's envelope, and its habits on
 * the wire (numbers as strings, absent empty collections, arrays of one, 201 on login).
 * Sources: NITRO docs, "Performing basic NetScaler operations" and "Error and exception handling".
 */
export function startNitroServer(
  backend: NitroBackend,
  options: NitroServerOptions,
): Promise<NitroServer> {
  return serveNitro(backendSource(backend), options);
}

/** The same, with answers from anywhere. */
export async function serveNitro(
  source: NitroSource,
  options: NitroServerOptions,
): Promise<NitroServer> {
  const sessions = new NitroSessions(options.maxSessions ?? 20, options.now ?? Date.now);
  const partitions = new Map<string, NitroSource>();
  const requests: RecordedRequest[] = [];
  let seen = 0;
  let redirectTo = options.redirectTo ?? null;
  let connections = 0;
  let closed: Promise<unknown> | null = null;
  const tls = options.tls ?? null;

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    requests.push({ method: request.method ?? "", path: request.url ?? "" });
    if (requests.length > RECORDED_REQUESTS) {
      requests.shift();
    }
    const index = seen;
    seen += 1;
    const appliance = { source, options, sessions, partitions, redirectTo: () => redirectTo };
    answerRequest(appliance, request, response, index).catch(() => {
      response.destroy();
    });
  }

  const server: Server =
    tls === null
      ? createHttpServer({ keepAliveTimeout: 60_000 }, onRequest)
      : createHttpsServer({ ...tls, keepAliveTimeout: 60_000 }, onRequest);
  server.on("connection", () => {
    connections += 1;
  });
  const host = options.host ?? "127.0.0.1";
  server.listen(options.port ?? 0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    url: `${tls === null ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${String(port)}`,
    port,
    requests,
    connections: () => connections,
    openSessions: () => sessions.openCount(),
    openedSessions: () => sessions.openedCount(),
    killSessions: () => {
      sessions.closeAll();
    },
    present: (certificate) => {
      if (server instanceof HttpsServer) {
        server.setSecureContext(certificate);
        server.closeAllConnections();
      }
    },
    stopRedirecting: () => {
      redirectTo = null;
    },
    close: async () => {
      closed ??= once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Appliance {
  readonly redirectTo: () => string | null;
  readonly source: NitroSource;
  readonly options: NitroServerOptions;
  readonly sessions: NitroSessions;
  /** The partition each session has switched to, by token. */
  readonly partitions: Map<string, NitroSource>;
}

async function answerRequest(
  appliance: Appliance,
  request: IncomingMessage,
  response: ServerResponse,
  index: number,
): Promise<void> {
  const method = request.method ?? "";
  const body = await readBody(request);
  const query = parseNitroQuery(request.url ?? "");
  if (query === null || body === null) {
    sendError(response, 1232, undefined, 400);
    return;
  }
  const fault =
    appliance.options.faults?.({ method, path: request.url ?? "", query, index }) ?? null;
  if (fault !== null && !(await applyFault(fault, response))) {
    return;
  }
  const { habits = {} } = appliance.options;
  const redirectTo = appliance.redirectTo();
  if (redirectTo !== null) {
    response.writeHead(307, { location: `${redirectTo}${request.url ?? ""}` }).end();
    return;
  }
  const clusterWarning = habits.cluster === "node" && query.resource === "login" ? 1044 : null;
  const warning = fault?.kind === "warning" ? fault.code : clusterWarning;
  if (method === "POST" && query.resource === "login") {
    login(appliance.options, appliance.sessions, body, response, warning);
  } else if (!authenticated(appliance.options, appliance.sessions, request)) {
    sendError(response, tokenOf(request) === null ? 1026 : 444);
  } else if (method === "POST" && query.resource === "logout") {
    appliance.sessions.close(tokenOf(request) ?? "");
    sendEnvelope(response, 201, {});
  } else if (method === "POST" && query.resource === "nspartition") {
    switchPartition(appliance, body, tokenOf(request) ?? "", response);
  } else if (method !== "GET") {
    sendError(response, 1240, undefined, 405);
  } else {
    const source = appliance.partitions.get(tokenOf(request) ?? "") ?? appliance.source;
    await answerGet({ ...appliance, source }, query, response, warning);
  }
}

/** NITRO docs, `nspartition`: Switch changes what this session sees. */
function switchPartition(
  { options, partitions }: Appliance,
  body: string,
  token: string,
  response: ServerResponse,
): void {
  const name = /"partitionname"\s*:\s*"([^"]*)"/.exec(body)?.[1] ?? "";
  const backend = options.partitions?.get(name);
  if (backend === undefined) {
    sendError(response, 2755, "Partition name doesnt exist");
  } else {
    partitions.set(token, backendSource(backend));
    sendEnvelope(response, 200, {});
  }
}

/** What an appliance of this kind refuses, or null. */
function refusedByHabit(
  habits: ApplianceHabits,
  inPartition: boolean,
  query: NitroQuery,
): readonly [code: number, message: string] | null {
  if (habits.attributesRefusedWith !== undefined && query.attributes !== null) {
    return [habits.attributesRefusedWith, "Invalid argument [attrs]"];
  }
  if (habits.cluster !== undefined && query.resource === "hanode") {
    return [477, "Operation not supported in a cluster"];
  }
  if (habits.cluster !== undefined && query.resource.startsWith("authentication")) {
    return [2470, "AAA is not supported in Cluster mode."];
  }
  return inPartition && query.resource === "hanode"
    ? [2760, "This feature is not supported on partition"]
    : null;
}

/** Applies the fault; true if the request must still be answered. */
async function applyFault(fault: NitroFault, response: ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case "error":
      sendError(response, fault.code, fault.message, fault.status);
      return false;
    case "answer":
      response.writeHead(fault.status, { "content-type": "text/html" }).end(fault.body);
      return false;
    case "reset":
      response.destroy();
      return false;
    case "cut":
      response.writeHead(200, { "content-type": "application/json" }).write(fault.body, () => {
        response.destroy();
      });
      return false;
    case "endless":
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{ "errorcode": 0, "message": "Done", "lbvserver": [ {"name": "');
      while (!response.destroyed) {
        response.write("x".repeat(65_536));
        // Some 10 MB a second, so that a short time-out comes before a reader's bound of 64 MB.
        await sleep(5);
      }
      return false;
    case "wait":
      await fault.until;
      return !response.destroyed;
    case "warning":
      return true;
  }
}

async function answerGet(
  { source, options, partitions }: Appliance,
  query: NitroQuery,
  response: ServerResponse,
  warning: number | null,
): Promise<void> {
  const { habits = {} } = options;
  const inPartition = [...partitions.values()].includes(source);
  const refused = refusedByHabit(habits, inPartition, query);
  if (refused !== null) {
    sendError(response, ...refused);
    return;
  }
  const resource = source.resource(query);
  if (resource === null) {
    sendError(response, 1232, `Invalid object [${query.resource}]`, 400);
    return;
  }
  if ("code" in resource) {
    sendRefusal(response, resource);
    return;
  }
  if (query.bulkBindings && options.bulkBindings === false) {
    sendError(response, 1090, "No such argument [bulkbindings]", 400);
    return;
  }
  if (resource.binding === true && query.name === null && !query.bulkBindings) {
    sendError(response, 1095, `Required argument missing [${resource.key ?? "name"}]`, 400);
    return;
  }
  const listed = named(resource, query);
  // A list may be long and is written as it is made; an object requested by name must exist first.
  const rows = query.name === null ? listed : [...listed];
  if (
    Array.isArray(rows) &&
    query.name !== null &&
    rows.length === 0 &&
    resource.binding !== true
  ) {
    sendError(response, 258, `No such resource [${resource.key ?? "name"}, ${query.resource}]`);
    return;
  }
  await sendRows(response, query, rows, {
    single: resource.single === true,
    warning: warning ?? resource.warning ?? null,
  });
}

/** Repeats a recorded failure: an error of NITRO, of a web server in its place, or an unreadable answer. */
function sendRefusal(response: ServerResponse, { code, words }: SourcedRefusal): void {
  const status = /^http_(\d{3})$/.exec(code)?.[1] ?? /^http_(\d)xx$/.exec(code)?.[1];
  if (/^\d+$/.test(code)) {
    sendError(response, Number(code), words);
  } else if (status !== undefined) {
    response.writeHead(Number(status.padEnd(3, "0")), { "content-type": "text/html" }).end();
  } else if (code === "not_nitro") {
    response.writeHead(200, { "content-type": "text/html" }).end(words);
  } else {
    response.destroy();
  }
}

function named(resource: SourcedResource, query: NitroQuery): Iterable<Row> {
  const { key } = resource;
  const { name } = query;
  const rows = resource.rows(query.arguments);
  return name === null || key === null ? rows : [...rows].filter((row) => row[key] === name);
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  let body = "";
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > MAX_BODY_BYTES) {
      return null;
    }
  }
  return body;
}
