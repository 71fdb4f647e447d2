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

describe("every command of lint, applied and read again", () => {
  test.each(files)("%s", (file) => {
    const failures = proofFailures(read(file));
    expect(failures, failures.join("\n\n")).toEqual([]);
  });

  /** Some thousand of them are in the long lane: proof-of-many.test.ts. */
  test("random estates", () => {
    proveRandomEstates(60);
  });
});

describe("the batch of all complete fixes", () => {
  test.each(files)("leaves nothing in %s that a command could still mend", (file) => {
    const text = read(file);
    const found = lint(parseNsConf(text, { adc: "test" }));
    const { commands } = fixBatch(text, found, () => true);
    const after = lint(parseNsConf([text, ...commands].join("\n"), { adc: "test" }));
    expect(
      after.filter(({ complete }) => complete).map(({ rule, object }) => `${rule} ${object}`),
    ).toEqual([]);
  });
});
