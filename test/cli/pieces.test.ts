import { describe, expect, test } from "vitest";
import { columns, jsonPieces, paddedLine, writePieces } from "../../src/cli/output.ts";

describe("jsonPieces", () => {
  test.each<[Record<string, unknown>, readonly unknown[], Record<string, unknown>]>([
    [{ error: null }, [], {}],
    [{}, [], { diagnostics: [] }],
    [{ error: "a\nb" }, [{ a: 1, b: ["x", { c: null }] }, "two\r\n", 3], {}],
    [{ error: null, more: { deep: [1, [2]] } }, [[], {}, [{}]], { matrix: { rows: [] } }],
  ])("equals JSON.stringify: %j, %j, %j", (before, items, behind) => {
    const whole = JSON.stringify({ ...before, items, ...behind }, null, 1);
    expect([...jsonPieces(before, ["items", items.values()], behind)].join("")).toBe(`${whole}\n`);
  });
});

describe("writePieces", () => {
  test("writes all pieces, several at a time", () => {
    const written: string[] = [];
    const output = { out: (text: string) => void written.push(text), err: String };
    const pieces = Array.from({ length: 30_000 }, (_, at) => `line ${String(at)}\n`);
    writePieces(pieces, output);
    expect(written.join("")).toBe(pieces.join(""));
    expect(written.length).toBeGreaterThan(1);
    expect(written.length).toBeLessThan(20);
    writePieces([], output);
    expect(written.join("")).toBe(pieces.join(""));
  });
});

test("paddedLine › makes a row of columns", () => {
  expect(paddedLine(["a", "b", "c"], [3, 2, 9]) + paddedLine(["long", "", ""], [4, 0, 0])).toBe(
    "a    b   c\nlong\n",
  );
  expect(
    columns([
      ["a", "b"],
      ["cc", ""],
    ]),
  ).toBe("a   b\ncc");
});
