import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMENTS, GUIDE_2010, GUIDE_2016, TESTS } from "../../docs/guide-rows.ts";
import { ROOT } from "./pages.ts";

test.each(Object.values(TESTS))(
  "guide rows › name an existing test: $file › $title",
  ({ file, title }) => {
    const text = readFileSync(join(ROOT, file), "utf8");
    // A title as it is written in the file; a lint rule and a scenario by the key of their cases.
    const written = [`"${title}"`, `\n  ${title} {`];
    expect(written.some((each) => text.includes(each))).toBe(true);
  },
);

test("guide rows › appear once, and say what is missing when they name no test", () => {
  const rows = [...GUIDE_2010, ...GUIDE_2016, ...COMMENTS];
  expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length);
  expect(rows.filter(({ tests, missing }) => tests.length === 0 && missing === undefined)).toEqual(
    [],
  );
});

test("guide rows › use every test in the list", () => {
  const used = new Set([...GUIDE_2010, ...GUIDE_2016, ...COMMENTS].flatMap(({ tests }) => tests));
  expect(Object.keys(TESTS).filter((name) => !used.has(name as keyof typeof TESTS))).toEqual([]);
});
