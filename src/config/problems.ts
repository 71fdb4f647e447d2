/** One error or warning in a configuration, with its position. Never contains a value of the file. */
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
/** `message (expected …; what to do)`, the format of all messages. */
export function problemText(message: string, expected: string, fix: string): string {
  return `${message} (expected ${expected}; ${fix})`;
}

/** The candidate closest to a mistyped word, or null if none is close. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, best.candidate.length / 3)
    ? best.candidate
    : null;
}

/** Edit distance of two words, truncated to 64 characters. */
function editDistance(from: string, to: string): number {
  const target = [...to.slice(0, 64)];
  let row = target.map((_, index) => index + 1);
  [...from.slice(0, 64)].forEach((letter, done) => {
    let diagonal = done;
    let left = done + 1;
    row = row.map((above, index) => {
      const replaced = diagonal + (letter === target[index] ? 0 : 1);
      diagonal = above;
      left = Math.min(above + 1, left + 1, replaced);
      return left;
    });
  });
  return row.at(-1) ?? from.length;
}
