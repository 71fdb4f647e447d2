import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { labCertificate } from "../../../../lab/certificates/lab-certificate.ts";

/** A real web server that says who it is, what it was asked, and on which of its connections. */
export interface WebBackEnd {
  readonly port: number;
  /** The requests so far: method and URL. */
  readonly requests: readonly string[];
  /** Replaces the health page's answer: null aborts the connection without a byte. */
  setHealth(status: number | null): void;
  close(): Promise<void>;
}

export async function startWebBackEnd(
  name: string,
  options: { tls?: boolean } = {},
): Promise<WebBackEnd> {
  const requests: string[] = [];
  const connections = new Map<unknown, number>();
  let health: number | null = 200;
  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? "";
    if (url.endsWith("/healthcheck.htm")) {
      if (health === null) {
        request.socket.destroy();
      } else {
        response.writeHead(health).end(`200 OK<br/>${name}.lab.example.com`);
      }
      return;
    }
    requests.push(`${request.method ?? ""} ${url}`);
    const connection = connections.get(request.socket) ?? connections.size + 1;
    connections.set(request.socket, connection);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      response.setHeader("X-FEServer", name);
      response.end(
        JSON.stringify({
          server: name,
          url,
          connection,
          authorization: request.headers.authorization ?? null,
          bodyLength: body.length,
          body: body.length < 2000 ? body.toString() : null,
        }),
      );
    });
  }
  const server =
    options.tls === true
      ? createTlsServer(
          { key: labCertificate("mail").key, cert: labCertificate("mail").certificate },
          onRequest,
        )
      : createServer(onRequest);
  server.on("clientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    setHealth: (status) => {
      health = status;
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What a web back end answers. */
export interface WebAnswer {
  readonly server: string;
  readonly url: string;
  readonly connection: number;
  readonly authorization: string | null;
  readonly bodyLength: number;
  readonly body: string | null;
}
