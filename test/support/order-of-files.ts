import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files whose tests wait most of the time (for probes, time-outs, a soak's length): more of them run side by side. */
export const WAITING = [
  "test/soak/real.test.ts",
  "test/docs/{api,commands}.test.ts",
  "test/e2e/*.test.ts",
  "test/faults/agent*.test.ts",
];

/** Long ones, the longest first: whatever begins last should be short. */
const LONG = [
  "test/soak/real.test.ts",
  "test/e2e/two-agents.test.ts",
  "test/faults/agent-kill.test.ts",
  "test/e2e/demo-scenarios.test.ts",
  "test/docs/commands.test.ts",
  "test/e2e/maintenance.test.ts",
  "test/faults/agent-descriptors.test.ts",
  "test/faults/table.test.ts",
  "test/web/page.test.ts",
  "test/probes/transactions/hostile/hostile.test.ts",
  "test/fuzz/",
  "test/soak/simulation.test.ts",
];

/** Runs the long files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((path) => moduleId.includes(`/${path}`));
  return at === -1 ? LONG.length : at;
}
