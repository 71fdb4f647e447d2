import { styleText } from "node:util";
import { destination, pino, type DestinationStream, type Logger } from "pino";
import { printable, printableLine } from "../lib/printable.ts";

/** The log of `run`, on stderr: JSON lines, or readable ones where a person watches. What could steer a terminal is escaped. */
export function createRunLog(level: string, isTerminal: boolean): Logger {
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
