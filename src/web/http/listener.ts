import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as TcpServer, type AddressInfo, type Socket } from "node:net";
import { parseHostPort } from "../../lib/host-port.ts";
import { withPort } from "../../lib/ip.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { Log } from "../../lib/log.ts";
import { closeSync, openSync } from "node:fs";

/** Timeouts for slow clients, in milliseconds. */
export interface HttpTimeouts {
  /** For the whole header, from the first byte of the connection or the end of the last request. */
  readonly headersMs: number;
  /** For the whole request with its body. */
  readonly requestMs: number;
  /** For an idle connection. */
  readonly idleMs: number;
  /** For the client to read the answer; not for event streams. */
  readonly replyMs: number;
}

export const DEFAULT_HTTP_TIMEOUTS: HttpTimeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 75_000,
  replyMs: 60_000,
};

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;
export type ServerFactory = (options: ServerSettings, handler: Handler) => Server;

export interface ServerSettings {
  readonly maxHeaderSize: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/** Listens on one address, with pauses where it must. */
export interface Listener {
  readonly kind: "listening";
  readonly url: string;
  /** Stops accepting connections; open ones stay. */
  readonly pause: () => void;
  /** Listens again at the same address and port; resolves to an error, else null. */
  readonly resume: () => Promise<string | null>;
  readonly close: () => Promise<void>;
}

export type Listening = Listener | { readonly kind: "failed"; readonly message: string };

/** Listens on one address (`127.0.0.1:9743`, `[::1]:0`, `:9743`). Never rejects. */
export function listen(
  address: string,
  handler: Handler,
  timeouts: HttpTimeouts,
  connections: ConnectionTable,
  makeServer: ServerFactory = createServer,
): Promise<Listening> {
  const where = parseHostPort(address);
  if (where?.port === undefined || where.port === null) {
    return Promise.resolve({ kind: "failed", message: `${address}: expected address:port` });
  }
  const { host, port } = where;
  const server = makeServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.idleMs,
      connectionsCheckingInterval: Math.min(2_000, timeouts.headersMs),
    },
    handler,
  );
  server.maxHeadersCount = MAX_HEADERS;
  server.setTimeout(timeouts.idleMs);
  const sockets = new Set<Socket>();
  server.on("error", () => {
    // A listen error is returned to the caller; any other error affects one client only.
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    connections.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return listenOn(server, { port, ...(host === "" ? {} : { host }) }).then((problem) => {
    if (problem !== null) {
      return { kind: "failed", message: `cannot listen on ${address}: ${problem}` };
    }
    const scheme = "setSecureContext" in server ? "https" : "http";
    const bound = server.address() as AddressInfo;
    return {
      kind: "listening",
      url: `${scheme}://${authorityOf(host, bound.port)}`,
      pause: () => {
        // Not http.Server.close, which also closes idle connections that a scraper may reuse.
        TcpServer.prototype.close.call(server);
      },
      resume: () => listenOn(server, { host: bound.address, port: bound.port }),
      close: () => close(server, sockets),
    };
  });
}

/** Resolves to an error, or null once it listens. */
function listenOn(
  server: Server,
  where: { readonly host?: string; readonly port: number },
): Promise<string | null> {
  if (server.listening) {
    return Promise.resolve(null);
  }
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      server.off("listening", listening);
      resolve(error.message);
    };
    const listening = (): void => {
      server.off("error", failed);
      resolve(null);
    };
    server.once("error", failed).once("listening", listening).listen(where);
  });
}

function authorityOf(host: string, port: number): string {
  return withPort(host === "" ? "localhost" : host, port);
}

/** Open responses are aborted: an event stream would otherwise keep the agent running. */
function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    for (const socket of sockets) {
      socket.destroy();
    }
  });
}

const CHECK_EVERY_MS = 250;
/** Time that descriptors must be available before connections are accepted again. */
const RESUME_AFTER_MS = 1_000;

export interface DescriptorWatch {
  readonly stop: () => Promise<void>;
}

/**
 * Closes the listeners while the process has no file descriptors left, and opens them again afterwards. With a pending
 * connection and no descriptor, Node.js retries accept in every turn of the event loop, without an error, and uses a whole CPU:
 * libuv keeps a spare descriptor for this case, but another thread may take it.
 */
export function watchDescriptors(listeners: readonly Listener[], log: Log): DescriptorWatch {
  let isPaused = false;
  let freeForMs = 0;
  let resuming: Promise<void> | null = null;
  let problem: string | null = null;

  function pause(): void {
    isPaused = true;
    listeners.forEach((listener) => {
      listener.pause();
    });
    log.warn({}, "no file descriptors left, not accepting connections");
  }

  async function resume(): Promise<void> {
    const problems = await Promise.all(listeners.map((listener) => listener.resume()));
    const found = problems.find((one) => one !== null) ?? null;
    isPaused = found !== null;
    if (!isPaused) {
      log.info({}, "file descriptors available, accepting connections");
    } else if (found !== problem) {
      log.error({ problem: found }, "listen failed, retrying");
    }
    problem = found;
    resuming = null;
  }

  const timer = setInterval(() => {
    if (resuming !== null) {
      return;
    }
    const isFree = hasFreeDescriptor();
    freeForMs = isFree ? freeForMs + CHECK_EVERY_MS : 0;
    if (!isFree && !isPaused) {
      pause();
    } else if (isPaused && freeForMs >= RESUME_AFTER_MS) {
      resuming = resume();
    }
  }, CHECK_EVERY_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await resuming;
    },
  };
}

/** Whether the process has a free file descriptor. */
function hasFreeDescriptor(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
