import { describe, expect, test } from "vitest";
import { readOptions } from "../../bench/options.ts";

const USAGE = {
  command: "node bench.js",
  about: "What it measures.",
  options: {
    hours: { kind: "number", usual: 1_000, about: "hours to simulate" },
    real: { kind: "duration", usual: null, about: "run in real time" },
    out: { kind: "text", takes: "FILE", usual: null, about: "write it there" },
    only: { kind: "text", takes: "NAME", usual: "tcp", about: "one protocol" },
    json: { kind: "switch", about: "one line of JSON" },
  },
} as const;

describe("readOptions", () => {
  test("gives the defaults when nothing is given", () => {
    expect(readOptions(USAGE, [])).toEqual({
      kind: "values",
      values: { hours: 1_000, real: null, out: null, only: "tcp", json: false },
    });
  });

  test("gives the given values, with durations in milliseconds", () => {
    const words = "--hours 2.5 --real 30m --out=a.svg --only udp --json".split(" ");
    expect(readOptions(USAGE, words)).toEqual({
      kind: "values",
      values: { hours: 2.5, real: 1_800_000, out: "a.svg", only: "udp", json: true },
    });
  });

  test.each(["--help", "-h", "--json --help"])("prints every option for %s", (words) => {
    expect(readOptions(USAGE, words.split(" "))).toEqual({
      kind: "help",
      text: [
        "Usage: node bench.js [options]",
        "",
        "What it measures.",
        "",
        "  --hours N        hours to simulate (default 1000)",
        "  --real DURATION  run in real time",
        "  --out FILE       write it there",
        "  --only NAME      one protocol (default tcp)",
        "  --json           one line of JSON",
        "  --help           print this",
      ].join("\n"),
    });
  });

  test.each([
    ["--hour 5", /^Unknown option '--hour'\nnode bench\.js --help/],
    ["--hours", /'--hours <value>' argument missing/],
    ["--hours five", /^--hours five is no number$/],
    ["--hours=-5", /^--hours -5 is no number$/],
    ["--hours Infinity", /^--hours Infinity is no number$/],
    ["--real 30", /^--real 30 is no duration such as 30m$/],
    ["--json=yes", /'--json' does not take an argument/],
    ["tcp", /^Unexpected argument 'tcp'/],
  ])("refuses %s", (words, message) => {
    expect(readOptions(USAGE, words.split(" "))).toEqual({
      kind: "refused",
      message: expect.stringMatching(message) as string,
    });
  });
});
