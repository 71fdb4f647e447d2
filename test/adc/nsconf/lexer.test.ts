import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lexLine, Q_DELIMITERS } from "../../../src/adc/nsconf/lexer.ts";
import { writeWord } from "../../../src/adc/nsconf/statements.ts";

interface Vector {
  readonly in: string;
  readonly tokens: readonly (readonly [string, string])[];
}

const KIND = { word: "NON_KEY", key: "KEY_ARG", error: "ERROR" };

const vectors = readFileSync(new URL("lexer-vectors.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Vector);

describe("lexer", () => {
  test("is tested by enough vectors", () => {
    expect(vectors).toHaveLength(23);
  });

  test.each(vectors)("makes the ADC's tokens of $in", (vector) => {
    expect(lexLine(vector.in).map(({ kind, text }) => [KIND[kind], text])).toEqual(vector.tokens);
  });
});

describe("lexer and writer of words", () => {
  test("writeWord › writes any words so that the lexer reads them back", () => {
    const word = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(..."ab \"\\'\t\r\n()-#q{}/", "é") }),
      fc.constantFrom(...Q_DELIMITERS).map((open) => `q${open}text`),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const line = words.map(writeWord).join(" ");
        expect(lexLine(line)).toEqual(words.map((text) => ({ kind: "word", text })));
      }),
      { numRuns: 500 },
    );
  });

  test("lexer › makes of any line tokens that hold no more than the line", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..." \"'\\()q{}<>-#abn\t") }), (line) => {
        const tokens = lexLine(line);
        const length = tokens.reduce((sum, { text }) => sum + text.length, 0);
        expect(length).toBeLessThanOrEqual(line.length);
        expect(tokens.slice(0, -1).every(({ kind }) => kind !== "error")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
