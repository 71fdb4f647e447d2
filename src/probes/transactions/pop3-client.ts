import type { TlsOptions } from "node:tls";

import Pop3Command from "node-pop3";

import { namedBreak } from "../wire/break.ts";
import type { ProbeRun } from "../wire/probe-run.ts";
import type { ClientSocketOptions } from "./client-tls.ts";
import { breakOfLibraryError, LibraryGuard, type Guarded } from "./library-guard.ts";
import { pop3ErrorReason } from "./pop3-dialogue.ts";

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

/** How long the server may take to say goodbye, in milliseconds. */
const QUIT_MS = 500;

/**
 * node-pop3 inside a run. By itself it dies of an `-ERR` greeting (an `error` event that nobody hears) and waits for ever
 * when the peer closes, resets or falls silent after a command: here every event ends the waiting, and the run's deadline
 * does.
 */
export function guardedPop3(run: ProbeRun, options: Pop3ClientOptions): GuardedPop3 {
  const { tls, servername, ...rest } = options;
  // Its type names the options of a server, but it hands them to `tls.connect`, where a later key wins.
  const tlsOptions = { ...options.tlsOptions, servername } as unknown as TlsOptions;
  const client = new Pop3Command({ ...rest, tls, tlsOptions });
  const guard = new LibraryGuard(run, () => client._socket?.destroy());
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
    logIn: () => guard.wait(() => client._connect()),
    stat: () => guard.wait(() => client.STAT()),
    async quit() {
      const timer = setTimeout(() => guard.fail({ kind: "timeout" }), QUIT_MS);
      await guard.wait(() => client.QUIT());
      clearTimeout(timer);
      guard.close();
    },
  };
}
