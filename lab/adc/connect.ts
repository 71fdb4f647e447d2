import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import type { Estate } from "../../src/model/estate.ts";
import type { Endpoint } from "./address-map.ts";

/** Whether connections under this net profile begin with a PROXY header. */
export function announces(netProfile: string | null, { netProfiles }: Estate): boolean {
  return netProfiles.get(netProfile ?? "")?.proxyProtocol === true;
}

/** Why a connection did not come about. */
export class ConnectFailure extends Error {
  readonly stage: "refused" | "tcp_timeout" | "tls_timeout" | "tls_failed";

  constructor(stage: "refused" | "tcp_timeout" | "tls_timeout" | "tls_failed", cause: string) {
    super(cause);
    this.name = "ConnectFailure";
    this.stage = stage;
  }
}

/**
 * Opens TCP, and TLS over it if a range is given, within `timeoutMs` for both. Like a NetScaler towards its servers: no
 * certificate is checked, and no SNI is sent unless `serverName` is set. `announces`: a PROXY header of version 1 comes
 * first. Throws ConnectFailure.
 */
export async function open(
  endpoint: Endpoint | null,
  options: {
    timeoutMs: number;
    tls: SecureContext | null;
    serverName: string | null;
    announces?: boolean;
  },
): Promise<Socket | TLSSocket> {
  if (endpoint === null) {
    throw new ConnectFailure("refused", "no such address in the lab");
  }
  const deadline = performance.now() + options.timeoutMs;
  const socket = connectTcp({ host: endpoint.host, port: endpoint.port, autoSelectFamily: false });
  // Kept for the socket's whole life: the lab's peers reset on purpose, and an unheard error would end the process.
  socket.on("error", () => undefined);
  socket.setNoDelay(true);
  await settle(socket, "connect", options.timeoutMs, "tcp_timeout", "refused");
  if (options.announces === true) {
    const { localAddress = "", localPort = 0 } = socket;
    const ends = `${localAddress} ${endpoint.host} ${String(localPort)} ${String(endpoint.port)}`;
    socket.write(`PROXY TCP4 ${ends}\r\n`);
  }
  if (options.tls === null) {
    return socket;
  }
  const secure = connectTls({
    socket,
    rejectUnauthorized: false,
    ...(options.serverName === null ? {} : { servername: options.serverName }),
    secureContext: options.tls,
  });
  secure.on("error", () => undefined);
  await settle(secure, "secureConnect", deadline - performance.now(), "tls_timeout", "tls_failed");
  return secure;
}

function settle(
  socket: Socket,
  event: "connect" | "secureConnect",
  timeoutMs: number,
  late: ConnectFailure["stage"],
  failed: ConnectFailure["stage"],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        end(new ConnectFailure(late, "time-out"));
      },
      Math.max(1, timeoutMs),
    );
    const onError = (error: Error): void => {
      end(new ConnectFailure(failed, error.message));
    };
    const onClose = (): void => {
      end(new ConnectFailure(failed, "closed"));
    };
    const onDone = (): void => {
      end(null);
    };
    function end(failure: ConnectFailure | null): void {
      clearTimeout(timer);
      socket.off("error", onError);
      socket.off("close", onClose);
      socket.off(event, onDone);
      if (failure === null) {
        resolve();
      } else {
        socket.destroy();
        reject(failure);
      }
    }
    socket.on("error", onError);
    socket.on("close", onClose);
    socket.on(event, onDone);
  });
}
