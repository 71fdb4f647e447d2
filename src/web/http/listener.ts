import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as TcpServer, type AddressInfo, type Socket } from "node:net";
import { parseHostPort } from "../../lib/host-port.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { Log } from "../../lib/log.ts";
import { closeSync, openSync } from "node:fs";

/** How long slow clients are suffered, milliseconds. */
export interface HttpTimeouts {
  /** For the whole header, from the first byte of the connection or the end of the last request. */
  readonly headersMs: number;
  /** For the whole request with its body. */
  readonly requestMs: number;
  /** For a connection on which nothing moves. */
  readonly idleMs: number;
  /** For an answer to be taken; does not bind event streams. */
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
  /** Lets nobody new in; connections that are open stay. */
  readonly shut: () => void;
  /** Listens again at the same address and port; resolves to why it cannot, else null. */
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
    // A failure to listen is returned to the caller; any other error concerns one visitor, and the others go on.
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
        // Not the HTTP server's own way, which ends idle connections as well: a scrape may come over one.
        TcpServer.prototype.close.call(server);
      },
      open: () => listenOn(server, { host: bound.address, port: bound.port }),
      close: () => close(server, sockets),
    };
  });
}

/** Tells why it cannot, or null once it listens. */
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

/** Open answers are cut: an event stream would else keep the agent from ending. */
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
 * Shuts the listeners while the process has no file descriptor left, and opens them again when it has. A visitor who is
 * waiting and cannot be let in makes Node.js retry the accept in every turn of the event loop, report nothing, and take
 * a whole processor for it: libuv keeps a spare descriptor for that case, but loses it where another thread is quicker.
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

/** Whether this process can open anything at this moment. */
function descriptorsAreLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
