import type { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import Pop3Command from "node-pop3";
import { namedBreak, protocolBreak } from "../../net/break.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import type { ClientSocketOptions } from "./client-tls.ts";
import {
  breakOfLibraryError,
  LibraryGuard,
  type Guarded,
  MOST_LINES,
  PIECE_LINES,
} from "./library-guard.ts";
import { pop3ErrorReason } from "./pop3-greeting.ts";

export interface Pop3ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
  readonly servername: string;
  readonly tlsOptions: ClientSocketOptions;
}

export interface GuardedPop3 {
  /** Connects, USER, PASS. `error` is the server's `-ERR`. */
  logIn(): Promise<Guarded<unknown>>;
  stat(): Promise<Guarded<string>>;
  quit(): Promise<void>;
}

/** Longest status line (RFC 2449 section 4 allows 512). */
const MAX_LINE_BYTES = 8 * 1024;
const NEWLINE = 10;

/**
 * node-pop3 inside a run. By itself it dies of an `-ERR` greeting (an `error` event that nobody hears), waits for ever
 * when the peer closes, resets or falls silent after a command, and takes every packet for one whole answer: here every
 * event ends the waiting, the run's deadline does, and it is fed whole lines.
 */
export function guardedPop3(run: ProbeRun, options: Pop3ClientOptions): GuardedPop3 {
  const { tls, servername, ...rest } = options;
  // Its type names the options of a server, but it hands them to `tls.connect`, where a later key wins.
  const tlsOptions = { ...options.tlsOptions, servername } as unknown as TlsOptions;
  const client = new Pop3Command({ ...rest, tls, tlsOptions });
  const guard = new LibraryGuard(
    run,
    () => client._socket?.destroy(),
    () => client._socket?.bytesRead ?? 0,
  );
  client.on("error", (error: Error) => {
    // A refusal instead of the greeting: no command waits for it.
    if (client._command === "") {
      guard.fail(namedBreak("mismatch", pop3ErrorReason(error.message), error.message));
    }
  });
  client.on("warn", (error: Error & { eventName?: string }) => {
    guard.fail(
      error.eventName === "end" || error.eventName === "close"
        ? { kind: "closed", midway: true }
        : breakOfLibraryError(error),
    );
  });
  return {
    logIn: () =>
      guard.wait(() => {
        const connecting = client._connect();
        if (client._socket !== null) {
          feedWholeLines(client._socket, (what) => guard.fail(protocolBreak(what)));
        }
        return connecting;
      }),
    stat: () => guard.wait(() => client.STAT()),
    quit: () => guard.leave(() => client.QUIT()),
  };
}

/**
 * Stands between the socket and those who listen to it: they hear of a line when it is whole, and of a few in one turn of
 * the event loop. (An empty line costs node-pop3 10 µs, and 64 KB of them come at a time.)
 */
function feedWholeLines(socket: Socket, tooMuch: (what: string) => void): void {
  const listeners = socket.listeners("data");
  socket.removeAllListeners("data");
  let rest: Buffer = Buffer.alloc(0);
  let lines = 0;

  function stop(what: string): void {
    socket.destroy();
    tooMuch(what);
  }

  function feed(): void {
    for (let fed = 0; !socket.destroyed; fed++) {
      const end = rest.indexOf(NEWLINE);
      if (end === -1) {
        socket.resume();
        break;
      }
      if (fed === PIECE_LINES) {
        socket.pause();
        setImmediate(feed);
        return;
      }
      const line = rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
      lines += 1;
      for (const listener of listeners) {
        listener.call(socket, line);
      }
      if (lines > MOST_LINES) {
        stop(`more than ${MOST_LINES} lines`);
      }
    }
    if (rest.length > MAX_LINE_BYTES) {
      stop(`a line of more than ${MAX_LINE_BYTES} bytes`);
    }
  }

  socket.on("data", (data) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    feed();
  });
}
