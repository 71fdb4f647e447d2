import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fuzz, readOne } from "../../bench/fuzz/fuzz.ts";
import { repositoryRoot } from "../../bench/fuzz/root.ts";
import { TARGETS } from "../../bench/fuzz/targets.ts";

/** Few enough for every test run; `npm run fuzz` makes a million each. */
const SLICE = 3_000;
/** Whole files, whole imports, whole conversations over sockets. */
const SLOW_SLICE = 300;
const QUICK = new Set([
  "nitro-envelope",
  "maintenance",
  "query",
  "http",
  "greeting",
  "certificate",
  "dns",
  "ber",
  "snmp",
  "radius",
  "ntlm",
  "dcerpc",
]);
const SEED = 20261103;
const FIXTURES = join(repositoryRoot(), "test", "fixtures", "fuzz");

describe.each([...TARGETS])("%s", (name, make) => {
  const made = Promise.resolve().then(make);
  afterAll(async () => {
    await (await made).close?.();
  });

  test("takes a slice of mutated real inputs", { timeout: 240_000 }, async () => {
    const inputs = QUICK.has(name) ? SLICE : SLOW_SLICE;
    const result = await fuzz(await made, { inputs, seed: SEED });
    expect(result.findings.map(({ what }) => what)).toEqual([]);
    expect(result.inputs).toBe(inputs);
  });

  test.each(kept(name))("takes what was once too much for it: %s", async (file) => {
    const input = readFileSync(join(FIXTURES, name, file));
    expect(await readOne(await made, input)).toMatchObject({ what: null });
  });
});

function kept(name: string): string[] {
  const folder = join(FIXTURES, name);
  return existsSync(folder) ? readdirSync(folder) : [];
}
