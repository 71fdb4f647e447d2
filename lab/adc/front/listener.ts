import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Endpoint } from "../address-map.ts";

export const LOOPBACK = "127.0.0.1";

/** A listening socket of the lab with the clients it has. */
export interface Front {
  readonly endpoint: Endpoint;
  /** Clients connected now. */
  readonly clients: () => number;
  readonly close: () => Promise<void>;
}

/** Listens on a free loopback port. `serve` owns each socket until it closes. */
export async function listenTcp(serve: (socket: Socket) => void): Promise<Front> {
  const clients = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    clients.add(socket);
    socket.on("close", () => {
      clients.delete(socket);
    });
    // Clients reset as they like; unheard, that would end the process.
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: { host: LOOPBACK, port },
    clients: () => clients.size,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of clients) {
        socket.destroy();
      }
      await closed;
    },
  };
}
