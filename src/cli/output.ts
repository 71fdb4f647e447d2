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
 * The process's own streams, with everything made printable that could steer a terminal: names, answers and messages come
 * from outside. A reader that went away (`| head`) ends the command, quietly; one that takes no more (a full disk) ends it
 * with `failedStatus`.
 */
export function processOutput(failedStatus = 1): Output {
  const { out, err } = terminalOutput(failedStatus);
  return { out: (text) => out(printable(text)), err: (text) => err(printable(text)) };
}

/** The streams as they are, for a command that steers the terminal itself. */
export function terminalOutput(failedStatus = 1): Output {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : failedStatus);
  });
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  };
}

/** What a plug-in prints for who reads JSON: its word, why it failed (null where it did not), and what it found. */
export function pluginJson(
  status: ExitStatus,
  error: string | null,
  answer: Readonly<Record<string, unknown>>,
): string {
  return `${JSON.stringify({ status: pluginWord(status), error, ...answer }, null, 1)}\n`;
}

/**
 * Runs a command whose reader wants JSON: where it ends without having printed any, an object with `error` holds what it
 * said on stderr, so that a script always has something to parse. `failed`: what the object has beside.
 */
export async function withJsonOnFailure(
  failed: { readonly status?: "UNKNOWN" },
  output: Output,
  run: (output: Output) => Promise<number>,
): Promise<number> {
  const said: string[] = [];
  let hasPrinted = false;
  const tell = (error: string): void => {
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
      said.push(withoutPrefix(text.trimEnd()));
      output.err(text);
    },
  };
  try {
    const status = await run(listening);
    tell(said.join("\n"));
    return status;
  } catch (error) {
    tell(errorMessage(error));
    throw error;
  }
}

/** A message as the value of `error`, which says already what it is. */
export function withoutPrefix(message: string): string {
  return message.replace(/^error: /, "");
}

/** Lays rows out in columns, two spaces apart; the last column is not padded. Each row stays one line whatever its cells hold. */
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

/** One row of columns that are so wide, with its line end. */
export function paddedLine(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, index) =>
    index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0),
  );
  return `${cells.join("  ").trimEnd()}\n`;
}

/** So many characters are written at once: an answer may be larger than what it is made from. */
const PIECE = 65_536;

/** Writes an answer of many small pieces, some of them at a time. */
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

/**
 * What `JSON.stringify({ ...before, [name]: items, ...behind }, null, 1)` gives, with a line end, an item at a time.
 */
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

/** No text in JSON holds a line end as it is. */
function indented(value: unknown, indent: string): string {
  return JSON.stringify(value, null, 1).replaceAll("\n", `\n${indent}`);
}

/** As people write a time: `22:00`, `2026-12-01 22:00`, or RFC 3339. */
const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads a time as RFC 3339 in UTC. Without a zone it is this machine's; without a day it is the next time that its clock shows
 * it after `after` (milliseconds since the epoch). Null when it is no time.
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

/** A time of the API for a person at this machine: `2026-12-01 22:00 +01:00`; anything else as it is. */
export function localMoment(text: string | null): string {
  const at = text === null ? NaN : Date.parse(text);
  return Number.isNaN(at) ? (text ?? "") : localTime(at);
}
