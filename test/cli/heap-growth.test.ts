import { expect, test } from "vitest";
import { heapGrowthFlag } from "../../src/cli/heap-growth.ts";

test.each([
  [{ probes: 100 }, [], null],
  [{ characters: 1_999_999 }, [], null],
  [{ characters: 2_000_000 }, [], "--heap-growing-percent=100"],
  [{ probes: 999 }, [], null],
  [{ probes: 1_000 }, [], "--heap-growing-percent=40"],
  [{ probes: 10_000 }, ["--max-old-space-size=512"], "--heap-growing-percent=40"],
  [{ probes: 10_000 }, ["--heap-growing-percent=200"], null],
  [{ probes: 10_000 }, ["--heap_growing_percent=200"], null],
])(
  "heap growth › with %j, started with %j, the heap is bounded by %j",
  (load, nodeArguments, flag) => {
    expect(heapGrowthFlag(load, nodeArguments)).toBe(flag);
  },
);
