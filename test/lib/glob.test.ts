import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob, nameMatcher } from "../../src/lib/glob.ts";

/** The meaning of a pattern, tried in every way. */
function naive(pattern: string, text: string): boolean {
  if (pattern === "") {
    return text === "";
  }
  if (pattern.startsWith("*")) {
    return naive(pattern.slice(1), text) || (text !== "" && naive(pattern, text.slice(1)));
  }
  return text[0] === pattern[0] && naive(pattern.slice(1), text.slice(1));
}

/** Counts how often a match reads a character of the text. */
function readsOf(pattern: string, text: string): { reads: number; matches: boolean } {
  const seen = { reads: 0 };
  const counted = {
    length: text.length,
    charCodeAt: (at: number) => {
      seen.reads += 1;
      return text.charCodeAt(at);
    },
  };
  const matches = compileGlob(pattern)(counted);
  return { ...seen, matches };
}

describe("compileGlob", () => {
  const alphabet = fc.constantFrom("a", "b", "\n");

  it("agrees with a naive matcher for any pattern and text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(alphabet, fc.constant("*")), maxLength: 8 }),
        fc.string({ unit: alphabet, maxLength: 10 }),
        (pattern, text) => {
          expect(compileGlob(pattern)(text)).toBe(naive(pattern, text));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it("reads each character at most twice for any pattern", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(alphabet, fc.constant("*")), maxLength: 300 }),
        fc.string({ unit: alphabet, maxLength: 300 }),
        (pattern, text) => {
          expect(readsOf(pattern, text).reads).toBeLessThanOrEqual(2 * text.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["150 stars and an x", `${"*".repeat(150)}x`, "a".repeat(100_000)],
    ["150 starred letters and an x", `${"a*".repeat(150)}x`, "a".repeat(100_000)],
    ["a piece that almost fits everywhere", `*${"a".repeat(5_000)}b*`, "a".repeat(100_000)],
    ["two stars between repeated words", "*dag*ex*", "dag".repeat(30_000)],
  ])("reads each character at most twice when given %s", (_case, pattern, text) => {
    const { reads, matches } = readsOf(pattern, text);
    expect(matches).toBe(false);
    expect(reads).toBeLessThanOrEqual(2 * text.length);
  });

  it("is case-sensitive and treats only the star as special", () => {
    expect(compileGlob("/OWA*")("/owa/")).toBe(false);
    expect(compileGlob("a.c?")("abcd")).toBe(false);
    expect(compileGlob("a.c?[x]\\")("a.c?[x]\\")).toBe(true);
  });
});

describe("nameMatcher", () => {
  it("matches by any of its patterns in any letter case", () => {
    const means = nameMatcher(["EX0*", "mail"]);
    expect(["ex01", "Mail", "mail2", "dc01"].filter(means)).toEqual(["ex01", "Mail"]);
    expect(nameMatcher([])("ex01")).toBe(false);
  });
});
