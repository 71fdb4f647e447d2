import { expect, test } from "vitest";
import { isVisible, visibleText } from "../../src/lib/visible-text.ts";

test.each([
  ["plain Ärger 漢字 👍", "plain Ärger 漢字 👍"],
  ["\u001b[2J", "\\u001b[2J"],
  ["a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"],
  ["\u009b31m", "\\u009b31m"],
  ["\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"],
  ["a\u2028b", "a\\u2028b"],
])("visibleText › %j is shown as %s", (text, shown) => {
  expect(visibleText(text)).toBe(shown);
  expect(isVisible(text)).toBe(text === shown);
});

test("visibleText › is bounded", () => {
  expect(visibleText("x".repeat(1_000), 10)).toBe(`${"x".repeat(10)}…`);
});
