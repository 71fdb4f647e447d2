import { errorMessage } from "../lib/log.ts";
import { pluginWord, type ExitStatus } from "../model/verdicts.ts";
import { localTime } from "../lib/timers.ts";
import { printable, printableLine } from "../lib/printable.ts";

/** Where a command writes, so that commands can be tested without a process. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * The process's output streams, with control characters escaped, since names, answers and messages come from outside. A closed
 * pipe (`| head`) ends the command silently; another write error (a full disk) ends it with `failedStatus`.
 */
export function processOutput(failedStatus = 1): Output {
  const { out, err } = terminalOutput(failedStatus);
  return { out: (text) => out(printable(text)), err: (text) => err(printable(text)) };
}

/** The raw streams, for a command that controls the terminal itself. */
export function terminalOutput(failedStatus = 1): Output {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : failedStatus);
  });
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  };
}

/** JSON output of a plug-in: its status line, the error (null if none), and the result. */
export function pluginJson(
  status: ExitStatus,
  error: string | null,
  answer: Readonly<Record<string, unknown>>,
): string {
  return `${JSON.stringify({ status: pluginWord(status), error, ...answer }, null, 1)}\n`;
}

/**
 * Runs a command with JSON output. If it ends without having printed JSON, prints an object whose `error` is the text from
 * stderr. `failed`: the other fields of that object.
 */
export async function withJsonOnFailure(
  failed: { readonly status?: "UNKNOWN" },
  output: Output,
  run: (output: Output) => Promise<number>,
): Promise<number> {
  const said: string[] = [];
  let hasPrinted = false;
  const report = (error: string): void => {
    if (!hasPrinted) {
      output.out(`${JSON.stringify({ ...failed, error }, null, 1)}\n`);
    }
  };
  const listening: Output = {
    out: (text) => {
      hasPrinted = true;
      output.out(text);
    },
    err: (text) => {
      said.push(withoutErrorPrefix(text.trimEnd()));
      output.err(text);
    },
  };
  try {
    const status = await run(listening);
    report(said.join("\n"));
    return status;
  } catch (error) {
    report(errorMessage(error));
    throw error;
  }
}

/** A message as the value of `error`, without the prefix `error:`. */
export function withoutErrorPrefix(message: string): string {
  return message.replace(/^error: /, "");
}

/** Aligns rows in columns, two spaces apart; the last column is not padded. Each row stays one line. */
export function columns(table: readonly (readonly string[])[]): string {
  const rows = table.map((row) => row.map(printableLine));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row) => paddedLine(row, widths).trimEnd()).join("\n");
}

/** One row with these column widths, and a line end. */
export function paddedLine(row: readonly string[], widths: readonly number[]): string {
  const last = row.length - 1;
  let line = "";
  for (let at = 0; at < last; at += 1) {
    line += (row[at] ?? "").padEnd((widths[at] ?? 0) + 2);
  }
  return `${(line + (row[last] ?? "")).trimEnd()}\n`;
}

/** Characters per write, to bound memory. */
const PIECE = 65_536;

/** Writes an answer of many small pieces in larger chunks. */
export function writePieces(pieces: Iterable<string>, output: Output): void {
  let waiting: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length >= PIECE) {
      output.out(waiting.join(""));
      waiting = [];
      length = 0;
    }
  }
  if (length > 0) {
    output.out(waiting.join(""));
  }
}

/** Yields `JSON.stringify({ ...before, [name]: items, ...behind }, null, 1)` and a line end, one item at a time. */
export function* jsonPieces(
  before: Readonly<Record<string, unknown>>,
  [name, items]: readonly [name: string, items: Iterable<unknown>],
  behind: Readonly<Record<string, unknown>>,
): Generator<string, void, undefined> {
  const member = ([key, value]: readonly [string, unknown]): string =>
    ` ${JSON.stringify(key)}: ${indented(value, " ")}`;
  yield "{\n";
  for (const each of Object.entries(before)) {
    yield `${member(each)},\n`;
  }
  let isFirst = true;
  for (const item of items) {
    yield `${isFirst ? ` ${JSON.stringify(name)}: [\n` : ",\n"}  ${indented(item, "  ")}`;
    isFirst = false;
  }
  yield isFirst ? ` ${JSON.stringify(name)}: []` : "\n ]";
  for (const each of Object.entries(behind)) {
    yield `,\n${member(each)}`;
  }
  yield "\n}\n";
}

/** Strings in JSON contain no raw line ends. */
function indented(value: unknown, indent: string): string {
  return JSON.stringify(value, null, 1).replaceAll("\n", `\n${indent}`);
}

/** Accepted times: `22:00`, `2026-12-01 22:00`, or RFC 3339. */
const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Converts a time to RFC 3339 in UTC. Without a zone it is local time; without a day it is the next such time after `after`
 * (milliseconds since the epoch). Null if invalid.
 */
export function parseMoment(text: string, after: number): string | null {
  if (RFC3339.test(text)) {
    return Number.isNaN(Date.parse(text)) ? null : text;
  }
  const clock = CLOCK.exec(text);
  if (clock !== null) {
    const [, hour, minute] = clock;
    const at = new Date(after);
    at.setHours(Number(hour), Number(minute), 0, 0);
    if (at.getTime() <= after) {
      at.setDate(at.getDate() + 1);
    }
    return at.toISOString();
  }
  const [, year, month, day, hour = "0", minute = "0", second = "0"] = LOCAL.exec(text) ?? [];
  if (year === undefined) {
    return null;
  }
  const at = new Date(Number(year), Number(month) - 1, Number(day));
  at.setHours(Number(hour), Number(minute), Number(second));
  const isReal = at.getMonth() === Number(month) - 1 && at.getDate() === Number(day);
  return isReal && Number(hour) < 24 && Number(minute) < 60 ? at.toISOString() : null;
}

/** Formats a time of the API in the local zone: `2026-12-01 22:00 +01:00`; other texts are unchanged. */
export function localMoment(text: string | null): string {
  const at = text === null ? NaN : Date.parse(text);
  return Number.isNaN(at) ? (text ?? "") : localTime(at);
}
