import { once } from "node:events";
import { createServer, get, type RequestListener } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/**
 * The port of a web server on loopback that ends with the test; with options of TLS it speaks that. A concurrent test gives
 * `onTestFinished` of its own context.
 */
export async function webServer(
  answer: RequestListener,
  tls: ServerOptions | null = null,
  cleanUp: (work: () => void) => void = onTestFinished,
): Promise<number> {
  const server = tls === null ? createServer(answer) : createTlsServer(tls, answer);
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A body, over a connection of its own. */
export function readText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.on("data", (data: Buffer) => (text += data.toString()));
      response.on("end", () => {
        resolve(text);
      });
    }).on("error", reject);
  });
}
