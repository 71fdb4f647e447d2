import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { parseHostPort } from "../../config/host-port.ts";

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

export type Listening =
  | { readonly kind: "listening"; readonly url: string; readonly close: () => Promise<void> }
  | { readonly kind: "failed"; readonly message: string };

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
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return new Promise((resolve) => {
    server.once("error", (error) => {
      resolve({ kind: "failed", message: `cannot listen on ${address}: ${error.message}` });
    });
    server.listen({ port, ...(host === "" ? {} : { host }) }, () => {
      server.on("error", () => {
        // Accepting one connection failed (no descriptors left): the others go on.
      });
      const scheme = "setSecureContext" in server ? "https" : "http";
      resolve({
        kind: "listening",
        url: `${scheme}://${boundAddress(server, host)}`,
        close: () => close(server, sockets),
      });
    });
  });
}

function boundAddress(server: Server, host: string): string {
  const bound = server.address() as AddressInfo;
  const shown = host === "" ? "localhost" : host;
  return `${shown.includes(":") ? `[${shown}]` : shown}:${String(bound.port)}`;
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
