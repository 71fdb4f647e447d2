import { expect, test } from "vitest";
import { stripVTControlCharacters } from "node:util";
import { readableLine } from "../../src/cli/run.ts";

const line = (fields: Readonly<Record<string, unknown>>): string =>
  stripVTControlCharacters(
    readableLine(JSON.stringify({ time: 0, pid: 1, hostname: "h", ...fields })),
  ).replace(/^\d\d:\d\d:\d\d /, "");

test.each([
  [
    { level: 30, msg: "serving", addresses: ["127.0.0.1:9743"] },
    'info serving addresses=["127.0.0.1:9743"]\n',
  ],
  [
    { level: 40, msg: "reload rejected", why: "no such file", adc: "prod" },
    'warn reload rejected why="no such file" adc=prod\n',
  ],
  [{ level: 50, msg: "fatal error, exiting" }, "error fatal error, exiting\n"],
])("log › is a readable line at a terminal: %j", (fields, expected) => {
  expect(line(fields)).toBe(expected);
});

test("log › escapes control characters and line ends of any name", () => {
  const shown = line({ level: 30, msg: "a\u001b[2Jb", server: "ex\u202e\n01", list: ["\u009b1m"] });
  expect(shown).toBe('info a\\u001b[2Jb server="ex\\u202e\\n01" list=["\\u009b1m"]\n');
});

test("log › leaves a line that is not JSON as it is, escaped", () => {
  expect(readableLine("not \u001b json\n")).toBe("not \\u001b json\n");
});
