import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { attackMaker } from "../../bench/fuzz/expressions.ts";
import { fuzz, readOne } from "../../bench/fuzz/fuzz.ts";
import { repositoryRoot } from "../../bench/fuzz/root.ts";
import { SOCKET_TARGETS, TARGETS } from "../../bench/fuzz/targets.ts";

/** Few enough for every test run; `npm run fuzz` makes a million each. */
const SLICE = 3_000;
/** What makes an estate or a configuration of an input takes longer than what reads a message. */
const SLOW_SLICE = 1_500;
const SLOW = new Set(["ns.conf", "nitro-import", "configuration", "web-config"]);
/** Over sockets of the operating system. */
const SOCKET_SLICE = 150;
const SEED = 20261103;
const attack = attackMaker();
const FIXTURES = join(repositoryRoot(), "test", "fixtures", "fuzz");

describe.each([...TARGETS, ...SOCKET_TARGETS])("%s", (name, make) => {
  const made = Promise.resolve().then(make);
  afterAll(async () => {
    await (await made).close?.();
  });

  test("accepts a slice of mutated real inputs", { timeout: 240_000 }, async () => {
    const inputs = sliceOf(name);
    const result = await fuzz(await made, { inputs, seed: SEED, attack });
    expect(result.findings.map(({ what }) => what)).toEqual([]);
    expect(result.inputs).toBe(inputs);
  });

  test.each(kept(name))("accepts an input that once failed: %s", async (file) => {
    const input = readFileSync(join(FIXTURES, name, file));
    expect(await readOne(await made, input)).toMatchObject({ what: null });
  });
});

function sliceOf(name: string): number {
  return SOCKET_TARGETS.has(name) ? SOCKET_SLICE : SLOW.has(name) ? SLOW_SLICE : SLICE;
}

function kept(name: string): string[] {
  const folder = join(FIXTURES, name);
  return existsSync(folder) ? readdirSync(folder) : [];
}
