import { connect } from "node:net";
import type { Network } from "./network.ts";
import { LoopWatch } from "./loop-watch.ts";

/** So often the targets are asked when each time our own event loop was held meanwhile. */
const MOST_TRIES = 3;

/**
 * Whether this agent can reach anything at all: it is cut off when none of its control targets completes a TCP
 * handshake. Without control targets it never claims to be. One target that answers is enough, so they are all asked at once.
 * Silence that a hold of our own explains as well is none: they are asked again.
 */
export async function isCutOff(
  controlTargets: readonly { readonly host: string; readonly port: number }[],
  network: Network,
  timeoutMs: number,
): Promise<boolean> {
  if (controlTargets.length === 0) {
    return false;
  }
  const loop = network.loop ?? new LoopWatch();
  for (let tries = 1; ; tries++) {
    const heldBeforeMs = loop.enter();
    const answers = await Promise.all(
      controlTargets.map(({ host, port }) => answersAt(host, port, network, timeoutMs)),
    );
    const wasHeld = loop.heldMs() > heldBeforeMs;
    loop.leave();
    if (answers.includes(true)) {
      return false;
    }
    if (!wasHeld || tries === MOST_TRIES) {
      return true;
    }
  }
}

async function answersAt(
  host: string,
  port: number,
  network: Network,
  timeoutMs: number,
): Promise<boolean> {
  const resolution = await network.resolve(host, port, "tcp");
  if (resolution.kind !== "address") {
    return false;
  }
  return new Promise<boolean>((resolve) => {
    const socket = connect({
      host: resolution.address,
      port: resolution.port,
      autoSelectFamily: false,
    });
    const finish = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => {
      // After a hold of our own the handshake may be done and unread: sockets have their turn first.
      setImmediate(finish, false);
    }, timeoutMs);
    socket.once("connect", () => {
      finish(true);
    });
    socket.once("error", () => {
      finish(false);
    });
  });
}
