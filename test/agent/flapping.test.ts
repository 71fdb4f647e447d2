import { describe, expect, test } from "vitest";
import type { MonitorState } from "../../src/model/adc-state.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add serviceGroup sg_owa SSL
add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES -interval 5 -resptimeout 2 -downTime 30
add lb vserver v_owa SSL 10.0.0.100 443
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa -monitorName m_owa
bind lb vserver v_owa sg_owa
`;
const GOOD = observed({ passed: true });
const SLOW = "Failure - Time out during SSL handshake stage";

/**
 * Ten minutes in which the ADC has it DOWN for 20 s of every minute, and our probes see what they are given. `pair`: one node
 * has taken over from the other just before, as each poll reports from then on.
 */
function flap(
  seen: (second: number) => ReturnType<typeof observed>,
  pair: "alone" | "failed_over" = "alone",
): SmallEstate {
  const world = smallEstate(CONF, { pollMs: 5_000 });
  const begin = world.clock.at;
  for (let second = 0; second <= 600; second += 5) {
    world.clock.at = begin + second * 1_000;
    const phase = second % 60;
    const down = phase >= 30 && phase < 50;
    const monitor: Pick<MonitorState, "monitor" | "state" | "lastResponse"> = {
      monitor: "m_owa",
      state: down ? "down" : "up",
      lastResponse: down ? SLOW : "Success - Pattern found in response.",
    };
    if (pair === "failed_over") {
      world.member("ex01").failedOver(begin - 60_000);
    }
    world.hear({
      ex01: {
        state: down ? "down" : "up",
        monitors: [monitor as MonitorState],
      },
    });
    world.observe("m_owa", "ex01", { ...seen(second), startedAt: world.clock.at });
    world.observe("https_challenge", "ex01", { ...GOOD, startedAt: world.clock.at });
    world.state.evaluateAll();
  }
  return world;
}

describe("ADC flapping", () => {
  test("is a finding with the ADC's last responses when no flap lasts as long as the grace period", () => {
    const world = flap(() => GOOD);
    const member = world.member("ex01");
    expect(member.verdict).toBe("agree_up");
    expect(member).toMatchObject({
      reason: "flapping",
      flapping: { flaps: 10, lastResponses: [SLOW] },
      stateChanges: { adc: 20, replica: 0, service: 0 },
    });
    expect(world.state.findings).toMatchObject([
      { kind: "adc_flapping", server: "ex01", port: 443, flapping: { flaps: 10 } },
    ]);
    expect(world.state.findings[0]?.message).toContain(SLOW);
  });

  test("is a finding when it follows a failover", () => {
    const world = flap(() => GOOD, "failed_over");
    expect(world.member("ex01").flapping).toMatchObject({ flaps: 10 });
  });

  test("ends a quarter of an hour after the last flap", () => {
    const world = flap(() => GOOD);
    world.later(16 * 60_000);
    world.hear({ ex01: { state: "up" } });
    world.state.evaluateAll();
    expect(world.member("ex01").flapping).toBeNull();
    expect(world.state.findings).toEqual([]);
  });

  test("is not reported when our probes fail at the same times", () => {
    const bad = observed({ passed: false });
    const world = flap((second) => (second % 60 >= 20 && second % 60 < 50 ? bad : GOOD));
    expect(world.member("ex01")).toMatchObject({ flapping: null });
    expect(world.member("ex01").stateChanges.replica).toBeGreaterThan(10);
  });

  test("is not reported when one of our probes fails beside each flap", () => {
    const bad = observed({ passed: false });
    const world = flap((second) => (second % 60 === 30 ? bad : GOOD));
    expect(world.member("ex01").flapping).toBeNull();
  });

  test("is not reported when the member is taken out of service and back repeatedly", () => {
    const world = smallEstate(CONF, { pollMs: 5_000 });
    for (let round = 0; round < 8; round++) {
      for (const state of ["up", "leaving", "out", "down", "up"] as const) {
        world.clock.at += 15_000;
        world.hear({ ex01: { state } });
        world.observe("m_owa", "ex01", { ...GOOD, startedAt: world.clock.at });
        world.state.evaluateAll();
      }
    }
    expect(world.member("ex01").flapping).toBeNull();
  });

  test("counts no state change when a failover makes the other node's times start anew", () => {
    const world = smallEstate(CONF, { pollMs: 5_000 });
    world.hear({ ex01: { state: "up", sinceMs: 3_600_000 } });
    world.clock.at += 15_000;
    world.member("ex01").failedOver(world.clock.at);
    world.hear({ ex01: { state: "up", sinceMs: 1_000 } });
    expect(world.member("ex01").stateChanges.adc).toBe(0);
  });

  test("is derived from the ADC's time of last change when every poll finds the member UP", () => {
    const world = smallEstate(CONF, { pollMs: 60_000 });
    for (let minute = 0; minute < 5; minute++) {
      world.clock.at += 60_000;
      world.hear({ ex01: { state: "up", sinceMs: minute === 0 ? 3_600_000 : 20_000 } });
      world.observe("m_owa", "ex01", { ...GOOD, startedAt: world.clock.at });
      world.observe("https_challenge", "ex01", { ...GOOD, startedAt: world.clock.at });
      world.state.evaluateAll();
    }
    expect(world.member("ex01")).toMatchObject({ verdict: "agree_up", flapping: { flaps: 4 } });
  });

  test("is a finding for each of two servers, and no verdict, when they flap in turn", () => {
    const both = CONF.replace(
      "add server ex01 10.0.0.1",
      "add server ex01 10.0.0.1\nadd server ex02 10.0.0.2",
    ).replace(
      "bind serviceGroup sg_owa ex01 443",
      "bind serviceGroup sg_owa ex01 443\nbind serviceGroup sg_owa ex02 443",
    );
    const world = smallEstate(both, { pollMs: 5_000 });
    const begin = world.clock.at;
    const seen = new Set<string>();
    for (let second = 0; second <= 300; second += 5) {
      world.clock.at = begin + second * 1_000;
      const phase = second % 60;
      world.hear({
        ex01: { state: phase < 20 ? "down" : "up" },
        ex02: { state: phase >= 30 && phase < 50 ? "down" : "up" },
      });
      for (const server of ["ex01", "ex02"]) {
        world.observe("m_owa", server, { ...GOOD, startedAt: world.clock.at });
        world.observe("https_challenge", server, { ...GOOD, startedAt: world.clock.at });
      }
      world.state.evaluateAll();
      world.state.members.forEach(({ verdict }) => seen.add(verdict));
    }
    expect([...seen].sort()).toEqual(["agree_up", "settling"]);
    expect(world.state.findings.map((found) => "server" in found && found.server)).toEqual([
      "ex01",
      "ex02",
    ]);
  });
});
