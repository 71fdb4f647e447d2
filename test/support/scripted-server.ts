import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { startNobody } from "../../lab/faults/nobody-listens.ts";

/** A real server on a free loopback port that does exactly what a test says. */
export interface ScriptedServer {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Everything received so far, all connections together. */
  readonly received: () => string;
  /** Connections still open. */
  readonly open: () => number;
  close(): Promise<void>;
}

export type Behaviour = (socket: Socket) => unknown;

/** Serves every connection by the behaviour; errors of sockets are expected and dropped. */
export async function serve(
  behaviour: Behaviour,
  tls: TlsOptions | null = null,
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let received = "";
  function onSocket(socket: Socket): void {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    behaviour(socket);
  }
  const server: Server =
    tls === null
      ? createServer(onSocket)
      : createTlsServer(tls, onSocket).on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    received: () => received,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

/** A loopback port on which nobody listens, nor will while this process lives. */
export async function closedPort(): Promise<number> {
  return (await startNobody()).port;
}

/** One exchange of a line conversation: waits for a line that matches, then answers. */
export type Turn = readonly [expected: RegExp, answer: string];

/** Says the greeting, then answers each line by the first turn that matches; unknown lines get `otherwise`. */
export function conversation(greeting: string, turns: readonly Turn[], otherwise = ""): Behaviour {
  return (socket) => {
    let rest = "";
    socket.write(greeting);
    socket.on("data", (data) => {
      rest += data.toString("latin1");
      for (;;) {
        const end = rest.indexOf("\n");
        if (end === -1) {
          return;
        }
        const line = rest.slice(0, end).replace(/\r$/, "");
        rest = rest.slice(end + 1);
        const answer = turns.find(([expected]) => expected.test(line))?.[1] ?? otherwise;
        if (answer !== "") {
          socket.write(answer);
        }
      }
    });
  };
}

/** A relay in front of a server that passes on what the server says one byte at a time. */
export function serveInSingleBytes(port: number): Promise<ScriptedServer> {
  return serve((client) => {
    client.setNoDelay(true);
    const upstream = connect({ host: "127.0.0.1", port });
    let queue = Buffer.alloc(0);
    let busy = false;
    let ended = false;
    client.on("data", (data) => upstream.write(data));
    client.on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
    upstream.on("end", () => {
      ended = true;
      pass();
    });
    upstream.on("data", (data) => {
      queue = Buffer.concat([queue, data]);
      pass();
    });
    function pass(): void {
      if (busy) {
        return;
      }
      if (queue.length > 0) {
        busy = true;
        const byte = queue.subarray(0, 1);
        queue = queue.subarray(1);
        client.write(byte, () =>
          setImmediate(() => {
            busy = false;
            pass();
          }),
        );
      } else if (ended) {
        client.end();
      }
    }
  });
}
