import { styleText } from "node:util";
import { destination, pino, type DestinationStream, type Logger } from "pino";
import { printable, printableLine } from "../lib/printable.ts";
import { startChild } from "../net/child-process.ts";
import { loadConfig } from "../config/load.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { startService } from "./service.ts";

/** The log of `run`, on stderr: JSON lines, or readable ones where a person watches. What could steer a terminal is escaped. */
function createRunLog(level: string, isTerminal: boolean): Logger {
  const stderr = destination(2);
  const write = (line: string): void => {
    stderr.write(isTerminal ? readableLine(line) : printable(line));
  };
  const stream: DestinationStream = { write };
  return pino({ level }, stream);
}

/** What pino adds by itself and a person at a terminal knows. */
const LEFT_OUT = new Set(["level", "time", "pid", "hostname", "msg"]);

/** pino's numbers (pino docs, "Levels"). */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "fatal"],
]);

/** One line of pino's JSON as `14:02:03 warn message key=value …`, in the local zone; what is no JSON stays as it is. */
export function readableLine(line: string): string {
  const fields = parsed(line);
  if (fields === null) {
    return printable(line);
  }
  const { level, time, msg } = fields;
  const at = typeof time === "number" ? new Date(time).toTimeString().slice(0, 8) : "";
  const rest = Object.entries(fields)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(
      ([key, value]) =>
        `${key}=${typeof value === "string" ? quoted(value) : JSON.stringify(value)}`,
    );
  const name = LEVELS.get(level) ?? "";
  const words = [at, coloured(name), printableLine(String(msg)), printableLine(rest.join(" "))];
  return `${words.filter((word) => word !== "").join(" ")}\n`;
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    // JSON.parse has no other way to say no.
    return null;
  }
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function coloured(level: string): string {
  switch (level) {
    case "warn":
      return styleText("yellow", level);
    case "error":
    case "fatal":
      return styleText("red", level);
    default:
      return level;
  }
}

/** Number of notifications per watchdog interval: two as sd_watchdog_enabled(3) advises, and one for a slow machine. */
const BEATS = 3;
const NOTIFY_WITHIN_MS = 5_000;

export interface WatchdogOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** For how long the scheduler has done nothing, in milliseconds. */
  readonly idleMs: () => number;
  /** Told once when a beat cannot be sent. */
  readonly failed: (why: string) => void;
}

/** How long systemd waits for a beat of this process (`WatchdogSec`), in milliseconds; null where it asks for none. */
export function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | null {
  const { NOTIFY_SOCKET, WATCHDOG_USEC = "", WATCHDOG_PID } = env;
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
  const ms = /^\d{1,15}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1_000 : 0;
  return NOTIFY_SOCKET !== undefined && NOTIFY_SOCKET !== "" && isOurs && ms > 0 ? ms : null;
}

/**
 * Tells systemd that the agent lives, for as long as its scheduler does: a process whose event loop is held, or whose
 * schedule has stopped, sends no heartbeat and is restarted. Node.js opens no Unix datagram socket, so systemd's own
 * program sends each beat; the unit must have `NotifyAccess=all`. Tells how to end it; null where nothing is asked for.
 */
export function startWatchdog(options: WatchdogOptions): (() => void) | null {
  const waitMs = watchdogMs(options.env, options.pid);
  if (waitMs === null) {
    return null;
  }
  let hasFailed = false;
  const fail = (why: string): void => {
    if (!hasFailed) {
      hasFailed = true;
      options.failed(why);
    }
  };
  const beat = (): void => {
    if (options.idleMs() < waitMs / 2) {
      notify(options.env, fail);
    }
  };
  beat();
  const timer = setInterval(beat, Math.max(1, waitMs / BEATS));
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

function notify(env: WatchdogOptions["env"], failed: (why: string) => void): void {
  const nothing = (): void => undefined;
  const end = startChild(
    ["systemd-notify", "WATCHDOG=1"],
    { PATH: env["PATH"] ?? "", NOTIFY_SOCKET: env["NOTIFY_SOCKET"] ?? "" },
    {
      stdout: nothing,
      stderr: nothing,
      ended: (ending) => {
        clearTimeout(timer);
        if (ending.kind === "broken") {
          failed(ending.why);
        } else if (ending.code !== 0) {
          failed(`systemd-notify ended with ${String(ending.code)}`);
        }
      },
    },
  );
  const timer = setTimeout(end, NOTIFY_WITHIN_MS);
  timer.unref();
}

/** Why a command that runs until it is ended has ended. */
export type Ending =
  | { readonly kind: "asked" }
  /** A mistake of our own that nothing caught. */
  | { readonly kind: "broken"; readonly error: unknown };

/** Signals of one command, listened to from the moment this is made. */
export interface Signals {
  /**
   * Resolves at the first SIGTERM or SIGINT (SIGHUP where nothing is reloaded), or at an exception that nothing caught, so that sessions are logged out on
   * that path too; a second signal ends the process at once.
   */
  readonly ended: Promise<Ending>;
  /** What SIGHUP does from now on; one that came before is made up for at once. */
  readonly onHangup: (reload: () => void) => void;
  readonly close: () => void;
}

/**
 * Listens before anything is started, so that a signal during the start still ends in an orderly way. SIGHUP, which a
 * terminal sends when it is closed, ends a command that does not reload at it.
 */
export function listenForSignals({ reloads = false } = {}): Signals {
  let resolveEnded: (ending: Ending) => void = () => undefined;
  let reload: (() => void) | null = null;
  let isAsked = false;
  const signals: Signals = {
    ended: new Promise<Ending>((resolve) => {
      resolveEnded = resolve;
    }),
    onHangup: (does) => {
      reload = does;
      if (isAsked) {
        does();
      }
    },
    close: () => {
      process.off("SIGHUP", hangup);
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
      process.off("uncaughtException", breakOff);
    },
  };
  function hangup(): void {
    if (!reloads) {
      end();
    }
    isAsked = true;
    reload?.();
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
  const config = await readConfig(file, output, { withWarnings: true });
  if (config === null) {
    return 1;
  }
  const signals = listenForSignals({ reloads: true });
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
  signals.onHangup(() => void service.reload());
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
