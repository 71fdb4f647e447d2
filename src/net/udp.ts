import type { Target } from "./probe-context.ts";
import { breakOfSocketError, namedBreak, type Break } from "./break.ts";
import { resolveTarget, type DialFailure } from "./dial.ts";
import type { ProbeRun } from "./probe-run.ts";
import { SYSTEM_SOCKETS } from "./sockets.ts";

export interface Datagram {
  readonly kind: "datagram";
  readonly data: Buffer;
}

export interface UdpQuestion {
  readonly payload: Buffer;
  /** Which answer ends the wait; default: the first. Others are passed over (stray or forged datagrams). */
  readonly accept?: (data: Buffer) => boolean;
  /** Text for the transcript instead of the raw payload. */
  readonly shown?: string;
}

/**
 * Sends one datagram over a connected socket, so that only the target's answers count and its ICMP port-unreachable
 * shows as `refused`. Waits for an accepted answer until the run's time is over (`timeout`).
 */
export async function askUdp(
  run: ProbeRun,
  target: Target,
  question: UdpQuestion,
): Promise<Datagram | Break | DialFailure> {
  const resolved = await resolveTarget(run, target, "udp");
  if (resolved.kind === "failed") {
    return resolved;
  }
  if (run.interrupted !== null) {
    return run.interrupted;
  }
  const { address, port, family } = resolved;
  return new Promise((resolve) => {
    const { localAddress, network } = run.context;
    const socket = (network.sockets ?? SYSTEM_SOCKETS).udp(family);
    let settled = false;
    const resource = {
      interrupt: settle,
      release(): void {
        settle({ kind: "aborted" });
      },
    };
    run.hold(resource);
    socket.on("error", (error: NodeJS.ErrnoException) => settle(breakOfSocketError(error)));
    socket.on("message", (data) => {
      run.transcript.received(data);
      if (question.accept?.(data) ?? true) {
        settle({ kind: "datagram", data });
      }
    });
    try {
      if (localAddress === null) {
        connectAndSend();
      } else {
        socket.bind({ address: localAddress, port: 0 }, connectAndSend);
      }
    } catch (error) {
      settle(namedBreak("fault", "not_configured", String(error)));
    }

    function connectAndSend(): void {
      socket.connect(port, address, () => {
        if (settled) {
          return;
        }
        run.transcript.sent(question.shown ?? question.payload);
        socket.send(question.payload, (error) => {
          if (error !== null) {
            settle(breakOfSocketError(error));
          }
        });
      });
    }
    function settle(result: Datagram | Break): void {
      if (settled) {
        return;
      }
      settled = true;
      run.drop(resource);
      socket.close();
      resolve(result);
    }
  });
}
