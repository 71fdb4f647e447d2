import { styleText } from "node:util";
import { destination, pino, type DestinationStream, type Logger } from "pino";
import { printable, printableLine } from "../lib/printable.ts";
import { startChild } from "../net/child-process.ts";
import { loadConfig } from "../config/load.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { startService } from "./service.ts";

/** The log of `run` on stderr: JSON lines, or readable lines at a terminal. Control characters are escaped. */
function createRunLog(level: string, isTerminal: boolean): Logger {
  const stderr = destination(2);
  const write = (line: string): void => {
    stderr.write(isTerminal ? readableLine(line) : printable(line));
  };
  const stream: DestinationStream = { write };
  return pino({ level }, stream);
}

/** Fields that pino adds and that are not shown at a terminal. */
const OMITTED_FIELDS = new Set(["level", "time", "pid", "hostname", "msg"]);

/** pino's numbers (pino docs, "Levels"). */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "fatal"],
]);

/** Formats a line of pino's JSON as `14:02:03 warn message key=value …`, in the local zone; other text is unchanged. */
export function readableLine(line: string): string {
  const fields = parsed(line);
  if (fields === null) {
    return printable(line);
  }
  const { level, time, msg } = fields;
  const at = typeof time === "number" ? new Date(time).toTimeString().slice(0, 8) : "";
  const rest = Object.entries(fields)
    .filter(([key]) => !OMITTED_FIELDS.has(key))
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
    // Not JSON.
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
const NOTIFICATIONS_PER_PERIOD = 3;
const NOTIFY_WITHIN_MS = 5_000;

export interface WatchdogOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Time since the scheduler was last active, in milliseconds. */
  readonly idleMs: () => number;
  /** Called once if a notification cannot be sent. */
  readonly failed: (why: string) => void;
}

/** systemd's watchdog interval for this process (`WatchdogSec`), in milliseconds; null if disabled. */
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
 * Sends systemd watchdog notifications while the scheduler is active. If the event loop or the schedule hangs, systemd restarts
 * the process. Node.js has no Unix datagram sockets, so `systemd-notify` sends them; the unit needs `NotifyAccess=all`. Returns
 * the stop function; null if the watchdog is disabled.
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
  const timer = setInterval(beat, Math.max(1, waitMs / NOTIFICATIONS_PER_PERIOD));
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

/** Why a long-running command ended. */
export type Ending =
  | { readonly kind: "asked" }
  /** An uncaught exception. */
  | { readonly kind: "broken"; readonly error: unknown };

/** Signal handling of one command. */
export interface Signals {
  /**
   * Resolves at the first SIGTERM or SIGINT (SIGHUP without reload), or at an uncaught exception, so that sessions are always
   * logged out. A second signal ends the process at once.
   */
  readonly ended: Promise<Ending>;
  /** Sets the SIGHUP handler; an earlier SIGHUP is handled at once. */
  readonly onHangup: (reload: () => void) => void;
  readonly close: () => void;
}

/**
 * Installs signal handlers before anything is started, so that a signal during startup is handled gracefully. SIGHUP (also sent
 * when a terminal closes) ends a command that does not reload.
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

/** Runs a command's work. SIGTERM and SIGINT abort its signal, so that it can log out. Rejects with an uncaught exception. */
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

/** Maximum shutdown time: service managers may kill after ten seconds, and an ADC expires sessions itself. */
const END_WITHIN_MS = 4_000;

/**
 * `run`: runs the agent until SIGTERM or SIGINT. Exit status 0 after the NITRO logout, or its timeout; 1 if it could not start
 * or ended because of a bug.
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
  // An ADC that hangs may delay startup beyond systemd's interval, so until then only the event loop is watched.
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
  idleMs = () => agent.run.idleMs;
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
  // Not cleared, to also end sockets and threads that hang after the stop.
  setTimeout(() => {
    log.warn({ afterMs: END_WITHIN_MS }, "shutdown timed out before all NITRO logouts finished");
    process.exit(status);
  }, END_WITHIN_MS).unref();
  await service.stop();
  endWatchdog?.();
  signals.close();
  return status;
}
