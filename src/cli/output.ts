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

/** Lays rows out in columns, two spaces apart; the last column is not padded. Each row stays one line whatever its cells hold. */
export function columns(table: readonly (readonly string[])[]): string {
  const rows = table.map((row) => row.map(printableLine));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
