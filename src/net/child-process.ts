import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { exchangeError, type ExchangeError } from "./exchange-error.ts";
import type { RunScope, RunResource } from "./transcript.ts";

/** What every program of ours is given of the agent's own environment: nothing that could hold a secret. */
const PASSED_ON = ["PATH", "LANG", "LC_ALL", "TZ"];
/** Without these Windows finds neither its own libraries nor a program by its name. */
const PASSED_ON_WINDOWS = ["SystemRoot", "PATHEXT", "TEMP", "TMP"];
/** Maximum time that output pipes may stay open after the program has ended; all its output has arrived by then. */
const LAST_OUTPUT_MS = 200;

export interface ChildListener {
  readonly stdout: (data: Buffer) => void;
  readonly stderr: (data: Buffer) => void;
  /** Once, at the very end: nothing of its process group is left. */
  readonly ended: (ending: ChildEnding) => void;
}

export type ChildEnding =
  | { readonly kind: "exit"; readonly code: number }
  /** Ended by a signal, or never started: its name or the system's code. */
  | { readonly kind: "broken"; readonly why: string };

/**
 * Starts a program, an argument vector that no shell reads, with a clean environment and `environment` beside it. It leads
 * a process group of its own: the function that comes back kills all of it, and what it leaves behind when it exits is
 * killed as well. Never throws. On Windows, which has no such groups, only the program itself is killed; so is only what
 * stays in its group, anywhere.
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
    // Node throws where the system refuses at once (no descriptors, no memory), and for arguments that hold a NUL.
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
    // Where the program is missing there is an error and no close.
    if (child.pid === undefined) {
      end();
    }
  });
  child.on("exit", (code, signal) => {
    ending ??= code === null ? { kind: "broken", why: String(signal) } : { kind: "exit", code };
    killGroup(child);
    // Something that left the group may hold the outputs open for as long as it likes.
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

/** What a program of ours is given of this environment. */
export function cleanEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const names = platform === "win32" ? [...PASSED_ON, ...PASSED_ON_WINDOWS] : PASSED_ON;
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
    // ESRCH: all of it has ended already.
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
  /** What it wrote to both its outputs. */
  readonly output: string;
}

export interface CommandOptions {
  readonly mostOutputBytes: number;
  /** All that it is given beside PATH, LANG, LC_ALL and TZ of the agent's own environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a program, an argument vector that no shell reads, within the run's time; it is killed with its process group when
 * that is over. One that cannot be started, is ended by a signal or says too much is a fault of ours.
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
