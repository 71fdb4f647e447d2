import { expect, test } from "vitest";
import { heapGrowthFlag } from "../../src/cli/heap-growth.ts";

test.each([
  [[], "--heap-growing-percent=70"],
  [["--max-old-space-size=512"], "--heap-growing-percent=70"],
  [["--heap-growing-percent=200"], null],
  [["--heap_growing_percent=200"], null],
])("started with %j, the heap is bounded by %j", (nodeArguments, flag) => {
  expect(heapGrowthFlag(nodeArguments)).toBe(flag);
});
