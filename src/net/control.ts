import { connect } from "node:net";
import type { Network } from "./network.ts";

/** Maximum number of attempts while each one coincides with an event-loop stall. */
const MAX_TRIES = 3;

/**
 * Whether the agent is cut off: no control target completes a TCP handshake. All targets are dialled at once, and one success
 * is enough. Without control targets it is never cut off. A timeout during an event-loop stall is retried.
 */
export async function isCutOff(
  controlTargets: readonly { readonly host: string; readonly port: number }[],
  network: Network,
  timeoutMs: number,
): Promise<boolean> {
  if (controlTargets.length === 0) {
    return false;
  }
  const loop = network.loop;
  for (let tries = 1; ; tries++) {
    const heldBeforeMs = loop.enter();
    const answers = await Promise.all(
      controlTargets.map(({ host, port }) => answersAt(host, port, network, timeoutMs)),
    );
    const wasHeld = loop.stalledMs() > heldBeforeMs;
    loop.leave();
    if (answers.includes(true)) {
      return false;
    }
    if (!wasHeld || tries === MAX_TRIES) {
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
  const resolution = await network.resolve(host, port, "tcp", "operator");
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
      // After a stall the handshake may be complete but unprocessed: let socket events run first.
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
