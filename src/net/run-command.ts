import { exchangeError, type ExchangeError } from "./exchange-error.ts";
import type { RunScope, RunResource } from "./run-scope.ts";
import { startChild } from "./child-process.ts";

export interface CommandExit {
  readonly kind: "exit";
  readonly code: number;
  /** What it said on both its outputs. */
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
    const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let heardBytes = 0;
    const hear = (stream: Buffer[], data: Buffer): void => {
      heardBytes += data.length;
      if (heardBytes > mostOutputBytes) {
        kill();
        resolve(fault(`said more than ${String(mostOutputBytes)} bytes`));
      } else {
        stream.push(data);
      }
    };
    const kill = startChild(command, environment, {
      stdout: (data) => {
        hear(said.stdout, data);
      },
      stderr: (data) => {
        hear(said.stderr, data);
      },
      ended: (ending) => {
        run.untrack(resource);
        const output = [said.stdout, said.stderr].map((one) => Buffer.concat(one).toString("utf8"));
        resolve(
          ending.kind === "exit"
            ? { kind: "exit", code: ending.code, output: output.join("") }
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
