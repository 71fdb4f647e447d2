import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { CertificateName } from "../../certificates/lab-certificate.ts";
import type { FrontEnd } from "./front-end.ts";
import type { LabAnswer, LabHttpConnection, LabRequest } from "./http-exchange.ts";
import { serveForeignMethods } from "./foreign-methods.ts";
import { resetSocket } from "../../../src/net/reset-socket.ts";

/** Largest request body that is kept; EWS requests of the probes are far below. */
const BODY_LIMIT = 5 * 1024 * 1024;

export interface HttpService {
  /** Serves a connection; `raw` is the TCP socket below TLS. */
  serve(socket: Socket, raw: Socket, certificate: CertificateName | null): void;
  close(): void;
}

/** HTTP/1.1 on connections that others accept, answered by a front end. */
export function createHttpService(frontEnd: FrontEnd, port: 80 | 443): HttpService {
  const connections = new WeakMap<Socket, { facts: LabHttpConnection; raw: Socket }>();
  const server = createServer({ keepAliveTimeout: 120_000 }, (incoming, response) => {
    const known = connections.get(incoming.socket);
    if (known === undefined) {
      response.destroy();
      return;
    }
    respond(frontEnd, incoming, response, known.facts, known.raw).catch(() => known.raw.destroy());
  });
  // Node's parser does not support RPC_IN_DATA and RPC_OUT_DATA: those connections bypass it.
  server.on("clientError", (error: Error & { rawPacket?: Buffer }, duplex) => {
    const socket = duplex as Socket;
    const known = connections.get(socket);
    const packet = error.rawPacket;
    if (
      known !== undefined &&
      packet !== undefined &&
      /^RPC_/i.test(packet.toString("latin1", 0, 4))
    ) {
      serveForeignMethods(socket, packet, known.facts, frontEnd, () =>
        resetSocket(known.raw),
      ).catch(() => known.raw.destroy());
    } else if (socket.writable) {
      socket.end(
        "HTTP/1.1 400 Bad Request\r\nServer: Microsoft-HTTPAPI/2.0\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      );
    }
  });
  return {
    serve(socket, raw, certificate) {
      connections.set(socket, { facts: { port, certificate, ntlm: null }, raw });
      server.emit("connection", socket);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function respond(
  frontEnd: FrontEnd,
  incoming: IncomingMessage,
  response: ServerResponse,
  connection: LabHttpConnection,
  raw: Socket,
): Promise<void> {
  incoming.on("error", () => undefined);
  response.on("error", () => undefined);
  const result = await frontEnd.handle(requestOf(incoming, connection));
  if (result.kind === "abort") {
    resetSocket(raw);
    return;
  }
  if (response.destroyed) {
    return;
  }
  write(response, result, incoming.method === "HEAD");
  if (!incoming.readableEnded) {
    incoming.resume();
  }
}

function requestOf(incoming: IncomingMessage, connection: LabHttpConnection): LabRequest {
  const url = incoming.url ?? "/";
  const question = url.indexOf("?");
  return {
    method: incoming.method ?? "GET",
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? "" : url.slice(question + 1),
    header(name) {
      const value = incoming.headers[name];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    },
    body: () => readBody(incoming),
    connection,
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BODY_LIMIT) {
        return null;
      }
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}

function write(
  response: ServerResponse,
  result: LabAnswer & { kind: "answer" },
  withoutBody: boolean,
): void {
  const body = Buffer.from(result.body);
  const statusText = result.statusText ?? statusTextOf(result.status);
  const headers = [...result.headers, ["Content-Length", String(body.length)] as const];
  response.writeHead(result.status, statusText, headers.flat());
  response.end(withoutBody ? undefined : body);
}

function statusTextOf(status: number): string {
  return status === 440 ? "Login Timeout" : (STATUS_CODES[status] ?? "Unknown");
}
