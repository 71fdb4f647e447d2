import { describe, expect, test } from "vitest";
import { runYielding, runSync, mapInSteps, type Steps } from "../../src/lib/steps.ts";
import { inheritRecords, recordSteps } from "../../src/agent/records/build-records.ts";
import { observed, smallEstate } from "../agent/small-estate.ts";

describe("steps", () => {
  test("give the same result yielding and synchronously", async () => {
    const square = (number: number): number => number * number;
    expect(await runYielding(mapInSteps([1, 2, 3], square))).toEqual([1, 4, 9]);
    expect(runSync(mapInSteps([1, 2, 3], square))).toEqual([1, 4, 9]);
  });

  test("let other work run when a turn has lasted its time", async () => {
    let others = 0;
    let working = true;
    const count = (): void => {
      others += 1;
      if (working) {
        setImmediate(count);
      }
    };
    setImmediate(count);
    await runYielding(holding(5));
    working = false;
    expect(others).toBeGreaterThanOrEqual(4);
  });
});

/** Steps that each hold the event loop for longer than a turn. */
function* holding(steps: number): Steps<void> {
  for (let step = 0; step < steps; step++) {
    const until = performance.now() + 6;
    while (performance.now() < until) {
      // Busy on purpose.
    }
    yield;
  }
}

test("recordSteps › keeps a result that old records received while new ones were being made", () => {
  const { records, state, clock } = smallEstate(`
add lb monitor m TCP-ECV -recv READY -retries 1
add server ex01 192.0.2.1
add serviceGroup sg TCP
add lb vserver v TCP 192.0.2.9 25
bind lb vserver v sg
bind serviceGroup sg ex01 25
bind serviceGroup sg -monitorName m
`);
  const plan = records.probes.map(({ planned }) => planned);
  const making = recordSteps(records.estate, plan, {
    pollMs: 0,
    vservers: new Map(),
    now: () => clock.at,
  });
  making.next();
  const [old] = records.probes;
  if (old === undefined) {
    throw new Error("no probe in this estate");
  }
  state.recordResult(old, observed({ passed: false }), false);
  const made = runSync(making);
  expect(made.probes[0]?.opinion).toBe("unknown");
  inheritRecords(made, records);
  expect(made.probes[0]?.opinion).toBe("down");
  expect(made.members[0]?.replica).toBe("down");
});
