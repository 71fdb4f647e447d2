import { describe, expect, test } from "vitest";
import { MONITOR_TYPES, monitorPassed } from "../../../src/probes/monitors/registry.ts";
import type { Observation, Outcome } from "../../../src/model/observation.ts";

function observation(outcome: Outcome): Observation {
  const facts = {
    startedAt: 0,
    durationMs: 0,
    phases: {},
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "", detail: null },
  };
  return outcome === "match" || outcome === "maintenance"
    ? { outcome, reason: "ok", step: "response", ...facts }
    : { outcome, reason: "protocol_error", step: "response", ...facts };
}

type Row = readonly [
  type: string,
  outcome: Outcome,
  direct: boolean | null,
  reverse: boolean | null,
];

describe("monitorPassed", () => {
  test.each<Row>([
    ["HTTP", "refused", false, false],
    ["HTTP", "match", true, false],
    ["HTTP", "mismatch", false, true],
    ["HTTP", "timeout", false, false],
    ["HTTP", "failed", false, false],
    ["HTTP", "maintenance", true, true],
    ["HTTP", "fault", null, null],
    ["PING", "match", true, false],
    ["PING", "timeout", false, true],
    ["TCP", "match", true, false],
    ["TCP", "refused", false, true],
    ["TCP", "timeout", false, false],
    ["TCP-ECV", "match", true, false],
    ["TCP-ECV", "mismatch", false, true],
    ["TCP-ECV", "timeout", false, false],
    ["HTTP-ECV", "mismatch", false, true],
    ["UDP-ECV", "mismatch", false, true],
  ])(
    "gives the expected result, direct and with reverse, for %s with outcome %s",
    (name, outcome, direct, reverse) => {
      const type = MONITOR_TYPES.get(name);
      if (type === undefined) {
        throw new Error(`${name} is not registered`);
      }
      expect(monitorPassed(type, false, observation(outcome))).toBe(direct);
      expect(monitorPassed(type, true, observation(outcome))).toBe(reverse);
    },
  );
});
