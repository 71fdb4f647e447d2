import { spawn, type ChildProcess } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";
import { fpingArguments, readFpingLine, type FpingLine, type FpingPlan } from "./fping.ts";

/** Far more than fping says of a batch; beyond it the process is ended, and what it left open is asked otherwise. */
const MOST_OUTPUT = 256 * 1024;

export interface FpingListener {
  readonly line: (line: FpingLine) => void;
  /** The process is gone, or could not be started; nothing more is said. */
  readonly closed: () => void;
}

/** One fping for one batch of addresses, told line by line. The answer ends it. */
export function startFping(program: string, plan: FpingPlan, listener: FpingListener): () => void {
  let child: ChildProcess | null = null;
  try {
    child = spawn(program, fpingArguments(plan), {
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      env: { ...process.env, LC_ALL: "C" },
    });
  } catch {
    // Node throws where the system refuses at once (no descriptors, no memory).
    queueMicrotask(listener.closed);
    return () => undefined;
  }
  const started = child;
  const end = (): void => void started.kill("SIGKILL");
  let heard = 0;
  for (const stream of [started.stdout, started.stderr]) {
    readLines(stream, (line) => {
      heard += line.length;
      if (heard > MOST_OUTPUT) {
        end();
      } else {
        listener.line(readFpingLine(line));
      }
    });
  }
  // Where the program is missing there is an error and no close.
  let over = false;
  const closed = (): void => {
    if (!over) {
      over = true;
      listener.closed();
    }
  };
  started.on("error", closed);
  started.on("close", closed);
  return end;
}

function readLines(stream: Readable | null, tell: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  stream?.on("data", (data: Buffer) => {
    const lines = (rest + decoder.write(data)).split("\n");
    rest = (lines.pop() ?? "").slice(-MOST_OUTPUT);
    lines.forEach(tell);
  });
}
