import { StringDecoder } from "node:string_decoder";
import { startChild } from "../child-process.ts";
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
  let heard = 0;
  const hear = (line: string): void => {
    heard += line.length;
    if (heard > MOST_OUTPUT) {
      end();
    } else {
      listener.line(readFpingLine(line));
    }
  };
  const end = startChild(
    [program, ...fpingArguments(plan)],
    { LC_ALL: "C" },
    {
      stdout: lineReader(hear),
      stderr: lineReader(hear),
      ended: listener.closed,
    },
  );
  return end;
}

function lineReader(tell: (line: string) => void): (data: Buffer) => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return (data) => {
    const lines = (rest + decoder.write(data)).split("\n");
    rest = (lines.pop() ?? "").slice(-MOST_OUTPUT);
    lines.forEach(tell);
  };
}
