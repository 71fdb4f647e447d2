import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";

/** Starts a module of this folder and resolves with its first message. */
export async function forkAndHear<T>(
  module: string,
  words: readonly string[] = [],
): Promise<{ child: ChildProcess; heard: T }> {
  const child = forkModule(module, words);
  return { child, heard: await nextMessage<T>(child) };
}

export function forkModule(module: string, words: readonly string[] = []): ChildProcess {
  const child = fork(join(import.meta.dirname, module), words, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  endWithUs(child);
  return child;
}

/** The next message of a child; rejects when it ends instead. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const ended = (): void => {
      reject(new Error("a process of the benchmark ended early"));
    };
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message as T);
    });
  });
}

/** A child whose standard output is ignored; its standard error is shown. */
export function spawnQuiet(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  endWithUs(child);
  return child;
}

/** Ends the child when this process ends, by a signal or an exception. */
export function endWithUs(child: ChildProcess): void {
  const end = (): void => {
    child.kill("SIGTERM");
  };
  const leave = (signal: NodeJS.Signals): void => {
    process.exit(128 + constants.signals[signal]);
  };
  process.on("exit", end).on("SIGTERM", leave).on("SIGINT", leave);
  child.once("exit", () => {
    process.off("exit", end).off("SIGTERM", leave).off("SIGINT", leave);
  });
}

export async function stopChild(child: ChildProcess, patienceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const patience = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await exited;
  clearTimeout(patience);
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Repeats a request until it succeeds; rejects after the deadline. */
export async function untilAnswered(url: string, deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
