/** The part of a string that a match reads, so that a test can count the reads. */
export type CharSource = Pick<string, "length" | "charCodeAt">;

interface Piece {
  readonly text: string;
  /** For each position of `text`: the length of the longest proper prefix that ends there (Knuth, Morris, Pratt). */
  readonly borders: readonly number[];
}

/**
 * Compiles a pattern in which `*` matches any number of any characters, line ends included; every other character matches
 * itself, and the whole text must match. There is no escape. Matching takes linear time for every pattern.
 */
export function compileGlob(pattern: string): (text: CharSource) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) {
    return (text) => text.length === first.length && holdsAt(text, 0, first);
  }
  const middle = rest.filter((text) => text !== "").map(pieceOf);
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !holdsAt(text, 0, first) || !holdsAt(text, end, last)) {
      return false;
    }
    // The leftmost match of each piece leaves the most room for the rest, so no backtracking is needed.
    let at = first.length;
    for (const piece of middle) {
      const after = endOfFirst(piece, text, at, end);
      if (after === null) {
        return false;
      }
      at = after;
    }
    return true;
  };
}

/** Whether a name matches any of several patterns. Case-insensitive, as names are on the ADC and on Windows. */
export function nameMatcher(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map((pattern) => compileGlob(pattern.toLowerCase()));
  return (name) => {
    const text = name.toLowerCase();
    return globs.some((matches) => matches(text));
  };
}

function pieceOf(text: string): Piece {
  const borders: number[] = [0];
  let border = 0;
  for (let at = 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    while (border > 0 && text.charCodeAt(border) !== code) {
      border = borders[border - 1] ?? 0;
    }
    border = text.charCodeAt(border) === code ? border + 1 : 0;
    borders.push(border);
  }
  return { text, borders };
}

/** Where the first occurrence within `[from, until)` ends; null where there is none. */
function endOfFirst(
  { text: wanted, borders }: Piece,
  text: CharSource,
  from: number,
  until: number,
): number | null {
  let matched = 0;
  for (let at = from; at < until; at += 1) {
    const code = text.charCodeAt(at);
    while (matched > 0 && wanted.charCodeAt(matched) !== code) {
      matched = borders[matched - 1] ?? 0;
    }
    if (wanted.charCodeAt(matched) === code) {
      matched += 1;
    }
    if (matched === wanted.length) {
      return at + 1;
    }
  }
  return null;
}

function holdsAt(text: CharSource, from: number, wanted: string): boolean {
  for (let at = 0; at < wanted.length; at += 1) {
    if (text.charCodeAt(from + at) !== wanted.charCodeAt(at)) {
      return false;
    }
  }
  return true;
}
