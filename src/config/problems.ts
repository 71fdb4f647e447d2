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

/** The candidate that a mistyped word most likely meant, or null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, best.candidate.length / 3)
    ? best.candidate
    : null;
}

/** Insertions, deletions and replacements from one word to the other; words are cut at 64 characters. */
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
