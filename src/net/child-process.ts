import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { exchangeError, type ExchangeError } from "./exchange-error.ts";
import type { RunScope, RunResource } from "./transcript.ts";

/** The agent's environment variables that child processes inherit; none can contain a secret. */
const INHERITED_VARIABLES = ["PATH", "LANG", "LC_ALL", "TZ"];
/** Windows needs these to find its libraries and programs by name. */
const INHERITED_VARIABLES_WINDOWS = ["SystemRoot", "PATHEXT", "TEMP", "TMP"];
/** Maximum time that output pipes may stay open after the program has exited. */
const LAST_OUTPUT_MS = 200;

export interface ChildListener {
  readonly stdout: (data: Buffer) => void;
  readonly stderr: (data: Buffer) => void;
  /** Called once, after the whole process group has ended. */
  readonly ended: (ending: ChildEnding) => void;
}

export type ChildEnding =
  | { readonly kind: "exit"; readonly code: number }
  /** Killed by a signal or not started: the signal's name or the error code. */
  | { readonly kind: "broken"; readonly why: string };

/**
 * Starts a program without a shell, with a clean environment plus `environment`, in its own process group. The returned
 * function kills the group; processes left over when the program exits are killed too. A process that leaves the group is not
 * killed. On Windows, which has no such groups, only the program itself is killed. Never throws.
 */
export function startChild(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  listener: ChildListener,
): () => void {
  const [program = "", ...args] = command;
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
      env: { ...cleanEnvironment(process.env, process.platform), ...environment },
    });
  } catch (error) {
    // Node throws when the system refuses at once (no descriptors, no memory) and for arguments with a NUL.
    const why = codeOf(error);
    queueMicrotask(() => {
      listener.ended({ kind: "broken", why });
    });
    return () => undefined;
  }
  let ending: ChildEnding | null = null;
  let over = false;
  const end = (): void => {
    if (over) {
      return;
    }
    over = true;
    listener.ended(ending ?? { kind: "broken", why: "ended" });
  };
  child.stdout?.on("data", listener.stdout);
  child.stderr?.on("data", listener.stderr);
  child.on("error", (error) => {
    ending ??= { kind: "broken", why: codeOf(error) };
    // A missing program emits `error` but no `close`.
    if (child.pid === undefined) {
      end();
    }
  });
  child.on("exit", (code, signal) => {
    ending ??= code === null ? { kind: "broken", why: String(signal) } : { kind: "exit", code };
    killGroup(child);
    // A process that left the group may keep the pipes open indefinitely.
    setTimeout(() => {
      close(child.stdout);
      close(child.stderr);
    }, LAST_OUTPUT_MS).unref();
  });
  child.on("close", end);
  return () => {
    if (ending === null) {
      killGroup(child);
    }
  };
}

/** The part of the environment that child processes inherit. */
export function cleanEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const names =
    platform === "win32"
      ? [...INHERITED_VARIABLES, ...INHERITED_VARIABLES_WINDOWS]
      : INHERITED_VARIABLES;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) {
    return;
  }
  if (process.platform === "win32") {
    child.kill("SIGKILL");
    return;
  }
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // ESRCH: the group has already ended.
  }
}

function close(stream: Readable | null): void {
  if (stream !== null && !stream.readableEnded) {
    stream.destroy();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

export interface CommandExit {
  readonly kind: "exit";
  readonly code: number;
  /** Combined stdout and stderr. */
  readonly output: string;
}

export interface CommandOptions {
  readonly mostOutputBytes: number;
  /** Variables in addition to PATH, LANG, LC_ALL and TZ of the agent's environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a program without a shell until the run's deadline, then kills its process group. It is an agent fault if the program
 * cannot be started, is killed by a signal, or writes too much.
 */
export function runCommand(
  run: RunScope,
  command: readonly string[],
  { mostOutputBytes, environment }: CommandOptions,
): Promise<CommandExit | ExchangeError> {
  if (run.interrupted !== null) {
    return Promise.resolve(run.interrupted);
  }
  return new Promise((resolve) => {
    const fault = (why: string): ExchangeError =>
      exchangeError("fault", "agent_fault", `${command[0] ?? ""}: ${why}`);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let outputBytes = 0;
    const collect = (stream: Buffer[], data: Buffer): void => {
      outputBytes += data.length;
      if (outputBytes > mostOutputBytes) {
        kill();
        resolve(fault(`wrote more than ${String(mostOutputBytes)} bytes`));
      } else {
        stream.push(data);
      }
    };
    const kill = startChild(command, environment, {
      stdout: (data) => {
        collect(output.stdout, data);
      },
      stderr: (data) => {
        collect(output.stderr, data);
      },
      ended: (ending) => {
        run.untrack(resource);
        const texts = [output.stdout, output.stderr].map((one) =>
          Buffer.concat(one).toString("utf8"),
        );
        resolve(
          ending.kind === "exit"
            ? { kind: "exit", code: ending.code, output: texts.join("") }
            : fault(ending.why),
        );
      },
    });
    const resource: RunResource = {
      interrupt(why) {
        kill();
        resolve(why);
      },
      release: kill,
    };
    run.track(resource);
  });
}
