import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer, type Server } from "node:net";

/**
 * Ports below every system's range for outgoing connections, so that no client on the machine uses one while its
 * listener is stopped.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 200;

const HOST = "127.0.0.1";

/** A TCP port of 127.0.0.1 that stays reserved while no server listens on it. */
export interface StablePort {
  readonly port: number;
  /** Binds and listens; rejects when a stranger has the port. */
  listen(server: Server): Promise<void>;
  release(): Promise<void>;
}

/**
 * Finds a free port and reserves it until `release`. The token is the UDP port of the same number: it is exclusive
 * among all labs on the machine and does not respond to TCP, so connections to a stopped listener are refused as with a
 * stopped service. With `freeUdp` the token is released immediately, for a service that uses UDP too.
 */
export async function reservePort(freeUdp: boolean): Promise<StablePort> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    const release = await holdUdp(port);
    if (release === null) {
      continue;
    }
    if (await isFree(port)) {
      if (freeUdp) {
        await release();
        return { port, listen: (server) => listen(server, port), release: () => Promise.resolve() };
      }
      return { port, listen: (server) => listen(server, port), release };
    }
    await release();
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${LAST_PORT}.`);
}

function holdUdp(port: number): Promise<(() => Promise<void>) | null> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close(() => resolve(null));
    });
    socket.bind({ address: HOST, port, exclusive: true }, () => {
      socket.removeAllListeners("error").on("error", () => undefined);
      resolve(() => new Promise((done) => socket.close(() => done())));
    });
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await listen(server, port);
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: HOST, port, exclusive: true }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
