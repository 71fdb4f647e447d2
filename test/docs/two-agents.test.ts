import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { RECORDINGS } from "../../alerts/recordings.ts";
import { debianProgram } from "../support/debian-program.ts";
import { blocks, ROOT } from "./pages.ts";

const promtool = debianProgram("promtool", "prometheus");
const run = promisify(execFile);
const text = await readFile(join(ROOT, "docs", "two-agents.md"), "utf8");

function blockWith(key: string): string {
  return blocks(text, "yaml").find((block) => block.includes(`${key}:\n`)) ?? "";
}

test.skipIf(promtool === null)(
  "docs/two-agents.md › shows jobs and a rule that promtool accepts",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "adc-witness-two-agents-"));
    try {
      await cp(join(ROOT, "alerts"), join(directory, "rules"), { recursive: true });
      await writeFile(join(directory, "rules", "two-agents.rules.yml"), blockWith("groups"));
      const file = join(directory, "prometheus.yml");
      await writeFile(file, blockWith("scrape_configs"));
      const { stdout } = await run(promtool ?? "", ["check", "config", file]);
      expect(stdout).toMatch(/two-agents\.rules\.yml\n\s+SUCCESS: 1 rules found/);
      expect(stdout).not.toContain("FAILED");
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);

test("docs/two-agents.md › has every series that joins agents in its table", () => {
  const joined = RECORDINGS.map(({ record }) => record).filter((record) =>
    record.startsWith("adc_witness:member:"),
  );
  const shown = [...text.matchAll(/^\|.*\| `([a-z_:]+)` \|$/gm)].map(([, name]) => name);
  expect(shown.sort()).toEqual(joined.sort());
});
