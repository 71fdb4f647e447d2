import { describe, expect, test } from "vitest";
import { ClockStepDetector } from "../../src/lib/timers.ts";
import { createDeclarations } from "../../src/maintenance/declarations.ts";
import { EMPTY_STORE } from "../../src/maintenance/store.ts";
import {
  observed,
  smallEstate,
  STARTED_AT,
  type SmallEstate,
  type SmallEstateOptions,
} from "../agent/small-estate.ts";

/** Grace: three retries 5 s apart and 2 s of time-out. */
const CONF = `add server ex01 10.0.0.1
add serviceGroup sg_imap TCP
add lb monitor m_imap TCP-ECV -recv "The Microsoft Exchange IMAP4 service is ready." -interval 5 -resptimeout 2 -downTime 30
add lb vserver v_imap TCP 10.0.0.100 143
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap -monitorName m_imap
bind lb vserver v_imap sg_imap
`;
const GRACE_MS = 77_000;
const HOUR_MS = 3_600_000;
const GOOD = observed({ passed: true });
const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });

interface World extends SmallEstate {
  /** Time goes by, on both clocks; then the ADC is asked, and everything judged. */
  readonly pass: (ms: number) => void;
  /** Somebody sets the wall clock. */
  readonly setClock: (ms: number) => void;
}

function world(options: SmallEstateOptions = {}): World {
  let monotonic = 0;
  const estate = smallEstate(CONF, { ...options, monotonic: () => monotonic });
  const { clock, state, hearAgain } = estate;
  return {
    ...estate,
    pass: (ms) => {
      monotonic += ms;
      clock.at += ms;
      hearAgain();
      state.evaluateAll();
    },
    setClock: (ms) => {
      clock.at += ms;
      state.evaluateAll();
    },
  };
}

test("ClockStepDetector › reports a step only when the wall clock was set, not when it is slewed", () => {
  let wall = STARTED_AT;
  let monotonic = 5;
  const steps = new ClockStepDetector(
    () => wall,
    () => monotonic,
  );
  for (let second = 0; second < 3_600; second++) {
    monotonic += 1_000;
    wall += 1_000.5;
    expect(steps.measure(wall)).toBe(0);
  }
  wall -= HOUR_MS;
  expect(steps.measure(wall)).toBe(-HOUR_MS);
  expect(steps.measure(wall)).toBe(0);
});

describe.each([
  ["an hour forward", HOUR_MS],
  ["an hour back", -HOUR_MS],
])("wall clock set %s", (_what, stepMs) => {
  test("neither ends nor prolongs a grace period", () => {
    const { member, hear, observe, pass, setClock } = world();
    hear({ ex01: { state: "up" } });
    observe("m_imap", "ex01", REFUSED, 3);
    pass(GRACE_MS / 2);
    setClock(stepMs);
    expect(member("ex01").verdict).toBe("settling");
    pass(GRACE_MS / 2);
    expect(member("ex01").verdict).toBe("settling");
    pass(1);
    expect(member("ex01").verdict).toBe("false_up");
  });

  test("is handled before the next probe or poll is judged", () => {
    for (const first of ["probe", "poll"] as const) {
      const { clock, member, hear, observe } = world();
      hear({ ex01: { state: "up" } });
      observe("m_imap", "ex01", REFUSED, 3);
      clock.at += stepMs;
      if (first === "probe") {
        observe("m_imap", "ex01", REFUSED);
      } else {
        hear({ ex01: { state: "up" } });
      }
      expect(member("ex01").verdict).toBe("settling");
    }
  });

  test("leaves mismatch seconds unchanged and moves displayed times", () => {
    const { clock, member, hear, observe, seeAgain, pass, setClock } = world();
    hear({ ex01: { state: "up" } });
    observe("m_imap", "ex01", REFUSED, 3);
    pass(GRACE_MS + 1);
    seeAgain();
    pass(10_000);
    setClock(stepMs);
    pass(5_000);
    expect(member("ex01").mismatchSeconds).toBe(15);
    expect(clock.at - (member("ex01").since ?? 0)).toBe(15_000);
  });

  test("neither expires nor renews an opinion of the service", () => {
    const { member, hear, observe, pass, setClock } = world();
    hear({ ex01: { state: "up" } });
    observe("imap_greeting", "ex01", GOOD);
    observe("m_imap", "ex01", GOOD);
    setClock(stepMs);
    expect(member("ex01").service).toBe("up");
    // Looks come every ten seconds.
    pass(30_001);
    expect(member("ex01").service).toBe("unknown");
  });

  test("does not make detected maintenance older than the ADC's last state change", () => {
    const { clock, member, hear, observe, pass, setClock } = world();
    hear({ ex01: { state: "down" } });
    pass(5_000);
    hear({ ex01: { state: "up" } });
    pass(5_000);
    observe("m_imap", "ex01", GOOD);
    const closed = observed({
      passed: false,
      outcome: "failed",
      reason: "closed_without_data",
      step: "banner",
      startedAt: clock.at,
    });
    observe("imap_greeting", "ex01", closed, 2);
    expect(member("ex01").verdict).toBe("routes_to_maintenance");
    setClock(stepMs);
    expect(member("ex01").verdict).toBe("routes_to_maintenance");
  });

  test("does not shorten the stability time of a returning server", () => {
    const { member, hear, observe, pass, setClock } = world({
      declared: "open",
      stabilityMs: 60_000,
    });
    hear({ ex01: { state: "out" } });
    observe("imap_greeting", "ex01", GOOD);
    observe("m_imap", "ex01", GOOD);
    pass(10_000);
    observe("imap_greeting", "ex01", GOOD);
    setClock(stepMs);
    expect(member("ex01").verdict).toBe("drained");
    for (let tens = 0; tens < 5; tens++) {
      observe("imap_greeting", "ex01", GOOD);
      pass(10_000);
    }
    expect(member("ex01").verdict).toBe("ready_to_return");
  });
});

describe("event loop stall", () => {
  test("counts for neither grace nor stability", () => {
    const { clock, state, member, hear, observe, pass } = world();
    hear({ ex01: { state: "up" } });
    observe("m_imap", "ex01", REFUSED, 3);
    pass(GRACE_MS / 2);
    state.excludePause(10_000);
    pass(10_000);
    expect(member("ex01").verdict).toBe("settling");
    pass(GRACE_MS / 2 + 1);
    expect(member("ex01").verdict).toBe("false_up");
    expect(member("ex01").since).toBe(clock.at);
  });

  test("postpones a grace period by 20 s at most when stalls never end", () => {
    const { clock, state, member, hear, observe, pass, seeAgain } = world();
    hear({ ex01: { state: "up" } });
    observe("m_imap", "ex01", REFUSED, 3);
    const turnedAt = clock.at;
    while (member("ex01").verdict === "settling" && clock.at - turnedAt < HOUR_MS) {
      state.excludePause(3_000);
      pass(3_000);
      seeAgain();
    }
    expect(member("ex01").verdict).toBe("false_up");
    expect(clock.at - turnedAt).toBeLessThanOrEqual(GRACE_MS + 23_000);
  });

  test("makes opinions unknown when it lasts an hour", () => {
    const { state, member, hear, observe, pass } = world();
    hear({ ex01: { state: "up" } });
    observe("m_imap", "ex01", REFUSED, 3);
    state.excludePause(HOUR_MS);
    pass(HOUR_MS);
    expect(member("ex01")).toMatchObject({ verdict: "unknown", replica: "unknown" });
    observe("m_imap", "ex01", REFUSED);
    expect(member("ex01").verdict).toBe("unknown");
    observe("m_imap", "ex01", REFUSED, 2);
    expect(member("ex01").verdict).toBe("settling");
  });
});

describe("daylight saving time in Berlin", () => {
  test.each([
    // 01:30 to 04:30 by the first clock: an hour of it is skipped, and the three hours stay three.
    ["forward", "2026-03-29T00:30:00Z", "2026-03-29T03:30:00Z", "30 1 * * *"],
    // 02:30 comes twice: the window opens at the first, once, for three hours.
    ["back", "2026-10-25T00:30:00Z", "2026-10-25T03:30:00Z", "30 2 * * *"],
    // 02:30 does not come at all: the window opens an hour later by the new clock.
    ["forward over its start", "2026-03-29T01:30:00Z", "2026-03-29T04:30:00Z", "30 2 * * *"],
  ])("%s: opens a window once at its start for its full length", (_way, from, to, cron) => {
    const declarations = createDeclarations({
      configured: [
        {
          name: "nightly",
          servers: ["ex01"],
          when: { kind: "cron", cron, timezone: "Europe/Berlin", durationMs: 3 * HOUR_MS },
          reason: null,
          author: null,
          autoEnd: false,
          flexible: false,
        },
      ],
      store: null,
      snapshot: EMPTY_STORE,
      onFailure: () => undefined,
    });
    const { clock, member, hear, observe, pass } = world({ declarations });
    pass(Date.parse(from) - clock.at - 6 * HOUR_MS);
    hear({ ex01: { state: "up" } });
    const changes: string[] = [];
    let before = "no";
    for (let minute = 0; minute < 12 * 60; minute++) {
      observe("m_imap", "ex01", GOOD);
      observe("imap_greeting", "ex01", GOOD);
      const { declared } = member("ex01").maintenance;
      if (declared !== before) {
        changes.push(`${declared} ${new Date(clock.at).toISOString().replace(".000", "")}`);
        before = declared;
      }
      expect(member("ex01").verdict).toBe("agree_up");
      pass(60_000);
    }
    expect(changes).toEqual([`open ${from}`, `no ${to}`]);
  });
});
