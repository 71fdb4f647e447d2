import { describe, expect, test } from "vitest";
import type { MemberState, MonitorState } from "../../src/model/adc-state.ts";
import {
  observed,
  smallEstate,
  type SmallEstate,
  type SmallEstateOptions,
} from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add serviceGroup sg_imap TCP
add lb monitor m_imap TCP -interval 5 -resptimeout 2 -downTime 30
add lb vserver v_imap TCP 10.0.0.100 1143
bind serviceGroup sg_imap ex01 1143
bind serviceGroup sg_imap -monitorName m_imap
bind lb vserver v_imap sg_imap
`;
const GOOD = observed({ passed: true });
const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });
const SILENT = observed({
  passed: false,
  outcome: "timeout",
  reason: "connect_timeout",
  step: "connect",
  phases: {},
});
const CLOSED = observed({
  passed: false,
  outcome: "failed",
  reason: "closed_without_data",
  step: "banner",
});

function world(options: SmallEstateOptions = {}): SmallEstate {
  return smallEstate(CONF, options);
}

/** The member after the ADC's word and so many results of its monitor. */
function judged(
  state: MemberState["state"],
  monitor: ReturnType<typeof observed>,
  times: number,
  options: SmallEstateOptions = {},
) {
  const one = world(options);
  one.hear({ ex01: { state } });
  one.observe("m_imap", "ex01", monitor, times);
  return { ...one, ex01: one.member("ex01") };
}

describe("member verdict", () => {
  test("is settling within the grace period and false_up after it when the ADC says UP and the probe fails", () => {
    // Three retries 5 s apart and 2 s of time-out.
    const { ex01, clock, state, hearAgain } = judged("up", REFUSED, 3);
    expect(ex01.verdict).toBe("settling");
    clock.at += 17_000;
    hearAgain();
    expect(ex01.verdict).toBe("settling");
    clock.at += 1;
    state.evaluateAll();
    expect(ex01).toMatchObject({ verdict: "false_up", mismatch: true, reason: "refused" });
    expect(ex01.since).toBe(clock.at);
    clock.at += 9_000;
    state.evaluateAll();
    expect(ex01.mismatchSeconds).toBe(9);
  });

  test.each([
    ["UP", "down", REFUSED, 3, "up", "false_up", 17_000],
    ["DOWN", "up", GOOD, 1, "down", "false_down", 32_000],
  ] as const)(
    "accuses the ADC of nothing when it last said %s before NITRO failed and our probes then find the member %s",
    (_said, _found, monitor, times, state, accusation, adcNeedsMs) => {
      const pollMs = 15_000;
      const one = world({ pollMs });
      one.hear({ ex01: { state } });
      one.observe("m_imap", "ex01", state === "up" ? GOOD : REFUSED, 3);
      // The server changes just after a poll, and NITRO does not answer from here on: the last known state is held.
      one.clock.at += 1_000;
      one.observe("m_imap", "ex01", monitor, times);
      const ex01 = one.member("ex01");
      expect(ex01).toMatchObject({ verdict: "settling", adcOpinion: state });
      one.later(adcNeedsMs + pollMs + 1);
      one.state.evaluateAll();
      expect(ex01).toMatchObject({ verdict: "settling", adcOpinion: state, mismatch: false });
      // A poll that asked a moment too soon ends, and tells nothing of the moment in which the ADC would have noticed.
      one.clock.at -= pollMs + 2;
      one.hearAgain();
      one.clock.at += pollMs + 2;
      one.state.evaluateAll();
      expect(ex01.verdict).toBe("settling");
      one.hearAgain();
      expect(ex01).toMatchObject({ verdict: accusation, mismatch: true });
      // An ADC that is given up is accused of nothing; nor is it when it comes back with another word.
      one.state.applyAdcPoll("prod", null);
      expect(ex01.verdict).toBe("unknown");
      one.hear({ ex01: { state: state === "up" ? "down" : "up" } });
      expect(ex01.mismatch).toBe(false);
    },
  );

  test("is unknown, not_configured, when the ADC has no NITRO access", () => {
    const { member, observe } = world({ nitro: false });
    observe("m_imap", "ex01", GOOD);
    expect(member("ex01")).toMatchObject({ verdict: "unknown", reason: "not_configured" });
  });

  test("is unknown while the agent is cut off, and failures of that time are discarded when the cut-off ends", () => {
    const { ex01, state, observe } = judged("up", GOOD, 1);
    state.cutOff = true;
    observe("m_imap", "ex01", SILENT, 5);
    expect(ex01).toMatchObject({ verdict: "unknown", replica: "unknown", reason: "agent_path" });
    state.cutOff = false;
    observe("m_imap", "ex01", GOOD);
    expect(ex01).toMatchObject({ verdict: "agree_up", replica: "up" });
  });
});

describe("silent member", () => {
  test.each([
    ["only time-outs of TCP", SILENT, "unknown", "agent_path"],
    [
      "only unanswered datagrams",
      observed({ passed: false, outcome: "timeout", reason: "response_timeout", phases: {} }),
      "unknown",
      "agent_path",
    ],
    [
      "a handshake and then nothing",
      observed({ passed: false, outcome: "timeout", reason: "response_timeout" }),
      "down",
      "response_timeout",
    ],
    ["a refusal", REFUSED, "down", "refused"],
  ])("is judged by what was seen: %s", (_name, seen, replica, reason) => {
    const { ex01 } = judged("up", seen, 3);
    expect(ex01).toMatchObject({ replica, reason });
  });

  test("is down when it has answered before", () => {
    const { ex01, observe } = judged("up", GOOD, 1);
    observe("m_imap", "ex01", SILENT, 3);
    expect(ex01.replica).toBe("down");
  });

  test("is unknown, auth_rejected, not silent, when it rejects the login", () => {
    const fault = observed({
      passed: false,
      outcome: "fault",
      reason: "auth_rejected",
      step: "login",
    });
    const { ex01 } = judged("up", fault, 3);
    expect(ex01).toMatchObject({ verdict: "unknown", replica: "unknown", reason: "auth_rejected" });
  });
});

describe("maintenance requested by the server", () => {
  test("is recognised when our own probe gets the TROFS answer", () => {
    const trofs = observed({ passed: true, outcome: "maintenance" });
    const { ex01 } = judged("leaving", trofs, 1);
    expect(ex01).toMatchObject({ replica: "up", verdict: "drained" });
    expect(ex01.maintenance).toMatchObject({ declared: "open", adc: true });
  });

  test("is recognised when only the ADC got the TROFS answer", () => {
    const { hear, member } = world();
    hear({ ex01: { state: "leaving", trofsReason: "TROFS" } });
    expect(member("ex01")).toMatchObject({ verdict: "drained" });
    hear({ ex01: { state: "out", trofsReason: null } });
    expect(member("ex01")).toMatchObject({ verdict: "drained_undeclared" });
  });
});

describe("member verdict of a single look", () => {
  const counting = (currentFailedProbes: number): MonitorState[] => [
    {
      monitor: "m_imap",
      state: "up",
      bindingEnabled: true,
      lastResponse: null,
      responseTimeMs: null,
      totalProbes: 10,
      failedProbes: 1,
      currentFailedProbes,
    },
  ];

  test.each([
    ["changed 16 s ago", { sinceMs: 16_000 }, "settling"],
    ["changed 18 s ago", { sinceMs: 18_000 }, "false_up"],
    ["does not tell when it changed", { sinceMs: null }, "false_up"],
    ["counts failures", { sinceMs: 3_600_000, monitors: counting(2) }, "settling"],
    ["counts none", { sinceMs: 3_600_000, monitors: counting(0) }, "false_up"],
  ])("counts the grace period when the ADC says UP and %s: %s", (_name, said, verdict) => {
    const { hear, observe, member } = world({ grace: "single_look" });
    observe("m_imap", "ex01", REFUSED, 3);
    hear({ ex01: { state: "up", ...said } });
    expect(member("ex01").verdict).toBe(verdict);
  });

  test("counts down time and time-out, not failed probes, towards the grace period when the ADC says DOWN", () => {
    const { hear, observe, member } = world({ grace: "single_look" });
    observe("m_imap", "ex01", GOOD);
    hear({ ex01: { state: "down", sinceMs: 32_000 } });
    expect(member("ex01").verdict).toBe("settling");
    hear({ ex01: { state: "down", sinceMs: 32_001, monitors: counting(9) } });
    expect(member("ex01").verdict).toBe("false_down");
  });
});

describe("member state times", () => {
  test("record a state change at the second differing ADC state, not at the first or when the ADC is silent", () => {
    const { hear, member, clock, state } = world();
    hear({ ex01: { state: "up" } });
    expect(member("ex01").adcStateChangedAt).toBeNull();
    clock.at += 5_000;
    hear({ ex01: { state: "down" } });
    const changedAt = clock.at;
    expect(member("ex01").adcStateChangedAt).toBe(changedAt);
    clock.at += 5_000;
    state.applyAdcPoll("prod", null);
    expect(member("ex01").adcStateChangedAt).toBe(changedAt);
  });

  test.each([
    ["NITRO is silent", null],
    ["a secondary or an answer without this member does not report it", "unknown"],
  ] as const)(
    "record no state change when %s, but one when another state follows",
    (_what, silence) => {
      const { hear, member, clock, state } = world();
      const say = (adc: "up" | "down" | null | "unknown"): number | null => {
        clock.at += 5_000;
        if (adc === null) {
          state.applyAdcPoll("prod", null);
        } else {
          hear({ ex01: { state: adc } });
        }
        return member("ex01").adcStateChangedAt;
      };
      const said = [say("up"), say(silence), say("up"), say(silence), say("down"), say(silence)];
      const downAt = clock.at - 5_000;
      expect(said).toEqual([null, null, null, null, downAt, downAt]);
    },
  );

  test("take the out-of-service time from the ADC when the member is first found out of service", () => {
    const { hear, member, clock, state } = world();
    hear({ ex01: { state: "out", sinceMs: 600_000 } });
    const outSince = clock.at - 600_000;
    expect(member("ex01").outSince).toBe(outSince);
    state.applyAdcPoll("prod", null);
    expect(member("ex01").outSince).toBe(outSince);
    hear({ ex01: { state: "up" } });
    expect(member("ex01").outSince).toBeNull();
  });

  test("make a member ready or overdue when it is out of service and good for the stability time", () => {
    for (const [declared, verdict] of [
      ["open", "ready_to_return"],
      ["over", "return_overdue"],
      ["no", "drained_undeclared"],
    ] as const) {
      const { ex01, later, state } = judged("out", GOOD, 1, { declared });
      expect(ex01.verdict).not.toBe("ready_to_return");
      later(60_000);
      state.evaluateAll();
      expect(ex01.verdict).toBe(verdict);
    }
  });
});

describe("maintenance seen by a look", () => {
  function exchange(): SmallEstate {
    const conf = CONF.replace(
      "m_imap TCP ",
      'm_imap TCP-ECV -send "" -recv "Microsoft Exchange IMAP4" ',
    );
    return smallEstate(conf);
  }

  test("is reported as routes_to_maintenance at once when two connections in a row are accepted and closed while the monitor passes", () => {
    const { hear, observe, member, state } = exchange();
    const look = state.probes.find(({ transaction }) => transaction === "imap_greeting");
    expect(look, "IMAP is recognised by its banner").toBeDefined();
    hear({ ex01: { state: "up" } });
    observe("m_imap", "ex01", GOOD);
    observe("imap_greeting", "ex01", CLOSED);
    expect(member("ex01").verdict).toBe("agree_up");
    observe("imap_greeting", "ex01", CLOSED);
    expect(member("ex01")).toMatchObject({
      verdict: "routes_to_maintenance",
      service: "down",
      reason: "closed_without_data",
    });
    expect(member("ex01").maintenance.detected).toBe(true);
    observe("imap_greeting", "ex01", GOOD, 2);
    expect(member("ex01")).toMatchObject({ verdict: "agree_up", service: "up" });
  });
});
