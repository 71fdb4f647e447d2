import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMENTS, GUIDE_2010, GUIDE_2016, TESTS } from "../../docs/guide-rows.ts";
import { ROOT } from "./pages.ts";

test.each(Object.values(TESTS))("$file › $title is a test", ({ file, title }) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  // A title as it is written in the file; a lint rule and a scenario by the key of their cases.
  const written = [`"${title}"`, `\n  ${title} {`];
  expect(written.some((each) => text.includes(each))).toBe(true);
});

test("guides › the guides' rows are told once each, and what no test shows is said to be missing", () => {
  const rows = [...GUIDE_2010, ...GUIDE_2016, ...COMMENTS];
  expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length);
  expect(rows.filter(({ tests, missing }) => tests.length === 0 && missing === undefined)).toEqual(
    [],
  );
});

test("guides › every test that is named serves a row", () => {
  const used = new Set([...GUIDE_2010, ...GUIDE_2016, ...COMMENTS].flatMap(({ tests }) => tests));
  expect(Object.keys(TESTS).filter((name) => !used.has(name as keyof typeof TESTS))).toEqual([]);
});
