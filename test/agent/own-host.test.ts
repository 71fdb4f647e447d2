import { describe, expect, test } from "vitest";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import type { PlanRow } from "../../src/agent/plan/plan-answer.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { targetCheck, BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { memberRow } from "../../src/web/api/verdicts.ts";
import { smallEstate } from "./small-estate.ts";

/** A dummy that is always up stands behind a redirect: three published guides have it so. */
const ALWAYS_UP = [
  "add lb monitor localhost_ping PING -LRTM DISABLED -destIP 127.0.0.1",
  "add service Always_UP_service 1.1.1.1 HTTP 80 -gslb NONE -maxClient 0",
  "bind service Always_UP_service -monitorName localhost_ping",
  "add lb vserver http_to_https HTTP 10.2.3.4 80 -persistenceType NONE",
  "bind lb vserver http_to_https Always_UP_service",
];

function rowsOf(
  lines: readonly string[],
  ways: Partial<Parameters<typeof targetCheck>[0]> = {},
): readonly PlanRow[] {
  const estate = parseNsConf(lines.join("\n"), { adc: "prod" });
  const targets = targetCheck({ connectTo: {}, allowTargets: [], listen: [], ...ways });
  return planJson(planProbes(estate, { ...BARE_SETTINGS, targets }), [estate]).probes;
}

function rowOf(rows: readonly PlanRow[], monitor: string): PlanRow | undefined {
  return rows.find((row) => row.monitor === monitor);
}

function at(address: string, monitor: string): readonly string[] {
  return [
    `add server ex01 ${address}`,
    "add service s ex01 HTTP 80",
    monitor,
    "bind service s -monitorName m",
  ];
}

describe("destIP", () => {
  test("plan › does not repeat a monitor when destIP is 127.0.0.1, the ADC itself", () => {
    const row = rowOf(rowsOf(ALWAYS_UP), "localhost_ping");
    expect(row).toMatchObject({
      supported: false,
      unsupported_reason: "destIP 127.0.0.1 is the ADC itself",
    });
  });

  test("plan › does not repeat a monitor with destIP 127.0.0.1 when loopback may be dialled", () => {
    const rows = rowsOf(ALWAYS_UP, { allowTargets: ["127.0.0.0/8"] });
    expect(rowOf(rows, "localhost_ping")).toMatchObject({ supported: false });
  });

  test("plan › probes destIP 127.0.0.1 when connect_to maps it", () => {
    const rows = rowsOf(ALWAYS_UP, { connectTo: { "127.0.0.1": "10.2.3.4" } });
    expect(rowOf(rows, "localhost_ping")).toMatchObject({ supported: true });
  });

  test.each(["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "100.100.100.200"])(
    "plan › does not repeat a monitor when destIP %s leads to the agent's own host",
    (address) => {
      const monitor = `add lb monitor m HTTP-ECV -send "GET /latest/meta-data" -recv x -destIP ${address}`;
      const row = rowOf(rowsOf(at("192.0.2.1", monitor)), "m");
      expect(row?.supported).toBe(false);
      expect(row?.unsupported_reason).toContain("allow_targets");
    },
  );
});

describe("member on the agent's own host", () => {
  test("verdict › is unknown, unsupported, when the ADC has the member UP", () => {
    const lines = at("127.0.0.66", "add lb monitor m TCP");
    const { hear, member } = smallEstate(lines.join("\n"));
    hear({ ex01: { state: "up" } });
    expect(memberRow(member("ex01"))).toMatchObject({
      verdict: "unknown",
      reason: "unsupported",
      opinions: { adc: "up", replica: "unknown" },
      monitors: [
        { monitor: "m", opinion: "unknown", reason: "unsupported" },
        { monitor: "web_answer", opinion: "unknown", reason: "unsupported" },
      ],
    });
  });

  const LOOK = 'add lb monitor m HTTP -httpRequest "HEAD /owa/healthcheck.htm" -respCode 200';

  test("plan › supports no monitor, look or VIP probe there", () => {
    const lines = [
      ...at("127.0.0.66", LOOK),
      "add lb vserver v HTTP 127.0.0.67 80",
      "bind lb vserver v s",
    ];
    const rows = rowsOf(lines);
    expect(rows.length).toBeGreaterThan(2);
    expect(new Set(rows.map((row) => row.supported))).toEqual(new Set([false]));
  });

  test("plan › supports all probes when allow_targets names the host", () => {
    const rows = rowsOf(at("127.0.0.66", LOOK), { allowTargets: ["127.0.0.66"] });
    expect(new Set(rows.map((row) => row.supported))).toEqual(new Set([true]));
  });

  test("plan › supports a PING only when the mapping has no port", () => {
    const lines = at("127.0.0.66", "add lb monitor m PING");
    const connectTo = { "127.0.0.66:80": "127.0.0.1:8080" };
    expect(rowOf(rowsOf(lines, { connectTo }), "m")).toMatchObject({ supported: false });
    expect(rowOf(rowsOf(lines, { connectTo: { "127.0.0.66": "127.0.0.1" } }), "m")).toMatchObject({
      supported: true,
    });
  });
});
