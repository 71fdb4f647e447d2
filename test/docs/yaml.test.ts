import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { labAuthority } from "../../lab/certificates/lab-certificate.ts";
import { parseConfig } from "../../src/config/load.ts";
import { blocks, pages } from "./pages.ts";

const shown = (await pages())
  // The whole example has a test of its own.
  .filter(({ path }) => path !== "docs/configuration.md")
  .flatMap(({ path, text }) =>
    blocks(text, "yaml")
      .filter((block) => /^adcs:/m.test(block))
      .map((block) => ({ path, block })),
  );
let directory = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-yaml-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test("docs › show configurations in README.md, getting-started.md and deploy.md", () => {
  expect(shown.map(({ path }) => path)).toEqual(
    expect.arrayContaining(["README.md", "docs/getting-started.md", "docs/deploy.md"]),
  );
});

test.each(shown)("docs › show a valid configuration in $path", async ({ block }) => {
  const authority = labAuthority().certificate;
  const moved = block.replaceAll(
    /(_file: )([^\s,}]+)/g,
    (_, key: string, path: string) => `${key}${basename(path)}`,
  );
  for (const [, name = ""] of moved.matchAll(/_file: ([\w.-]+)/g)) {
    await writeFile(join(directory, name), name.endsWith(".pem") ? authority : "filled-in\n");
  }
  const read = await parseConfig(moved, { file: "shown.yml", baseDir: directory, env: {} });
  expect(read.kind === "config" ? read.warnings : read.problems).toEqual([]);
});
