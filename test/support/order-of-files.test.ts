import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { LONGEST, sideBySide, type Use } from "./order-of-files.ts";

function ordered(files: Readonly<Record<string, Use>>, workers: number): string {
  return sideBySide(Object.keys(files), (name) => files[name] ?? expect.fail(), workers).join(" ");
}

test("order of files › names files that are there", () => {
  expect(Object.keys(LONGEST).filter((path) => !existsSync(path))).toEqual([]);
});

test("order of files › begins with the longest when all fit", () => {
  const files = {
    short: { seconds: 1, load: 0.1 },
    long: { seconds: 9, load: 0.1 },
    middle: { seconds: 5, load: 0.1 },
  };
  expect(ordered(files, 3)).toBe("long middle short");
});

test("order of files › puts what waits beside what works when the processors are busy", () => {
  const files = {
    "works 9": { seconds: 9, load: 1 },
    "works 8": { seconds: 8, load: 1 },
    "works 7": { seconds: 7, load: 1 },
    "waits 6": { seconds: 6, load: 0.1 },
    "waits 5": { seconds: 5, load: 0.2 },
  };
  // Nothing fits beside the first two: what waits takes least. When that is over, the processors are still busy.
  expect(ordered(files, 3)).toBe("works 9 works 8 waits 6 waits 5 works 7");
});

test("order of files › keeps every file once and what is alike in its order", () => {
  const files = Object.fromEntries(
    Array.from({ length: 9 }, (_, at) => [`file-${String(at)}`, { seconds: 3, load: 1 }]),
  );
  expect(ordered(files, 4)).toBe(Object.keys(files).join(" "));
});
