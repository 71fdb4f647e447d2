import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemSockets } from "../../../src/net/network.ts";
import { piecesOf, readScript, type Echo } from "./script.ts";
import type { FuzzServer } from "./server.ts";
import { resetSocket } from "../../../src/net/reset-socket.ts";

/**
 * The same over real sockets: much slower, but it also covers behaviour of real sockets that the ones in memory do not
 * have.
 */

export async function serveTcp(echo: Echo): Promise<FuzzServer> {
  let script = readScript(Buffer.alloc(0));
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const { answers, ending, pieceBytes } = script;
    let next = 0;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    const answer = (asked: Buffer): void => {
      const words = answers[next];
      next += 1;
      for (const piece of words === undefined ? [] : piecesOf(echo(asked, words), pieceBytes)) {
        socket.write(piece);
      }
      if (next >= answers.length && ending !== "silent") {
        if (ending === "reset") {
          resetSocket(socket);
        } else {
          socket.end();
        }
      }
    };
    answer(Buffer.alloc(0));
    socket.on("data", answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const hangUp = (): Promise<void> => {
    for (const socket of sockets) {
      socket.destroy();
    }
    return Promise.resolve();
  };
  return {
    port: (server.address() as AddressInfo).port,
    sockets: systemSockets(),
    say: (words) => {
      script = words;
    },
    hangUp,
    close: async () => {
      await hangUp();
      server.close();
      await once(server, "close");
    },
  };
}

export async function serveUdp(echo: Echo): Promise<FuzzServer> {
  let script = readScript(Buffer.alloc(0));
  const socket = createSocket("udp4");
  socket.on("message", (asked, from) => {
    for (const words of script.answers) {
      socket.send(echo(asked, words), from.port, from.address);
    }
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    port: socket.address().port,
    sockets: systemSockets(),
    say: (words) => {
      script = words;
    },
    hangUp: () => Promise.resolve(),
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}
