/** One thing wrong (or worth a warning) in a configuration, where it stands. Never holds a value of the file. */
export interface ConfigProblem {
  readonly file: string;
  /** From 1; null when the file itself could not be read. */
  readonly line: number | null;
  readonly column: number | null;
  /** For example `adcs.0.nitro.urls`; empty for the whole file. */
  readonly path: string;
  /** `message (expected …; what to do)`. */
  readonly message: string;
}

/** One line for people and editors: `file:line:col path: message`. */
export function formatProblem(problem: ConfigProblem): string {
  const place = [problem.file, problem.line, problem.column]
    .filter((part) => part !== null)
    .map(String)
    .join(":");
  return problem.path === ""
    ? `${place}: ${problem.message}`
    : `${place} ${problem.path}: ${problem.message}`;
}

/** `message (expected …; what to do)`, the one form of all messages. */
export function problemText(message: string, expected: string, fix: string): string {
  return `${message} (expected ${expected}; ${fix})`;
}
