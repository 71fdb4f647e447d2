import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as TcpServer, type AddressInfo, type Socket } from "node:net";
import { parseHostPort } from "../../lib/host-port.ts";
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
export type MakeServer = (options: ServerSettings, handler: Handler) => Server;

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
  readonly shut: () => void;
  /** Listens again at the same address and port; resolves to an error, else null. */
  readonly open: () => Promise<string | null>;
  readonly close: () => Promise<void>;
}

export type Listening = Listener | { readonly kind: "failed"; readonly message: string };

/** Listens on one address (`127.0.0.1:9743`, `[::1]:0`, `:9743`). Never rejects. */
export function listen(
  address: string,
  handler: Handler,
  patience: HttpTimeouts,
  connections: ConnectionTable,
  makeServer: MakeServer = createServer,
): Promise<Listening> {
  const where = parseHostPort(address);
  if (where?.port === undefined || where.port === null) {
    return Promise.resolve({ kind: "failed", message: `${address}: expected address:port` });
  }
  const { host, port } = where;
  const server = makeServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      keepAliveTimeout: patience.idleMs,
      connectionsCheckingInterval: Math.min(2_000, patience.headersMs),
    },
    handler,
  );
  server.maxHeadersCount = MAX_HEADERS;
  server.setTimeout(patience.idleMs);
  const sockets = new Set<Socket>();
  server.on("error", () => {
    // A listen error is returned to the caller; any other error affects one client only.
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    connections.admit(socket);
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
      url: `${scheme}://${shownAddress(host, bound.port)}`,
      shut: () => {
        // Not http.Server.close, which also closes idle connections that a scraper may reuse.
        TcpServer.prototype.close.call(server);
      },
      open: () => listenOn(server, { host: bound.address, port: bound.port }),
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

function shownAddress(host: string, port: number): string {
  const shown = host === "" ? "localhost" : host;
  return `${shown.includes(":") ? `[${shown}]` : shown}:${String(port)}`;
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

const LOOK_EVERY_MS = 250;
/** Time that descriptors must be available before connections are accepted again. */
const BACK_AFTER_MS = 1_000;

export interface DescriptorWatch {
  readonly stop: () => Promise<void>;
}

/**
 * Closes the listeners while the process has no file descriptors left, and opens them again afterwards. With a pending
 * connection and no descriptor, Node.js retries accept in every turn of the event loop, without an error, and uses a whole CPU:
 * libuv keeps a spare descriptor for this case, but another thread may take it.
 */
export function watchDescriptors(listeners: readonly Listener[], log: Log): DescriptorWatch {
  let isShut = false;
  let leftForMs = 0;
  let opening: Promise<void> | null = null;
  let problem: string | null = null;

  function shut(): void {
    isShut = true;
    listeners.forEach((listener) => {
      listener.shut();
    });
    log.warn({}, "no file descriptors left, not accepting connections");
  }

  async function open(): Promise<void> {
    const problems = await Promise.all(listeners.map((listener) => listener.open()));
    const found = problems.find((one) => one !== null) ?? null;
    isShut = found !== null;
    if (!isShut) {
      log.info({}, "file descriptors available, accepting connections");
    } else if (found !== problem) {
      log.error({ problem: found }, "listen failed, retrying");
    }
    problem = found;
    opening = null;
  }

  const looking = setInterval(() => {
    if (opening !== null) {
      return;
    }
    const areLeft = descriptorsAreLeft();
    leftForMs = areLeft ? leftForMs + LOOK_EVERY_MS : 0;
    if (!areLeft && !isShut) {
      shut();
    } else if (isShut && leftForMs >= BACK_AFTER_MS) {
      opening = open();
    }
  }, LOOK_EVERY_MS);
  looking.unref();
  return {
    stop: async () => {
      clearInterval(looking);
      await opening;
    },
  };
}

/** Whether the process has a free file descriptor. */
function descriptorsAreLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
