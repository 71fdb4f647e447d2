import { startChild } from "../net/child-process.ts";

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
