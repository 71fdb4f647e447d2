import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig, type LoadResult } from "../../src/config/load.ts";
import { formatProblem, type ConfigProblem } from "../../src/config/problems.ts";
import { ESTATE_RULES, MAINTENANCE_RULES } from "../../src/config/rules.ts";
import { NOTIFY_RULES } from "../../src/config/rules-notify.ts";
import { TRANSACTION_RULES } from "../../src/config/rules-transactions.ts";

const DIRECTORY = join(import.meta.dirname, "..", "fixtures", "config-invalid");
const ENV = { NITRO_PASSWORD: "canary-from-the-environment" };

/** Each file ends with what it must be told, one remark a line: `#! error 3:5 path: message`. */
const files = (await readdir(DIRECTORY)).filter((name) => name.endsWith(".yml")).sort();

function told(result: LoadResult): string[] {
  const line = (kind: string, problem: ConfigProblem): string =>
    `#! ${kind} ${formatProblem({ ...problem, file: "" }).replace(/^:/, "")}`;
  return result.kind === "invalid"
    ? result.problems.map((problem) => line("error", problem))
    : result.warnings.map((problem) => line("warning", problem));
}

describe("invalid configurations", () => {
  test.each(files)("%s is reported with place, problem and remedy", async (name) => {
    const file = join(DIRECTORY, name);
    const expected = (await readFile(file, "utf8"))
      .split("\n")
      .filter((line) => line.startsWith("#!"));
    const result = await loadConfig(file, ENV);
    expect(told(result)).toEqual(expected);
    expect(expected).not.toEqual([]);
    expect(JSON.stringify(result)).not.toMatch(/hunter2|canary|from-the-file/);
  });

  test("exist for every rule", () => {
    const rules = [
      ...ESTATE_RULES,
      ...TRANSACTION_RULES,
      ...MAINTENANCE_RULES,
      ...NOTIFY_RULES,
    ].map((rule) => `${rule.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.yml`);
    expect(rules.filter((rule) => !files.includes(rule))).toEqual([]);
  });
});
