import { describe, expect, test } from "vitest";
import type { BlindReason, MonitorState } from "../../../src/model/adc-state.ts";
import { blindReasons, probesUnchangedSince } from "../../../src/adc/nitro/roles.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";

const NOW = 10_000_000;

/** One service with one monitor, written as ns.conf writes it. */
function blind(
  text: { service?: string; monitor?: string; binding?: string },
  state: Partial<MonitorState> = {},
  live: { enabled?: boolean; busy?: boolean } = {},
): readonly BlindReason[] {
  const estate = parseNsConf(
    `add service svc 192.0.2.11 TCP 143 ${text.service ?? ""}
     add lb monitor m ${text.monitor ?? "TCP-ECV -recv ready -interval 30 -resptimeout 5 -downTime 2 MIN"}
     bind service svc -monitorName m ${text.binding ?? ""}`,
    { adc: "prod" },
  );
  const service = estate.services.get("svc");
  if (service === undefined) {
    throw new Error("the test's own configuration has no service");
  }
  const binding = service.monitors[0];
  return blindReasons({
    service,
    enabled: live.enabled ?? true,
    busy: live.busy ?? false,
    monitors: [
      {
        monitor: "m",
        state: "up",
        bindingEnabled: binding?.enabled ?? true,
        lastResponse: "Success - Pattern found in response.",
        responseTimeMs: 1,
        totalProbes: 100,
        failedProbes: 0,
        currentFailedProbes: 0,
        probesUnchangedSince: NOW - 10_000,
        ...state,
      },
    ],
    definitions: estate.monitors,
    now: NOW,
  });
}

describe("blind reasons", () => {
  test("are none when the ADC's probes advance", () => {
    expect(blind({})).toEqual([]);
  });

  test("are none when the ADC gives no counters", () => {
    expect(blind({}, { totalProbes: null, probesUnchangedSince: null })).toEqual([]);
  });
});

describe("reasons why an ADC state says little", () => {
  const still = { probesUnchangedSince: NOW - 3_600_000 };

  test.each<[string, BlindReason, readonly BlindReason[]]>([
    ["no health monitoring", "health_monitor_off", blind({ service: "-healthMonitor NO" })],
    [
      "no health monitoring, counters at rest",
      "health_monitor_off",
      blind({ service: "-healthMonitor NO" }, still),
    ],
    [
      "monitor disabled",
      "monitor_disabled",
      blind({ monitor: "TCP-ECV -recv x -state DISABLED" }, still),
    ],
    ["binding disabled", "binding_disabled", blind({ binding: "-monState DISABLED" }, still)],
    ["member disabled", "service_disabled", blind({}, still, { enabled: false })],
    ["client limit reached", "max_clients", blind({}, {}, { busy: true })],
    [
      "another cluster node probes",
      "cluster_non_owner",
      blind({}, { lastResponse: "Probing ownership is with some other node in cluster." }),
    ],
    [
      "live traffic seen instead of TCP probes",
      "traffic_suppression",
      blind({ monitor: "TCP -LRTM DISABLED" }, still),
    ],
    [
      "live responses watched instead of probes",
      "inline_traffic",
      blind({ monitor: "HTTP-INLINE" }, still),
    ],
    ["counters at rest", "probes_not_advancing", blind({}, still)],
    [
      "counters of a TCP monitor with LRTM at rest",
      "probes_not_advancing",
      blind({ monitor: "TCP -LRTM ENABLED" }, still),
    ],
  ])("%s gives %s", (_case, reason, found) => {
    expect(found).toEqual([reason]);
  });

  test("are all listed, in the order of the closed list, when several apply", () => {
    expect(
      blind(
        {
          service: "-healthMonitor NO",
          monitor: "TCP -state DISABLED",
          binding: "-monState DISABLED",
        },
        { lastResponse: "Probing ownership is with some other node in cluster" },
        { enabled: false, busy: true },
      ),
    ).toEqual([
      "health_monitor_off",
      "monitor_disabled",
      "binding_disabled",
      "service_disabled",
      "max_clients",
      "cluster_non_owner",
    ]);
  });
});

describe("counters at rest", () => {
  // Interval 30 s and response time-out 5 s while UP; down time 120 s otherwise.
  test.each([
    ["up", 65_000, []],
    ["up", 65_001, ["probes_not_advancing"]],
    ["down", 245_000, []],
    ["down", 245_001, ["probes_not_advancing"]],
  ] as const)(
    "are reported only after interval and time-out: %s for %i ms gives %j",
    (state, forMs, reasons) => {
      expect(blind({}, { state, probesUnchangedSince: NOW - forMs })).toEqual(reasons);
    },
  );

  const before: MonitorState = {
    monitor: "m",
    state: "up",
    bindingEnabled: true,
    lastResponse: null,
    responseTimeMs: null,
    totalProbes: 100,
    failedProbes: 0,
    currentFailedProbes: 0,
    probesUnchangedSince: 5_000,
  };
  test.each([
    ["first seen", 100, undefined, 9_000],
    ["same as before", 100, before, 5_000],
    ["advanced", 101, before, 9_000],
    ["reset by a failover", 3, before, 9_000],
    ["not reported", null, before, null],
    [
      "reported for the first time",
      100,
      { ...before, totalProbes: null, probesUnchangedSince: null },
      9_000,
    ],
  ] as const)(
    "are at rest since the right time when they were: %s",
    (_case, total, previous, since) => {
      expect(probesUnchangedSince(total, previous, 9_000)).toBe(since);
    },
  );
});
