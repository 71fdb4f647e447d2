import { describe, expect, test } from "vitest";
import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const GOOD = observed({ passed: true });
const BROKEN = observed({ passed: false, outcome: "failed", reason: "closed_without_data" });
const NO_BACKEND = observed({
  passed: false,
  outcome: "mismatch",
  reason: "backend_unavailable",
  step: "login",
});

const IMAP = `add server ex01 10.0.0.1
add serviceGroup exchange_imap TCP
add lb monitor m_imap TCP -interval 5 -resptimeout 2 -downTime 30
bind serviceGroup exchange_imap ex01 143
bind serviceGroup exchange_imap -monitorName m_imap
`;
const OWA = `add server ex01 10.0.0.1
add serviceGroup exchange_owa SSL
add lb monitor m_health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES -interval 5 -resptimeout 2 -downTime 30
bind serviceGroup exchange_owa ex01 443
bind serviceGroup exchange_owa -monitorName m_health
`;
const POP3 = `add server ex01 10.0.0.1
add serviceGroup exchange_pop3 TCP
add lb monitor m_pop3 POP3 -scriptName nspop3.pl -userName u -password p -interval 5 -resptimeout 2 -downTime 30
bind serviceGroup exchange_pop3 ex01 110
bind serviceGroup exchange_pop3 -monitorName m_pop3
`;
const WITH_PASSWORD: PlanSettings = {
  ...BARE_SETTINGS,
  monitors: new Map([
    [
      "m_pop3",
      {
        credential: { username: "u", password: { reveal: () => "p" }, secret: null },
        command: null,
        verify: false,
      },
    ],
  ]),
};

const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });

/** The same monitor, and a login of our own with another account every five minutes. */
function loginWorld(): SmallEstate {
  return smallEstate(POP3, {
    settings: {
      ...WITH_PASSWORD,
      accounts: accounts(["b"]),
      runs: [
        aRun("pop3_login", {
          account: "b",
          everyMs: 300_000,
          members: { adcServices: ["exchange_pop3"] },
          allowPlaintext: true,
        }),
      ],
    },
  });
}

/** One result at the instant of the clock. */
/** As `loginWorld`: everything passed, ten seconds ago. */
function worldThatWorked(): SmallEstate {
  const world = loginWorld();
  world.hear({ ex01: { state: "up" } });
  for (const name of ["m_pop3", "pop3_greeting", "pop3_login"]) {
    see(world, name, GOOD);
  }
  world.clock.at += 10_000;
  return world;
}

function see(world: SmallEstate, name: string, what: typeof GOOD, times = 1): void {
  world.observe(name, "ex01", { ...what, startedAt: world.clock.at }, times);
}

describe("evidence depth", () => {
  test("does not prove a failing login monitor too strict when only a greeting passes", () => {
    const world = smallEstate(POP3, { settings: WITH_PASSWORD });
    world.hear({ ex01: { state: "down" } });
    see(world, "m_pop3", NO_BACKEND, 3);
    see(world, "pop3_greeting", GOOD);
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01")).toMatchObject({
      replica: "down",
      service: "up",
      verdict: "agree_down",
      reason: "backend_unavailable",
      depth: { adc: "login", replica: "login", service: "greeting" },
    });
  });

  test("reports false_up only after the grace period when our copy of the login fails and a greeting passes", () => {
    const world = smallEstate(POP3, { settings: WITH_PASSWORD });
    world.hear({ ex01: { state: "up" } });
    see(world, "m_pop3", GOOD);
    see(world, "m_pop3", NO_BACKEND, 3);
    see(world, "pop3_greeting", GOOD);
    expect(world.member("ex01").verdict).toBe("settling");
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01").verdict).toBe("false_up");
  });

  test("leaves the verdict unknown when the ADC says DOWN by a login monitor that cannot be repeated", () => {
    const world = smallEstate(POP3);
    world.hear({ ex01: { state: "down" } });
    see(world, "pop3_greeting", GOOD);
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01")).toMatchObject({
      replica: "unknown",
      service: "up",
      verdict: "unknown",
      reason: "unsupported",
      depth: { adc: "login", replica: null, service: "greeting" },
    });
  });

  test("proves a failing port monitor too strict when a greeting passes", () => {
    const world = smallEstate(IMAP);
    world.hear({ ex01: { state: "down" } });
    see(world, "m_imap", BROKEN, 3);
    see(world, "imap_greeting", GOOD);
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01").verdict).toBe("strict_monitor");
  });
});

describe("evidence freshness", () => {
  test("leaves the verdict settling when the ADC was polled before the outage, until it is polled again", () => {
    const world = smallEstate(IMAP, { pollMs: 15_000 });
    world.hear({ ex01: { state: "up" } });
    see(world, "m_imap", GOOD);
    see(world, "imap_greeting", GOOD);
    world.clock.at += 1_000;
    see(world, "imap_greeting", BROKEN, 2);
    expect(world.member("ex01").verdict).toBe("settling");
    world.later(40_000);
    expect(world.member("ex01")).toMatchObject({ verdict: "settling", mismatch: false });
    world.hearAgain();
    world.state.evaluateAll();
    expect(world.member("ex01").verdict).toBe("routes_to_maintenance");
    expect(world.member("ex01").maintenance.detected).toBe(true);
  });

  test("proves no monitor too strict when the login succeeded before the monitor began to fail", () => {
    const world = worldThatWorked();
    world.hear({ ex01: { state: "down" } });
    for (let seconds = 0; seconds <= 140; seconds += 5) {
      see(world, "m_pop3", REFUSED);
      see(world, "pop3_greeting", REFUSED);
      world.clock.at += 5_000;
      world.hearAgain();
    }
    expect(world.member("ex01")).toMatchObject({ service: "up", verdict: "agree_down" });
    see(world, "pop3_login", GOOD);
    world.state.evaluateAll();
    expect(world.member("ex01").verdict).toBe("strict_monitor");
  });

  test("reports no strict monitor when the login succeeded before the monitor's next failure", () => {
    const world = loginWorld();
    const rejected = observed({
      passed: false,
      outcome: "fault",
      reason: "auth_rejected",
      step: "login",
    });
    world.hear({ ex01: { state: "down" } });
    see(world, "m_pop3", rejected);
    see(world, "pop3_greeting", GOOD);
    see(world, "pop3_login", GOOD);
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01").verdict).toBe("strict_monitor");
    world.clock.at += 1_000;
    see(world, "m_pop3", REFUSED);
    expect(world.member("ex01").verdict).toBe("unknown");
  });

  test.each([
    ["waits for the next login", GOOD, "settling"],
    ["counts at once when a look fails too", REFUSED, "false_up"],
  ] as const)(
    "a replica that fails after the last login %s before the ADC is reported wrong",
    (_name, greeting, verdict) => {
      const world = worldThatWorked();
      for (let seconds = 0; seconds <= 140; seconds += 5) {
        see(world, "m_pop3", REFUSED);
        see(world, "pop3_greeting", greeting);
        world.clock.at += 5_000;
        world.hearAgain();
      }
      expect(world.member("ex01").verdict).toBe(verdict);
      see(world, "pop3_login", GOOD);
      world.hearAgain();
      world.state.evaluateAll();
      expect(world.member("ex01").verdict).toBe("replica_differs");
    },
  );

  test("reports no disagreement when the look's outage was seen before the replica recovered", () => {
    const world = smallEstate(IMAP);
    world.hear({ ex01: { state: "up" } });
    const bad = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });
    see(world, "imap_greeting", bad, 2);
    see(world, "m_imap", bad, 3);
    world.hear({ ex01: { state: "down" } });
    expect(world.member("ex01").verdict).toBe("agree_down");
    world.clock.at += 10_000;
    see(world, "m_imap", GOOD);
    world.hear({ ex01: { state: "up" } });
    expect(world.member("ex01")).toMatchObject({ service: "down", verdict: "settling" });
    // Seen again after it, it is another matter.
    world.clock.at += 1_000;
    see(world, "imap_greeting", bad);
    world.clock.at += 1_000;
    world.hearAgain();
    world.state.evaluateAll();
    expect(world.member("ex01").verdict).toBe("blind_monitor");
    see(world, "imap_greeting", GOOD);
    expect(world.member("ex01").verdict).toBe("agree_up");
  });
});

test("evidence › leaves the verdict settling when a look recovers before the monitor has probed again", () => {
  const silent = observed({ passed: false, outcome: "timeout", reason: "response_timeout" });
  const world = smallEstate(IMAP);
  world.hear({ ex01: { state: "down" } });
  see(world, "m_imap", silent, 3);
  see(world, "imap_greeting", silent, 2);
  world.later(600_000);
  world.hearAgain();
  expect(world.member("ex01").verdict).toBe("agree_down");
  world.clock.at += 1_000;
  see(world, "imap_greeting", GOOD);
  expect(world.member("ex01")).toMatchObject({ service: "up", verdict: "settling" });
  world.later(600_000);
  world.hearAgain();
  expect(world.member("ex01").verdict).toBe("strict_monitor");
});

test("evidence › leaves the verdict settling when the first monitor probe after a recovery is lost", () => {
  const world = smallEstate(OWA);
  world.hear({ ex01: { state: "down" } });
  see(world, "https_challenge", observed({ passed: true, exchangeSeen: true }));
  see(world, "m_health", BROKEN, 3);
  see(world, "health_page", BROKEN, 2);
  world.later(600_000);
  world.hearAgain();
  expect(world.member("ex01")).toMatchObject({ service: "up", verdict: "maintenance_expected" });
  world.clock.at += 1_000;
  see(world, "health_page", GOOD, 2);
  world.clock.at += 5_000;
  const lost = observed({
    passed: false,
    outcome: "timeout",
    reason: "connect_timeout",
    step: "connect",
  });
  see(world, "m_health", lost);
  expect(world.member("ex01").verdict).toBe("settling");
  world.clock.at += 30_000;
  see(world, "https_challenge", GOOD);
  see(world, "m_health", lost);
  expect(world.member("ex01").verdict).toBe("strict_monitor");
});

test("evidence › waits one more interval before false_down when a replica's interval is long", () => {
  const world = smallEstate(IMAP.replace("-interval 5 ", "-interval 4 MIN "));
  world.hear({ ex01: { state: "up" } });
  see(world, "m_imap", GOOD);
  world.hear({ ex01: { state: "down" } });
  world.clock.at += 240_000;
  world.hearAgain();
  world.state.evaluateAll();
  expect(world.member("ex01").verdict).toBe("settling");
  world.clock.at += 30_000;
  world.hearAgain();
  world.state.evaluateAll();
  expect(world.member("ex01").verdict).toBe("settling");
  world.clock.at += 60_000;
  world.hearAgain();
  world.state.evaluateAll();
  expect(world.member("ex01").verdict).toBe("false_down");
});
