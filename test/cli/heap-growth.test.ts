import { expect, test } from "vitest";
import { heapGrowthFlag } from "../../src/cli/heap-growth.ts";

test.each([
  [100, [], null],
  [7_999, [], null],
  [8_000, [], "--heap-growing-percent=40"],
  [10_000, ["--max-old-space-size=512"], "--heap-growing-percent=40"],
  [10_000, ["--heap-growing-percent=200"], null],
  [10_000, ["--heap_growing_percent=200"], null],
])("with %i probes, started with %j, the heap is bounded by %j", (probes, nodeArguments, flag) => {
  expect(heapGrowthFlag(probes, nodeArguments)).toBe(flag);
});
