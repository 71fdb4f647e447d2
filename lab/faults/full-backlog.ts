import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

/** Listens, reports its port, and then blocks its thread, so that no connection is accepted. */
const LISTENER = `
const { createServer } = require("node:net");
const { parentPort } = require("node:worker_threads");
const server = createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
});
`;

/** Longer than any handshake on loopback: a connection that is not open by then was dropped. */
const CONNECT_MS = 250;
const FILLERS = 16;

/**
 * A listener whose backlog is full: Linux drops further SYNs, and connecting ends by the client's own time-out. Other
 * systems may refuse instead.
 */
export async function startFullBacklog(): Promise<{ port: number; close: () => Promise<void> }> {
  const worker = new Worker(LISTENER, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  const fillers: Socket[] = [];
  for (let count = 0; count < FILLERS; count++) {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    fillers.push(socket);
    if (!(await connects(socket))) {
      break;
    }
  }
  return {
    port,
    async close() {
      fillers.forEach((socket) => socket.destroy());
      await worker.terminate();
    },
  };
}

function connects(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), CONNECT_MS);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
