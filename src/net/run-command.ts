import { execFile, type ChildProcess } from "node:child_process";
import { namedBreak, type Break } from "./break.ts";
import type { ProbeRun, RunResource } from "./probe-run.ts";

export interface CommandExit {
  readonly kind: "exit";
  readonly code: number;
  /** What it said on both its outputs. */
  readonly output: string;
}

export interface CommandOptions {
  readonly mostOutputBytes: number;
  /** Beside the agent's own environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a program, an argument vector that no shell reads, within the run's time; it is killed when that is over. One that
 * cannot be started, is ended by a signal or says too much is a fault of ours.
 */
export function runCommand(
  run: ProbeRun,
  command: readonly string[],
  { mostOutputBytes, environment }: CommandOptions,
): Promise<CommandExit | Break> {
  const [program = "", ...args] = command;
  if (run.interrupted !== null) {
    return Promise.resolve(run.interrupted);
  }
  return new Promise((resolve) => {
    let child: ChildProcess | null = null;
    const resource: RunResource = {
      interrupt(why) {
        child?.kill("SIGKILL");
        resolve(why);
      },
      release() {
        child?.kill("SIGKILL");
      },
    };
    run.hold(resource);
    child = execFile(
      program,
      args,
      {
        encoding: "utf8",
        maxBuffer: mostOutputBytes,
        windowsHide: true,
        env: { ...process.env, ...environment },
      },
      (error, stdout, stderr) => {
        run.drop(resource);
        const output = `${stdout}${stderr}`;
        if (error === null) {
          resolve({ kind: "exit", code: 0, output });
        } else if (typeof error.code === "number") {
          resolve({ kind: "exit", code: error.code, output });
        } else {
          const why = error.signal ?? error.code ?? error.message;
          resolve(namedBreak("fault", "agent_fault", `${program}: ${why}`));
        }
      },
    );
  });
}
