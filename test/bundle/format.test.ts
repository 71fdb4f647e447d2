import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseBundle, readBundle } from "../../src/bundle/format.ts";

const HEAD = JSON.stringify({
  kind: "bundle",
  version: 1,
  made_at: "2026-11-29T00:00:00.000Z",
  adc_witness: "1.0.0",
  node: "v20.20.2",
  platform: "linux",
});
const ANSWER = (rows: number | null): string =>
  JSON.stringify({
    kind: "answer",
    adc: "n1",
    node: 0,
    api: "config",
    resource: "lbvserver",
    rows,
    secondary: false,
    code: null,
    words: null,
  });
const ADC = JSON.stringify({
  kind: "adc",
  adc: "n1",
  firmware: null,
  nodes: 1,
  partition: false,
  ns_conf: false,
  failure: null,
});
const ROW = JSON.stringify({ kind: "row", fields: { name: "n2" } });

describe("bundle reader", () => {
  test.each<readonly [string, string, RegExp]>([
    ["an empty file", "", /not a bundle/],
    ["no JSON", "hello\n", /line 1: not a JSON/],
    ["JSON of something else", '{"a":1}\n', /not a bundle of adc-witness/],
    ["a later version", HEAD.replace('"version":1', '"version":2'), /unsupported version/],
    ["a row before its answer", `${HEAD}\n${ROW}\n`, /line 2: a row without an answer before it/],
    ["more rows than stated", `${HEAD}\n${ANSWER(1)}\n${ROW}\n${ROW}\n`, /line 4: a row without/],
    ["fewer rows than stated", `${HEAD}\n${ANSWER(2)}\n${ROW}\n`, /the file is incomplete/],
    ["a second head", `${HEAD}\n${HEAD}\n`, /line 2: a bundle must begin/],
    [
      "a path for a resource",
      `${HEAD}\n${ANSWER(0).replace("lbvserver", "../login")}\n`,
      /resource/,
    ],
    [
      "a billion management addresses",
      `${HEAD}\n${ADC.replace('"nodes":1', '"nodes":1e9')}\n`,
      /nodes/,
    ],
    ["a thousand ADCs", `${HEAD}\n${`${ADC}\n`.repeat(1_000)}`, /line 102: too many ADCs/],
    ["a node out of range", `${HEAD}\n${ANSWER(0).replace('"node":0', '"node":1e9')}\n`, /node/],
    [
      "a line of two megabytes",
      `${HEAD}\n"${"x".repeat(2_000_000)}"\n`,
      /line 2: the line is too long/,
    ],
    ["a line without end", `${HEAD}\n${"x".repeat(2_000_000)}`, /too long/],
    [
      "values nested a thousand deep",
      `${HEAD}\n${ANSWER(1)}\n{"kind":"row","fields":{"a":${"[".repeat(1_000)}${"]".repeat(1_000)}}}\n`,
      /line 3: not a JSON object/,
    ],
    [
      "values nested a hundred thousand deep",
      `${HEAD}\n${"[".repeat(100_000)}${"]".repeat(100_000)}\n`,
      /line 2: not a JSON object/,
    ],
  ])("refuses a file with its line: %s", (_what, text, words) => {
    expect(parseBundle(text)).toEqual({
      kind: "failed",
      message: expect.stringMatching(words) as unknown,
    });
  });

  test("skips and counts a kind of a later version", () => {
    expect(
      parseBundle(`${HEAD}\n{"kind":"weather","sun":true}\n${ANSWER(1)}\n${ROW}\n`),
    ).toMatchObject({
      kind: "bundle",
      bundle: { skippedLines: 1, answers: [{ resource: "lbvserver", fields: [{ name: "n2" }] }] },
    });
  });

  test("keeps a field called __proto__ as a field", () => {
    const read = parseBundle(
      `${HEAD}\n${ANSWER(1)}\n{"kind":"row","fields":{"__proto__":{"polluted":true}}}\n`,
    );
    expect(read.kind).toBe("bundle");
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("refuses a folder, a missing file and a device", async () => {
    const directory = await mkdtemp(join(tmpdir(), "adc-witness-bundle-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "one.jsonl");
    await writeFile(file, `${HEAD}\n`);
    expect((await readBundle(file)).kind).toBe("bundle");
    for (const path of [directory, join(directory, "none"), "/dev/zero"]) {
      expect((await readBundle(path)).kind).toBe("failed");
    }
  });
});
