import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { labCertificate } from "../lab/certificates/lab-certificate.ts";
import { BANNER, BODY, type Protocol } from "./protocols.ts";

/** The servers that all contenders probe, in a process of their own, whose cost counts for no contender. */
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${String(BODY.length)}\r\nConnection: close\r\n\r\n${BODY}`;
const BACKLOG = 4096;

function greet(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.write(BANNER);
  socket.resume();
}

function answer(socket: Socket): void {
  socket.on("error", () => undefined);
  let seen = "";
  socket.on("data", (data) => {
    seen += data.toString("latin1");
    if (seen.includes("\r\n\r\n")) {
      socket.end(ANSWER);
    }
  });
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0, backlog: BACKLOG }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

const { certificate: cert, key } = labCertificate("mail");
const ports: Record<Protocol, number> = {
  tcp: await listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    }),
  ),
  tcp_ecv: await listen(createServer(greet)),
  http_ecv: await listen(createServer(answer)),
  // Exchange's own versions; one version for all, so that every contender makes the same handshake. No session is resumed.
  https_ecv: await listen(
    createTlsServer(
      { cert, key, minVersion: "TLSv1.2", maxVersion: "TLSv1.2", ticketKeys: Buffer.alloc(48, 1) },
      answer,
    ).on("tlsClientError", () => undefined),
  ),
};
process.send?.(ports);
process.once("disconnect", () => {
  process.exit();
});
