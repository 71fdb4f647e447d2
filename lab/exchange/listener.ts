import { createServer, type Socket } from "node:net";
import { TLSSocket, type SecureContext } from "node:tls";
import type { ProtocolState } from "./protocol-state.ts";
import { reservePort } from "./stable-port.ts";
import { resetSocket } from "../../src/net/reset-socket.ts";

/** Maximum idle time of a connection, so that forgotten clients leave nothing behind. */
const IDLE_MS = 10 * 60_000;
/** Delay of a reset: without it, a client on the same machine would not see that it was connected. */
const RESET_AFTER_MS = 20;

export interface ListenerOptions {
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  readonly state: () => ProtocolState;
  /** Null when no certificate is bound. */
  readonly secureContext: () => SecureContext | null;
  /**
   * Receives a connection to serve: a TLSSocket after its handshake if TLS is implicit. If it fails, only that
   * connection is cut, and the demo continues.
   */
  readonly serve: (socket: Socket, raw: Socket) => Promise<void> | void;
  /** A separate service needs the UDP port of the same number, so it is not reserved. */
  readonly udpToo?: boolean;
  /** Implicit TLS without a certificate: what the service sends without TLS before it closes. Empty: a reset. */
  readonly withoutCertificate: string;
}

/** One listener that keeps its port while it is stopped. */
export interface Listener {
  readonly port: number;
  /** Follows the state: stops (and cuts its connections) or listens again. */
  follow(): Promise<void>;
  /** Cuts every open connection, as the end of a process does. */
  cut(): void;
  connections(): number;
  accepted(): number;
  close(): Promise<void>;
}

export async function openListener(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  const reserved = await reservePort(options.udpToo ?? false);
  let accepted = 0;

  function onConnection(socket: Socket): void {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    receive(socket, options);
  }

  const server = createServer(onConnection);

  function cut(): void {
    for (const socket of sockets) {
      socket.destroy();
    }
  }

  async function stop(): Promise<void> {
    if (server.listening) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    }
  }

  async function follow(): Promise<void> {
    if (options.state().accept === "stopped") {
      await stop();
    } else if (!server.listening) {
      await reserved.listen(server);
    }
  }

  async function end(): Promise<void> {
    await stop();
    cut();
    await reserved.release();
  }

  let ended: Promise<void> | null = null;
  try {
    await follow();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    port: reserved.port,
    follow,
    cut,
    connections: () => sockets.size,
    accepted: () => accepted,
    close: () => (ended ??= end()),
  };
}

function receive(socket: Socket, options: ListenerOptions): void {
  switch (options.state().accept) {
    case "serve":
      afterProxyHeader(socket, options.state().awaitsProxyHeader, () => {
        secure(socket, options, (served) => {
          Promise.resolve(options.serve(served, socket)).catch(() => socket.destroy());
        });
      });
      return;
    case "hung":
      secure(socket, options, (served) => served.resume());
      return;
    case "silent":
      socket.resume();
      return;
    case "reset":
      setTimeout(() => resetSocket(socket), RESET_AFTER_MS).unref();
      return;
    case "close":
    case "stopped":
      socket.destroy();
      return;
  }
}

/** The longest header of version 1 (HAProxy, "The PROXY protocol"). */
const PROXY_LINE_BYTES = 107;

/**
 * Reads a PROXY header from the connection, byte by byte, so that what follows it remains; anything else ends the
 * connection.
 */
function afterProxyHeader(socket: Socket, isAwaited: boolean, then: () => void): void {
  if (!isAwaited) {
    then();
    return;
  }
  let line = "";
  const read = (): void => {
    for (let byte = readByte(socket); byte !== null; byte = readByte(socket)) {
      line += byte;
      if (!line.startsWith("PROXY ".slice(0, line.length)) || line.length > PROXY_LINE_BYTES) {
        socket.destroy();
        return;
      }
      if (line.endsWith("\r\n")) {
        socket.off("readable", read);
        then();
        return;
      }
    }
  };
  socket.on("readable", read);
}

function readByte(socket: Socket): string | null {
  const byte = socket.read(1) as Buffer | null;
  return byte === null ? null : byte.toString("latin1");
}

function secure(socket: Socket, options: ListenerOptions, then: (served: Socket) => void): void {
  if (!options.implicitTls) {
    then(socket);
    return;
  }
  const secureContext = options.secureContext();
  if (secureContext === null) {
    refuseWithoutCertificate(socket, options.withoutCertificate);
    return;
  }
  startServerTls(socket, secureContext, then);
}

function refuseWithoutCertificate(socket: Socket, text: string): void {
  if (text === "") {
    resetSocket(socket);
    return;
  }
  socket.resume();
  socket.end(text);
}

/** Performs a TLS handshake on a connection; if it fails, the connection is destroyed after OpenSSL's alert. */
export function startServerTls(
  socket: Socket,
  secureContext: SecureContext,
  then: (secured: TLSSocket) => void,
): void {
  const secured = new TLSSocket(socket, { isServer: true, secureContext });
  secured.on("error", () => socket.destroy());
  secured.once("secure", () => then(secured));
}
