import type { Target } from "./probe-context.ts";
import { socketError, exchangeError, type ExchangeError } from "./exchange-error.ts";
import { resolveTarget, type DialFailure } from "./dial.ts";
import type { ProbeRun } from "./probe-run.ts";

export interface Datagram {
  readonly kind: "datagram";
  readonly data: Buffer;
}

export interface UdpRequest {
  readonly payload: Buffer;
  /** Which datagram ends the wait; default: the first. Others are ignored as stray or forged. */
  readonly accept?: (data: Buffer) => boolean;
  /** Text for the transcript instead of the raw payload. */
  readonly shown?: string;
}

/**
 * Sends one datagram over a connected socket, so that only replies of the target are received and ICMP port-unreachable becomes
 * `refused`. Waits for an accepted reply until the run's deadline (`timeout`).
 */
export async function askUdp(
  run: ProbeRun,
  target: Target,
  question: UdpRequest,
): Promise<Datagram | ExchangeError | DialFailure> {
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
    const socket = network.sockets.udp(family);
    let settled = false;
    const resource = {
      interrupt: settle,
      release(): void {
        settle({ kind: "aborted" });
      },
    };
    run.track(resource);
    socket.on("error", (error: NodeJS.ErrnoException) => settle(socketError(error)));
    socket.on("message", (data) => {
      run.called();
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
      settle(exchangeError("fault", "not_configured", String(error)));
    }

    function connectAndSend(): void {
      socket.connect(port, address, () => {
        if (settled) {
          return;
        }
        run.transcript.sent(question.shown ?? question.payload);
        socket.send(question.payload, (error) => {
          if (error !== null) {
            settle(socketError(error));
          }
        });
      });
    }
    function settle(result: Datagram | ExchangeError): void {
      if (settled) {
        return;
      }
      settled = true;
      run.untrack(resource);
      socket.close();
      resolve(result);
    }
  });
}
