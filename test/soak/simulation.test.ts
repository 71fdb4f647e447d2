import { expect, test } from "vitest";
import { simulate } from "../../bench/simulation/simulate.ts";

test("simulate › gives no false and no missed alarm in twelve simulated hours of faults", () => {
  const result = simulate({ hours: 12, servers: 4, seed: 2 });
  expect(result.falseAlarms).toEqual([]);
  expect(result.missed).toEqual([]);
  const named = new Set(result.named.map((each) => each.alarm));
  expect([...named].sort()).toEqual([
    "auth_rejected",
    "false_down",
    "false_up",
    "maintenance_overrun",
    "routes_to_maintenance",
    "strict_monitor",
  ]);
  expect(result.flapping.named).toBeGreaterThan(0);
  expect(result.logins.named).toBeGreaterThan(0);
});
