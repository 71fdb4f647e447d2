import type { Socket } from "node:net";
import { createLineConnection, type LineConnection } from "../line-connection.ts";
import type { FrontEnd } from "./front-end.ts";
import type { LabHttpConnection, LabRequest } from "./http-exchange.ts";

const HEADERS_LIMIT = 100;
const BODY_LIMIT = 64 * 1024;

/**
 * A small HTTP/1.1 server for connections with methods that Node's parser rejects (RPC over HTTP). `received`: the
 * first bytes of the request on which the parser failed.
 */
export async function serveForeignMethods(
  socket: Socket,
  received: Buffer,
  facts: LabHttpConnection,
  frontEnd: FrontEnd,
  reset: () => void,
): Promise<void> {
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
  const connection = createLineConnection(socket, { secure: true, delayMs: () => 0, received });
  while (connection.isOpen()) {
    const request = await readRequest(connection, facts);
    if (request === null) {
      break;
    }
    const result = await frontEnd.handle(request);
    if (result.kind === "abort") {
      reset();
      return;
    }
    const body = Buffer.from(result.body);
    const lines = [
      `HTTP/1.1 ${result.status} ${result.statusText ?? "Answer"}`,
      ...result.headers.map(([name, value]) => `${name}: ${value}`),
      `Date: ${new Date().toUTCString()}`,
      `Content-Length: ${body.length}`,
    ];
    await connection.send(
      Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]),
    );
    if (request.header("connection")?.toLowerCase() === "close") {
      break;
    }
  }
  connection.end();
}

async function readRequest(
  connection: LineConnection,
  facts: LabHttpConnection,
): Promise<LabRequest | null> {
  const start = await connection.readLine();
  const [, method, path, query = ""] =
    /^(\S+) ([^\s?]*)\??(\S*) HTTP\/1\.[01]$/.exec(start ?? "") ?? [];
  const headers = await readHeaders(connection);
  if (method === undefined || path === undefined || headers === null) {
    return null;
  }
  const length = Number(headers.get("content-length") ?? 0);
  // A channel's length is a gigabyte that never comes: only a small body is waited for.
  const body = length <= 16 ? await connection.readBytes(length) : Buffer.alloc(0);
  return {
    method,
    path,
    query,
    header: (name) => headers.get(name) ?? null,
    body: async () => (length > BODY_LIMIT ? null : body),
    connection: facts,
  };
}

async function readHeaders(connection: LineConnection): Promise<Map<string, string> | null> {
  const headers = new Map<string, string>();
  for (let count = 0; count < HEADERS_LIMIT; count++) {
    const line = await connection.readLine();
    if (line === null) {
      return null;
    }
    if (line === "") {
      return headers;
    }
    const [, name = "", value = ""] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    headers.set(name.toLowerCase(), value.trim());
  }
  return null;
}
