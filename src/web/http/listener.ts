import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as TcpServer, type AddressInfo, type Socket } from "node:net";
import { parseHostPort } from "../../lib/host-port.ts";

/** How long slow clients are suffered, milliseconds. */
export interface Patience {
  /** For the whole header, from the first byte of the connection or the end of the last request. */
  readonly headersMs: number;
  /** For the whole request with its body. */
  readonly requestMs: number;
  /** For a connection on which nothing moves. */
  readonly idleMs: number;
  /** For an answer to be taken; does not bind event streams. */
  readonly replyMs: number;
}

export const DEFAULT_PATIENCE: Patience = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 75_000,
  replyMs: 60_000,
};

const MAX_CONNECTIONS = 4_096;
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
  /** Listens again at the same address and port; tells why it cannot, else null. */
  readonly open: () => Promise<string | null>;
  readonly close: () => Promise<void>;
}

export type Listening = Listener | { readonly kind: "failed"; readonly message: string };

/** Listens on one address (`127.0.0.1:9743`, `[::1]:0`, `:9743`). Never rejects. */
export function listen(
  address: string,
  handler: Handler,
  patience: Patience,
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
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = MAX_HEADERS;
  server.setTimeout(patience.idleMs);
  const sockets = new Set<Socket>();
  server.on("error", () => {
    // Whoever asked to listen hears of it; else one visitor could not be let in, and the others go on.
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
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
