import { loadConfig } from "../config/load.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { createRunLog } from "./run-log.ts";
import { startService } from "./service.ts";
import { startWatchdog } from "./watchdog.ts";

/** Why a command that runs until it is ended has ended. */
export type Ending =
  | { readonly kind: "asked" }
  /** A mistake of our own that nothing caught. */
  | { readonly kind: "broken"; readonly error: unknown };

/** Signals of one command, listened to from the moment this is made. */
export interface Signals {
  /**
   * Resolves at the first SIGTERM or SIGINT, or at an exception that nothing caught, so that sessions are logged out on
   * that path too; a second signal ends the process at once.
   */
  readonly ended: Promise<Ending>;
  /** What SIGHUP does; nothing before it is set. */
  onHangup: () => void;
  readonly close: () => void;
}

/** Listens before anything is started, so that a signal during the start still ends in an orderly way. */
export function listenForSignals(): Signals {
  let resolveEnded: (ending: Ending) => void = () => undefined;
  const signals: Signals = {
    ended: new Promise<Ending>((resolve) => {
      resolveEnded = resolve;
    }),
    onHangup: () => undefined,
    close: () => {
      process.off("SIGHUP", hangup);
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
      process.off("uncaughtException", breakOff);
    },
  };
  function hangup(): void {
    signals.onHangup();
  }
  function end(): void {
    process.off("SIGTERM", end);
    process.off("SIGINT", end);
    resolveEnded({ kind: "asked" });
  }
  function breakOff(error: unknown): void {
    resolveEnded({ kind: "broken", error });
  }
  process.on("SIGHUP", hangup);
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("uncaughtException", breakOff);
  return signals;
}

/**
 * Runs a command's work: SIGTERM and SIGINT abort the signal it is given instead of the process, so that it can log out.
 * Rejects with an exception that nothing caught meanwhile.
 */
export async function untilInterrupted<T>(
  work: (interrupted: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  const signals = listenForSignals();
  const ended = signals.ended.then((ending) => {
    interrupted.abort();
    return ending;
  });
  try {
    const done = await work(interrupted.signal);
    if (interrupted.signal.aborted) {
      const ending = await ended;
      if (ending.kind === "broken") {
        throw ending.error;
      }
    }
    return done;
  } finally {
    signals.close();
  }
}

/** Service managers kill after ten seconds or less; an ADC forgets a session by itself. */
const END_WITHIN_MS = 4_000;

/**
 * `run`: the agent, until SIGTERM or SIGINT. 0 after it logged out of NITRO, or gave an ADC that hangs its time to take the
 * logout; 1 when it could not start, or when it ended because of a mistake of its own.
 */
export async function runAgent(
  file: string,
  options: { readonly listen: readonly string[] | null; readonly logLevel: string | null },
  output: Output,
): Promise<number> {
  const config = await readConfig(file, output, { ofPermissions: true });
  if (config === null) {
    return 1;
  }
  const signals = listenForSignals();
  const log = createRunLog(options.logLevel ?? config.log.level, process.stderr.isTTY);
  // An ADC that hangs may delay the start for longer than systemd waits: until then a turning event loop is enough.
  let idleMs = (): number => 0;
  const endWatchdog = startWatchdog({
    env: process.env,
    pid: process.pid,
    idleMs: () => idleMs(),
    failed: (why) => {
      log.error({ why }, "cannot notify systemd's watchdog, systemd will restart the agent");
    },
  });
  const service = await startService({
    config,
    listen: options.listen,
    log,
    reread: () => loadConfig(file, process.env),
    ended: signals.ended,
  });
  if (service.kind === "failed") {
    endWatchdog?.();
    signals.close();
    output.err(`${service.message}\n`);
    return 1;
  }
  const { agent } = service;
  idleMs = () => agent.generation.idleMs;
  log.info({ addresses: service.addresses }, "serving");
  signals.onHangup = () => {
    void service.reload();
  };
  const ending = await signals.ended;
  if (ending.kind === "broken") {
    const { error } = ending;
    log.error(
      { error: error instanceof Error ? error.stack : String(error) },
      "fatal error, exiting",
    );
  }
  const status = ending.kind === "asked" ? 0 : 1;
  // Not cleared: sockets and threads that hang after the stop are ended as well.
  setTimeout(() => {
    log.warn({ afterMs: END_WITHIN_MS }, "shutdown timed out before all NITRO logouts finished");
    process.exit(status);
  }, END_WITHIN_MS).unref();
  await service.stop();
  endWatchdog?.();
  signals.close();
  return status;
}
