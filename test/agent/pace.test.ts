import { describe, expect, test } from "vitest";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";

const MEMBER = "add serviceGroup sg TCP\nbind serviceGroup sg 192.0.2.1 80\n";

function planned(monitor: string, minIntervalMs?: number) {
  const text = `${MEMBER}${monitor}\nbind serviceGroup sg -monitorName m`;
  const [probe] = planProbes(parseNsConf(text, { adc: "a" }), {
    ...BARE_SETTINGS,
    ...(minIntervalMs === undefined ? {} : { minIntervalMs }),
  });
  if (probe?.action.kind !== "monitor") {
    throw new Error("no replica was planned");
  }
  return { interval: probe.intervalMs, down: probe.action.monitor.downTimeMs, note: probe.note };
}

describe("pace of replicas", () => {
  test("is the ADC's interval when that is at or above the minimum", () => {
    expect(planned("add lb monitor m TCP -interval 100 MSEC -downTime 30 SEC")).toEqual({
      interval: 100,
      down: 30_000,
      note: null,
    });
  });

  test("is the minimum, with a note, when the ADC's interval or down time is shorter", () => {
    expect(planned("add lb monitor m TCP -interval 1 MSEC -downTime 10 MSEC")).toEqual({
      interval: 100,
      down: 100,
      note: "the ADC probes every 1 ms, this agent at most every 100 ms (min_probe_interval)",
    });
    expect(planned("add lb monitor m TCP -downTime 1 MSEC")).toMatchObject({
      interval: 5_000,
      down: 100,
    });
  });

  test("follows min_probe_interval when it is configured", () => {
    expect(planned("add lb monitor m TCP -interval 1 MSEC", 2_500).interval).toBe(2_500);
    expect(planned("add lb monitor m TCP -interval 20 MSEC", 10)).toMatchObject({
      interval: 20,
      note: null,
    });
  });
});
