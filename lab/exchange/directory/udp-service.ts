import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";

const HOST = "127.0.0.1";

/** A UDP service on 127.0.0.1 that comes back on its port after a stop; stopped, the system answers "unreachable". */
export interface UdpService {
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface UdpServiceOptions {
  /** Null: a free port below the system's range for outgoing traffic. */
  readonly port: number | null;
  /** The answer to a datagram, or null for silence. */
  readonly answer: (datagram: Buffer) => Buffer | null;
  readonly delayMs: () => number;
}

export async function startUdpService(options: UdpServiceOptions): Promise<UdpService> {
  let socket: Socket | null = null;
  const port = options.port ?? (await freePort());

  function receive(
    from: Socket,
    datagram: Buffer,
    client: { address: string; port: number },
  ): void {
    const answer = options.answer(datagram);
    if (answer === null) {
      return;
    }
    const send = (): void => {
      if (socket === from) {
        from.send(answer, client.port, client.address);
      }
    };
    const delayMs = options.delayMs();
    if (delayMs > 0) {
      setTimeout(send, delayMs).unref();
    } else {
      send();
    }
  }

  async function start(): Promise<void> {
    if (socket === null) {
      const bound = await bind(port);
      bound.on("message", (datagram, client) => receive(bound, datagram, client));
      socket = bound;
    }
  }

  await start();
  return {
    port,
    start,
    async stop() {
      const bound = socket;
      socket = null;
      await close(bound);
    },
  };
}

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(20_000, 32_000);
    try {
      await close(await bind(port));
      return port;
    } catch {
      continue;
    }
  }
  throw new Error("No free UDP port between 20000 and 32000.");
}

function bind(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: HOST, port, exclusive: true }, () => {
      socket.removeAllListeners("error").on("error", () => undefined);
      resolve(socket);
    });
  });
}

function close(socket: Socket | null): Promise<void> {
  return socket === null
    ? Promise.resolve()
    : new Promise((resolve) => socket.close(() => resolve()));
}
