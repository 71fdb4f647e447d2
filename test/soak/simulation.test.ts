import { expect, test } from "vitest";
import { simulate } from "../../bench/simulation/simulate.ts";

test("twenty simulated hours of maintenance, faults and flaps: no false alarm, no true one missed", () => {
  const result = simulate({ hours: 20, servers: 8, seed: 20261103 });
  expect(result.falseAlarms).toEqual([]);
  expect(result.missed).toEqual([]);
  const named = new Set(result.named.map((each) => each.alarm));
  expect([...named].sort()).toEqual([
    "false_down",
    "false_up",
    "maintenance_overrun",
    "routes_to_maintenance",
  ]);
  expect(result.flapping.named).toBeGreaterThan(0);
});
