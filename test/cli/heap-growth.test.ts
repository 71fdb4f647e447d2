import { expect, test } from "vitest";
import { heapGrowthFlags } from "../../src/cli/heap-growth.ts";

test.each([
  [{ probes: 100 }, [], []],
  [{ characters: 1_999_999 }, [], []],
  [{ characters: 2_000_000 }, [], ["--heap-growing-percent=40", "--semi-space-growth-factor=1"]],
  [{ probes: 999 }, [], []],
  [{ probes: 1_000 }, [], ["--heap-growing-percent=40"]],
  [{ probes: 10_000 }, ["--max-old-space-size=512"], ["--heap-growing-percent=40"]],
  [{ probes: 10_000 }, ["--heap-growing-percent=200"], []],
  [{ probes: 10_000 }, ["--heap_growing_percent=200"], []],
])(
  "heap growth › with %j and Node.js arguments %j gets the flags %j",
  (load, nodeArguments, flags) => {
    expect(heapGrowthFlags(load, nodeArguments)).toEqual(flags);
  },
);
