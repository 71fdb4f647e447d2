import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { isVisible, printable, printableLine, visibleText } from "../../src/lib/printable.ts";

/** Every character that Unicode counts as a control, a format mark of direction or a line end, but the line feed. */
const STEERING = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

describe("printable", () => {
  it("leaves no control or direction character in any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(STEERING);
        expect(printableLine(text)).not.toMatch(/\n/);
      }),
    );
    const every = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code)).join("");
    expect(printable(every)).not.toMatch(STEERING);
  });

  it("shows which character was escaped", () => {
    expect(printable("\u001b[2K\u009b31m\u202egnp.exe\r\n")).toBe(
      "\\u001b[2K\\u009b31m\\u202egnp.exe\\u000d\n",
    );
    expect(printableLine("ex01\nOK")).toBe("ex01\\u000aOK");
  });

  it("keeps ordinary text unchanged", () => {
    expect(printable("Zürich — „ex01“ 💥\n")).toBe("Zürich — „ex01“ 💥\n");
  });

  it("keeps the meaning of any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const written = JSON.stringify({ [text]: value, text }, null, 1);
        expect(JSON.parse(printable(written))).toEqual(JSON.parse(written));
      }),
    );
  });
});

test.each([
  ["plain Ärger 漢字 👍", "plain Ärger 漢字 👍"],
  ["\u001b[2J", "\\u001b[2J"],
  ["a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"],
  ["\u009b31m", "\\u009b31m"],
  ["\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"],
  ["a\u2028b", "a\\u2028b"],
])("visibleText › shows %j as %s", (text, shown) => {
  expect(visibleText(text)).toBe(shown);
  expect(isVisible(text)).toBe(text === shown);
});

test("visibleText › is limited in length", () => {
  expect(visibleText("x".repeat(1_000), 10)).toBe(`${"x".repeat(10)}…`);
});
