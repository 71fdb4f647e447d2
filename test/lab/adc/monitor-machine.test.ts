import { describe, expect, test } from "vitest";
import { MonitorMachine, type MachineSettings } from "../../../lab/adc/monitor-machine.ts";

const defaults: MachineSettings = {
  intervalMs: 5_000,
  downTimeMs: 30_000,
  retries: 3,
  failureRetries: 0,
  successRetries: 1,
};

/** Runs a sequence of probes, `+` success and `-` failure, and gives the state after each: U, D or ?. */
function states(story: string, settings: Partial<MachineSettings> = {}): string {
  const machine = new MonitorMachine({ ...defaults, ...settings });
  return [...story]
    .map((probe) => {
      machine.record(probe === "+");
      return { UP: "U", DOWN: "D", UNKNOWN: "?" }[machine.state];
    })
    .join("");
}

describe("MonitorMachine", () => {
  test.each([
    ["one success settles a new monitor", "+", "U", {}],
    ["all retries must fail in a row", "+--+---", "UUUUUUD", {}],
    ["a new monitor that fails goes down after its retries", "---", "??D", {}],
    ["one success brings it back", "---+", "??DU", {}],
    ["successRetries must come in a row", "---+-++", "??DDDDU", { successRetries: 2 }],
    ["failureRetries counts within the last retries", "++-+-", "UUUUD", { failureRetries: 2 }],
    ["failures outside the window are forgotten", "+-++-++-", "UUUUUUUU", { failureRetries: 2 }],
  ] as const)("follows the rule: %s", (_, story, expected, settings) => {
    expect(states(story, settings)).toBe(expected);
  });

  test("probes every interval when up and every downTime when down", () => {
    const machine = new MonitorMachine(defaults);
    machine.record(true);
    expect(machine.periodMs).toBe(5_000);
    for (const success of [false, false, false]) {
      machine.record(success);
    }
    expect(machine.periodMs).toBe(30_000);
  });
});
