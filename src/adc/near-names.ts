/**
 * The name among these that differs from one by a slip of the hand: in its separators, or by one letter within a word that
 * is left out, doubled, wrong or swapped with the next. Null: none does. Names that are numbered, and words that end in
 * another letter (`http`, `https`), are different names.
 */
export function nearName(name: string, names: Iterable<string>): string | null {
  const written = name.toLowerCase();
  const joined = withoutSeparators(written);
  for (const other of names) {
    const known = other.toLowerCase();
    const isNear =
      Math.abs(known.length - written.length) <= 2 &&
      (withoutSeparators(known) === joined || isSlip(written, known));
    if (isNear) {
      return other;
    }
  }
  return null;
}

/** Between two numbers a separator stays: `v1-1` is not `v11`. */
function withoutSeparators(name: string): string {
  return name
    .split(/[^a-z0-9]/)
    .filter((word) => word !== "")
    .reduce(
      (all, word) => (/\d$/.test(all) && /^\d/.test(word) ? `${all}.${word}` : all + word),
      "",
    );
}

/** Fewer letters are no word: `s_a` and `s_b` are two. */
const SHORTEST_WORD = 5;

function isSlip(one: string, other: string): boolean {
  const most = Math.min(one.length, other.length);
  let from = 0;
  while (from < most && one[from] === other[from]) {
    from += 1;
  }
  let behind = 0;
  while (behind < most - from && one.at(-1 - behind) === other.at(-1 - behind)) {
    behind += 1;
  }
  const [a, b] = [one, other].map((text) => text.slice(from, text.length - behind));
  if (a === undefined || b === undefined || !/^[a-z]*$/.test(a + b)) {
    return false;
  }
  const before = lettersBefore(one, from);
  const after = lettersFrom(one, one.length - behind);
  const isSwapped = a.length === 2 && b.length === 2 && a[0] === b[1] && a[1] === b[0];
  const isWithin = before > 0 && after > 0 && before + after >= SHORTEST_WORD - 1;
  return isSwapped ? before + after > 0 : isWithin && a.length <= 1 && b.length <= 1;
}

function lettersBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && isLetter(text, at - 1)) {
    at -= 1;
  }
  return end - at;
}

function lettersFrom(text: string, from: number): number {
  let at = from;
  while (at < text.length && isLetter(text, at)) {
    at += 1;
  }
  return at - from;
}

function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x61 && code <= 0x7a;
}
