import { remembered } from "../lib/remembered.ts";

/** The ADC accepts no longer names. */
const MAX_NAME_LENGTH = 127;
/** Maximum number of compared names, which takes some tenths of a second: a text may contain any number of them. */
const MAX_COMPARED = 2_000_000;

/**
 * Finds the name that differs from the given one by a typing mistake: in its separators, in the order of its (three or
 * more) words, or by one letter within a word that is missing, doubled, wrong or swapped with the next. Null: there is
 * none, or too many were compared before. Numbered names, and words that end in another letter (`http`, `https`), are different names.
 */
export function nearNames(names: readonly string[]): (name: string) => string | null {
  const known = names
    .filter(({ length }) => length <= MAX_NAME_LENGTH)
    .map((name) => {
      const written = name.toLowerCase();
      return { name, written, joined: withoutSeparators(written), sorted: sortedWords(written) };
    });
  let compared = 0;

  function find(name: string): string | null {
    if (name.length > MAX_NAME_LENGTH || compared + known.length > MAX_COMPARED) {
      return null;
    }
    compared += known.length;
    const written = name.toLowerCase();
    const joined = withoutSeparators(written);
    const sorted = sortedWords(written);
    const near = known.find(
      (other) =>
        Math.abs(other.written.length - written.length) <= 2 &&
        (other.joined === joined ||
          (sorted !== null && other.sorted === sorted) ||
          isSlip(written, other.written)),
    );
    return near?.name ?? null;
  }

  return remembered(find);
}

/** Whether the names have a word in common, or one that begins with a word of the other: `Real_DNS` and `RealServer`. */
export function haveCommonWord(one: string, other: string): boolean {
  const others = tellingWords(other);
  return tellingWords(one).some((word) =>
    others.some((beside) => word.startsWith(beside) || beside.startsWith(word)),
  );
}

/** Words that say what an object is for: not a few letters, nor those that say what kind of object it is. */
function tellingWords(name: string): readonly string[] {
  return name
    .slice(0, MAX_NAME_LENGTH)
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 2 && !OF_A_KIND.has(word));
}

const OF_A_KIND: ReadonlySet<string> = new Set(
  "svc srv svg svcgrp svcgroup vip vsrv vserver service server servicegroup mon monitor grp group pol policy act action".split(
    " ",
  ),
);

/** Names of only two words differ where their words are in another order: `web_app`, `app_web`. */
const MIN_SORTED_WORDS = 3;

/** The words of a name in one order: `aaa_vs_mail` may be meant by `vs_aaa_mail`. Null: too few. */
function sortedWords(name: string): string | null {
  const words = name.split(/[^a-z0-9]+/).filter((word) => word !== "");
  // The order of numbers has a meaning: those of an address in another order are another server.
  const isNumbered = (word: string): boolean => /\d/.test(word);
  const letters = words.filter((word) => !isNumbered(word)).sort();
  return words.length < MIN_SORTED_WORDS
    ? null
    : [...letters, ...words.filter(isNumbered)].join(" ");
}

/** A separator between two numbers counts: `v1-1` is not `v11`. */
function withoutSeparators(name: string): string {
  return name
    .split(/[^a-z0-9]/)
    .filter((word) => word !== "")
    .reduce(
      (all, word) => (/\d$/.test(all) && /^\d/.test(word) ? `${all}.${word}` : all + word),
      "",
    );
}

/** The minimum length of a word: `s_a` and `s_b` are different names. */
const MIN_WORD_LETTERS = 5;

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
  const isWithin = before > 0 && after > 0 && before + after >= MIN_WORD_LETTERS - 1;
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
