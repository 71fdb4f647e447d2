import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EnvelopeReader, type Envelope } from "../../../src/adc/nitro/envelope-reader.ts";

function readIn(pieces: readonly string[]): Envelope | null {
  const reader = new EnvelopeReader();
  return pieces.every((piece) => reader.push(piece)) ? reader.finish() : null;
}

/** The text cut at the given places. */
function cut(text: string, places: readonly number[]): string[] {
  const ends = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [...ends, text.length].map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

describe("valid answer", () => {
  const row = fc.dictionary(
    fc.string({ maxLength: 8 }),
    fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean(), fc.array(fc.string())),
    { maxKeys: 5, noNullPrototype: true },
  );

  test("is read as JSON.parse reads it, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 6 }),
        fc.string(),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.constantFrom(undefined, 1, "\t"),
        (rows, message, places, indent) => {
          const body = { errorcode: 0, message, severity: "NONE", server: rows, sessionid: "##1" };
          const envelope = readIn(cut(JSON.stringify(body, null, indent), places));
          expect(envelope).not.toBeNull();
          expect(envelope?.message).toBe(message);
          expect(envelope?.sessionId).toBe("##1");
          expect(JSON.stringify(envelope?.rows.get("server") ?? [])).toBe(JSON.stringify(rows));
        },
      ),
    );
  });

  test.each([
    [
      "an object counts as one row",
      '{"errorcode":0,"nsversion":{"version":"x"}}',
      [{ version: "x" }],
    ],
    ["an empty collection is absent", '{"errorcode":0,"nsversion":[]}', undefined],
    [
      "a value in a collection that is not an object is left out",
      '{"errorcode":0,"nsversion":[1,"a",null,[{}],{"b":2}]}',
      [{ b: 2 }],
    ],
    [
      "a byte order mark and white space do not matter",
      '\uFEFF \n{ "errorcode" : "0" , "nsversion" : [ {"a":"]}"} ] } \n',
      [{ a: "]}" }],
    ],
  ])("is read by its form: %s", (_case, text, rows) => {
    expect(readIn([text])?.rows.get("nsversion")).toEqual(rows);
  });
});

describe("invalid answer", () => {
  test.each([
    "",
    "null",
    "[]",
    "{}",
    "{",
    '{"errorcode":0',
    '{"errorcode":0}}',
    '{"errorcode":0} x',
    '{"errorcode":"zero"}',
    '{"errorcode":0.5}',
    "{errorcode:0}",
    '{"errorcode":0,"a":[{"b":1}',
    '{"errorcode":0,"a":[{"b":1]}',
    '{"errorcode":0,"a":"\\x"}',
    '{"errorcode":0,}',
    '{"errorcode":0,"a":[1,]}',

    "{1:2}",
    "<html></html>",
    '{"errorcode":0,,"a":1}',
  ])("%j is rejected", (text) => {
    expect(readIn([text])).toBeNull();
  });

  test("never throws and never accepts what JSON.parse does not, for any text", () => {
    const fragment = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      '"errorcode"',
      "0",
      '"server"',
      '{"a":1}',
      " ",
      "é",
      "\u0000",
    );
    fc.assert(
      fc.property(
        fc.array(fragment, { maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        (parts, places) => {
          const text = parts.join("");
          const envelope = readIn(cut(text, places));
          if (envelope !== null) {
            expect(() => JSON.parse(text) as unknown).not.toThrow();
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("is given up when a value never ends, with bounded memory", () => {
    const reader = new EnvelopeReader();
    expect(reader.push('{"errorcode":0,"message":"')).toBe(true);
    let pushed = 0;
    while (reader.push("x".repeat(65_536))) {
      pushed += 65_536;
      expect(pushed).toBeLessThan(2_000_000);
    }
    expect(reader.finish()).toBeNull();
  });

  test.each([
    ["objects", '{"a":', "}"],
    ["arrays", "[", "]"],
  ])("is rejected when %s nest without end", (_what, open, close) => {
    const nested = (levels: number): string =>
      `{"errorcode":0,"server":[{"name":${open.repeat(levels)}1${close.repeat(levels)}}]}`;
    expect(readIn([nested(60)])?.rows.get("server")).toHaveLength(1);
    expect(readIn([nested(60_000)])).toBeNull();
  });

  test("is given up when keys never end", () => {
    const reader = new EnvelopeReader();
    reader.push("{");
    let keys = 0;
    while (reader.push(`"k${String(keys)}":1,`)) {
      keys += 1;
      expect(keys).toBeLessThan(2_000);
    }
    expect(reader.finish()).toBeNull();
  });
});
