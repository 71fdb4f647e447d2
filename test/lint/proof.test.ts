import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { fixBatch } from "../../src/lint/fix-batch.ts";
import { lint } from "../../src/lint/lint.ts";
import { proofFailures, proveRandomEstates } from "./proof.ts";

const FOLDER = new URL("../fixtures/", import.meta.url);
const files = ["ns.conf", "ns.conf-forms"].flatMap((folder) =>
  readdirSync(new URL(folder, FOLDER))
    .sort()
    .map((file) => `${folder}/${file}`),
);

function read(file: string): string {
  return readFileSync(new URL(file, FOLDER), "utf8");
}

describe("lint commands, applied and read again", () => {
  test.each(files)("fix their findings in %s", (file) => {
    const failures = proofFailures(read(file));
    expect(failures, failures.join("\n\n")).toEqual([]);
  });

  /** Some thousand of them are in the long lane: proof-of-many.test.ts. */
  test("fix their findings in random estates", () => {
    proveRandomEstates(60);
  });
});

describe("batch of all complete fixes", () => {
  test.each(files)("leaves nothing in %s that a command could still fix", (file) => {
    const text = read(file);
    const found = lint(parseNsConf(text, { adc: "test" }));
    const { commands } = fixBatch(text, found, () => true);
    const after = lint(parseNsConf([text, ...commands].join("\n"), { adc: "test" }));
    expect(
      after.filter(({ complete }) => complete).map(({ rule, object }) => `${rule} ${object}`),
    ).toEqual([]);
  });
});
