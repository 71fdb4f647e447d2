import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SCENARIO_NAMES } from "../../lab/scenarios.ts";
import { runLint } from "../../src/cli/lint.ts";
import { ROOT } from "./pages.ts";

const readme = await readFile(join(ROOT, "README.md"), "utf8");

test("README.md › shows lint output as lint prints it for the demo's ns.conf", async () => {
  let out = "";
  await runLint(
    join(ROOT, "lab", "demo.conf"),
    {
      ...{ format: "text", matrix: false, severity: "warning", rules: [], object: null },
      ...{ config: null, strict: false, writeFixes: null },
    },
    { out: (text) => (out += text), err: (text) => expect.unreachable(text) },
  );
  const said = out.split("\n");
  const shown = /^\$ adc-witness lint ns\.conf\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? "";
  const lines = shown.trimEnd().split("\n");
  expect(lines).toHaveLength(6);
  for (const line of lines) {
    const begin = line.replace(/…$/, "");
    expect([line, said.some((each) => each.startsWith(begin))]).toEqual([line, true]);
  }
});

test("README.md › gives the number of scenarios that exist", () => {
  expect(/names (\d+) scenarios/.exec(readme)?.[1]).toBe(String(SCENARIO_NAMES.length));
});

test("docs/recording › shows the demo up to the wrong row, and its picture loads nothing else", async () => {
  const cast = await readFile(join(ROOT, "docs", "recording", "demo.cast"), "utf8");
  const [header, ...events] = cast
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(header).toMatchObject({ version: 2, width: 80, height: 24 });
  const times = events.map((event) => (event as [number, string, string])[0]);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const svg = await readFile(join(ROOT, "docs", "recording", "demo.svg"), "utf8");
  for (const text of [cast, svg]) {
    expect(text).toContain("The story begins when every row is judged");
    expect(text).toContain("in maintenance, still gets clients");
  }
  expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
    /<script|href|url\(|@import|\son\w+=/,
  );
  expect(svg.length).toBeLessThan(150_000);
});
