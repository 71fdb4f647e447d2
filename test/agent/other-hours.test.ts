import { expect, test } from "vitest";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

/* Hours of the kinds that administrators report, with other protocols and in another order of events than elsewhere. */

const POP3 = `add server pop7 10.7.0.7
add service svc_pop pop7 TCP 995
add lb monitor m_port TCP -interval 10 -resptimeout 2 -downTime 10
bind service svc_pop -monitorName m_port
add lb vserver v_pop SSL_BRIDGE 10.7.0.100 995
bind lb vserver v_pop svc_pop
`;
const GOOD = observed({ passed: true });
const CLOSED = observed({
  passed: false,
  outcome: "failed",
  reason: "closed_without_data",
  step: "tls",
});

/** Every five seconds both probes see what they are given, and everything is judged; tells each verdict once. */
function watch(world: SmallEstate, seconds: number, sees: typeof GOOD): string[] {
  const told = new Set<string>();
  for (let second = 0; second < seconds; second += 5) {
    world.clock.at += 5_000;
    world.observe("m_port", "pop7", { ...GOOD, startedAt: world.clock.at });
    world.observe("pop3_greeting", "pop7", { ...sees, startedAt: world.clock.at });
    world.state.evaluateAll();
    told.add(world.member("pop7").verdict);
  }
  return [...told];
}

function well(): SmallEstate {
  const world = smallEstate(POP3, { pollMs: 15_000 });
  world.hear({ pop7: { state: "up" } });
  watch(world, 120, GOOD);
  world.hearAgain();
  expect(watch(world, 10, GOOD)).toEqual(["agree_up"]);
  return world;
}

test("silent NITRO › leads to no mismatch when a server is taken out and then stopped meanwhile", () => {
  const world = well();
  // The last poll was answered before the work began, and none since; one close is none.
  expect(watch(world, 300, CLOSED)).toEqual(["agree_up", "settling"]);
  world.hear({ pop7: { state: "out", sinceMs: 280_000 } });
  expect(watch(world, 120, CLOSED)).toEqual(["drained_undeclared"]);
});

test("silent NITRO › reports routes_to_maintenance at the first poll after it when a server was stopped without being taken out", () => {
  const world = well();
  expect(watch(world, 300, CLOSED)).toEqual(["agree_up", "settling"]);
  world.hearAgain();
  expect(watch(world, 10, CLOSED)).toEqual(["routes_to_maintenance"]);
});

test("silent NITRO › reports nothing when the server is back before it ends", () => {
  const world = well();
  watch(world, 200, CLOSED);
  const after = watch(world, 60, GOOD);
  expect(after.at(-1)).toBe("agree_up");
  world.hearAgain();
  expect(watch(world, 120, GOOD)).toEqual(["agree_up"]);
});

const SLOW = `add server web4 10.7.0.4
add serviceGroup sg_slow HTTP
add lb monitor m_slow HTTP-ECV -send "GET /ok" -recv ok -interval 4 MIN -resptimeout 5 -retries 2 -downTime 4 MIN
bind serviceGroup sg_slow web4 8004
bind serviceGroup sg_slow -monitorName m_slow
add lb vserver v_slow HTTP 10.7.0.100 80
bind lb vserver v_slow sg_slow
`;

test.each([0, 60, 120, 180, 235, 249])(
  "replica of a four-minute monitor › is never reported wrong when it runs %i s after the ADC's monitor",
  (laterSeconds) => {
    const world = smallEstate(SLOW, { pollMs: 15_000 });
    const bad = observed({ passed: false, reason: "pattern_missing" });
    const told = new Set<string>();
    const begin = world.clock.at;
    // The server fails at minute 10. The ADC asks on every fourth minute, the replica so much later, on the looks' own pace.
    for (let second = 0; second <= 2_400; second += 1) {
      world.clock.at = begin + second * 1_000;
      const fails = second >= 600;
      if (second % 240 === laterSeconds % 240) {
        world.observe("m_slow", "web4", { ...(fails ? bad : GOOD), startedAt: world.clock.at });
      }
      if (second % 60 === 7) {
        world.observe("web_answer", "web4", { ...GOOD, startedAt: world.clock.at });
      }
      if (second % 15 === 0) {
        // Two failures, at minutes 12 and 16.
        world.hear({ web4: { state: second >= 965 ? "down" : "up" } });
      }
      if (second % 5 === 0) {
        world.state.evaluateAll();
        told.add(world.member("web4").verdict);
      }
    }
    expect([...told].filter((verdict) => !/^(agree_|settling|unknown)/.test(verdict))).toEqual([]);
    expect(world.member("web4").verdict).toBe("agree_down");
  },
);

test.each([
  [4 * 3_600 - 30, "maintenance_expected"],
  [4 * 3_600 + 30, "maintenance_overrun"],
])(
  "undeclared maintenance › after POP3 was stopped for %i s and DOWN at the ADC is %s",
  (seconds, verdict) => {
    const CONF = POP3.replace("TCP -interval", 'TCP-ECV -recv "+OK" -secure YES -interval');
    const world = smallEstate(CONF, { pollMs: 15_000 });
    const both = (sees: typeof GOOD): void => {
      world.observe("m_port", "pop7", { ...sees, startedAt: world.clock.at }, 3);
      world.observe("pop3_greeting", "pop7", { ...sees, startedAt: world.clock.at }, 2);
      world.state.evaluateAll();
    };
    world.hear({ pop7: { state: "up" } });
    both(GOOD);
    const goneAt = world.clock.at;
    for (const after of [10, 60, 600, 3_600, 7_200, seconds]) {
      world.clock.at = goneAt + after * 1_000;
      world.hear({ pop7: { state: after > 30 ? "down" : "up" } });
      both(CLOSED);
    }
    expect(world.member("pop7").verdict).toBe(verdict);
  },
);
