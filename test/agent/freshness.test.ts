import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_owa SSL
add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES -interval 5 -resptimeout 2 -retries 2 -downTime 30
add lb vserver v SSL 10.0.0.100 443
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa ex02 443
bind serviceGroup sg_owa -monitorName m
bind lb vserver v sg_owa
`;
const IMAP = `add server ex01 10.0.0.1
add serviceGroup sg_imap TCP
add lb monitor m TCP -interval 5 -resptimeout 2
bind serviceGroup sg_imap ex01 993
bind serviceGroup sg_imap -monitorName m
`;
const GOOD = observed({ passed: true });
const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });
const FAULT = observed({ passed: false, outcome: "fault", reason: "agent_fault" });

function watched(): SmallEstate {
  const world = smallEstate(CONF);
  world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
  return world;
}

describe("expiry of results", () => {
  test("MemberRecord › makes a replica unknown when it has not run for three intervals", async () => {
    const { clock, state, observe, member } = watched();
    observe("m", "ex01", GOOD);
    clock.at += 15_000;
    await state.evaluateInTurns();
    expect(member("ex01")).toMatchObject({ replica: "up", verdict: "agree_up" });
    clock.at += 1;
    await state.evaluateInTurns();
    expect(member("ex01")).toMatchObject({ replica: "unknown", verdict: "unknown" });
    observe("m", "ex01", GOOD);
    expect(member("ex01")).toMatchObject({ replica: "up", verdict: "agree_up" });
  });

  test("MemberRecord › does not renew a result when later runs end in faults of our own", () => {
    const { clock, observe, member } = watched();
    observe("m", "ex01", REFUSED, 2);
    expect(member("ex01").replica).toBe("down");
    clock.at += 90_001;
    observe("m", "ex01", FAULT);
    expect(member("ex01").replica).toBe("unknown");
  });

  test("MemberRecord › ends declared maintenance when the server's TROFS answer expires", async () => {
    const { clock, state, observe, member } = watched();
    observe("m", "ex01", observed({ passed: true, outcome: "maintenance" }));
    expect(member("ex01").maintenance.declared).toBe("open");
    clock.at += 15_001;
    await state.evaluateInTurns();
    expect(member("ex01").maintenance.declared).toBe("no");
  });

  test("VserverRecord › ends vip_served_by_drained_server when the answers expire", async () => {
    const { clock, state, observe, hear, hearAgain, vserver } = watched();
    const from = (servedBy: string) => observed({ passed: true, servedBy });
    observe("m", "ex01", from("ex01"));
    observe("m", "ex02", from("ex02"));
    hear({ ex01: { state: "out" }, ex02: { state: "up" } });
    observe("https_challenge", "v", from("ex01"), 2);
    hearAgain();
    expect(vserver("v").verdict).toBe("vip_served_by_drained_server");
    clock.at += 3_600_000;
    hearAgain();
    await state.evaluateInTurns();
    expect(vserver("v").verdict).not.toBe("vip_served_by_drained_server");
  });

  test("VserverRecord › reports the drained server again when another server stops claiming its name", () => {
    const { observe, hear, hearAgain, vserver } = watched();
    const from = (servedBy: string) => observed({ passed: true, servedBy });
    observe("m", "ex01", from("ex01"));
    observe("m", "ex02", from("ex01"));
    observe("m", "ex02", from("ex02"));
    hear({ ex01: { state: "out" }, ex02: { state: "up" } });
    observe("https_challenge", "v", from("ex01"), 2);
    hearAgain();
    expect(vserver("v").verdict).toBe("vip_served_by_drained_server");
  });
});

describe("first result after a silence", () => {
  const SILENCE_MS = 3_600_000;
  const CLOSED = observed({ passed: false, reason: "closed_without_data", step: "banner" });

  test("MemberRecord › does not revive detected maintenance when a look reports something else first", () => {
    const { clock, observe, hear, hearAgain, member } = smallEstate(IMAP);
    hear({ ex01: { state: "up" } });
    observe("m", "ex01", GOOD);
    observe("imap_greeting", "ex01", CLOSED, 2);
    hearAgain();
    expect(member("ex01")).toMatchObject({ verdict: "routes_to_maintenance" });
    clock.at += SILENCE_MS;
    hear({ ex01: { state: "up" } });
    observe("m", "ex01", { ...GOOD, startedAt: clock.at });
    observe("imap_greeting", "ex01", { ...REFUSED, startedAt: clock.at }, 2);
    expect(member("ex01").maintenance.detected).toBe(false);
    observe("imap_greeting", "ex01", { ...CLOSED, startedAt: clock.at });
    expect(member("ex01").maintenance.detected).toBe(false);
  });

  test("MemberRecord › ends detected maintenance when a look has only faults of our own", async () => {
    const { clock, state, observe, member } = smallEstate(IMAP);
    observe("imap_greeting", "ex01", CLOSED, 2);
    expect(member("ex01").maintenance.detected).toBe(true);
    clock.at += 60_000;
    observe("imap_greeting", "ex01", FAULT);
    clock.at += 60_000;
    observe("imap_greeting", "ex01", FAULT);
    await state.evaluateInTurns();
    expect(member("ex01").maintenance.detected).toBe(false);
  });

  test.each([
    ["a look", "https_challenge", GOOD, REFUSED, "unknown"],
    ["a look that fails again", "https_challenge", REFUSED, REFUSED, "unknown"],
    ["a replica", "m", GOOD, REFUSED, "unknown"],
    ["a replica that fails again", "m", REFUSED, REFUSED, "unknown"],
    ["a look that passes", "https_challenge", REFUSED, GOOD, "up"],
    ["a replica that passes", "m", REFUSED, GOOD, "up"],
  ] as const)(
    "ProbeRecord › forms its opinion from the new result alone when it is %s",
    (_what, name, before, after, opinion) => {
      const { clock, observe, probe } = watched();
      observe(name, "ex01", before, 2);
      clock.at += SILENCE_MS;
      observe(name, "ex01", after);
      expect(probe(name, "ex01").opinion).toBe(opinion);
    },
  );

  test("VserverRecord › needs two new answers by a drained server when the earlier ones have expired", () => {
    const { clock, observe, hear, hearAgain, vserver } = watched();
    const from = (servedBy: string) => observed({ passed: true, servedBy });
    const round = (): void => {
      observe("m", "ex01", from("ex01"));
      observe("m", "ex02", from("ex02"));
    };
    round();
    hear({ ex01: { state: "out" }, ex02: { state: "up" } });
    observe("https_challenge", "v", from("ex01"), 2);
    hearAgain();
    expect(vserver("v").verdict).toBe("vip_served_by_drained_server");
    clock.at += SILENCE_MS;
    round();
    observe("https_challenge", "v", from("ex01"));
    hearAgain();
    expect(vserver("v").verdict).not.toBe("vip_served_by_drained_server");
  });
});

describe("evaluation of what may have changed", () => {
  test("VerdictEvaluator › evaluates nothing when results are renewed, and a member when its result expires", async () => {
    const { clock, state, observe, member } = watched();
    observe("m", "ex01", GOOD);
    observe("m", "ex02", GOOD);
    await state.evaluateInTurns();
    const before = state.revision;
    const renew = async (...servers: readonly string[]): Promise<void> => {
      clock.at += 5_000;
      servers.forEach((server) => {
        observe("m", server, GOOD);
      });
      await state.evaluateInTurns();
    };
    for (let round = 0; round < 20; round++) {
      await renew("ex01", "ex02");
    }
    expect(state.revision).toBe(before);
    for (let round = 0; round < 3; round++) {
      await renew("ex01");
    }
    expect(state.revision).toBe(before);
    await renew("ex01");
    expect(state.revision).toBeGreaterThan(before);
    expect(member("ex02")).toMatchObject({ replica: "unknown", verdict: "unknown" });
    expect(member("ex01")).toMatchObject({ replica: "up", verdict: "agree_up" });
  });

  const server = fc.constantFrom("ex01", "ex02");
  const event = fc.oneof(
    fc.record({
      kind: fc.constant("observe" as const),
      server,
      seen: fc.constantFrom(GOOD, GOOD, REFUSED, FAULT),
    }),
    fc.record({
      kind: fc.constant("hear" as const),
      ex01: fc.constantFrom("up" as const, "down" as const, "out" as const),
      ex02: fc.constantFrom("up" as const, "down" as const),
    }),
    fc.record({
      kind: fc.constant("later" as const),
      ms: fc.constantFrom(1, 4_999, 5_000, 40_000),
    }),
  );

  test("VerdictEvaluator › equals evaluating everything each time for any order of events", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        const worlds = [watched(), watched()] as const;
        for (const one of events) {
          for (const { clock, observe, hear } of worlds) {
            if (one.kind === "observe") {
              observe("m", one.server, { ...one.seen, startedAt: clock.at });
            } else if (one.kind === "hear") {
              hear({ ex01: { state: one.ex01 }, ex02: { state: one.ex02 } });
            } else {
              clock.at += one.ms;
            }
          }
          const [resting, judged] = worlds;
          await resting.state.evaluateInTurns();
          judged.state.evaluateAll();
          expect(opinionsOf(resting)).toEqual(opinionsOf(judged));
        }
      }),
    );
  });
});

function opinionsOf({ state }: SmallEstate): unknown {
  return [
    state.members.map(({ server, adcOpinion, replica, service, verdict, reason, since }) => {
      return { server, adcOpinion, replica, service, verdict, reason, since };
    }),
    state.vservers.map(({ vserver, verdict, reason }) => ({ vserver, verdict, reason })),
  ];
}
