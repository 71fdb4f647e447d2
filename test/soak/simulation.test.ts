import { expect, test } from "vitest";
import { simulate } from "../../bench/simulation/simulate.ts";

test("fourteen simulated hours of maintenance, faults and flaps: no false alarm, no true one missed", () => {
  const result = simulate({ hours: 14, servers: 10, seed: 2 });
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
