import type { WindowView } from "../../src/model/window.ts";
import { describe, expect, test } from "vitest";
import type { LiveMember, LiveState, LiveVserver } from "../../src/model/live.ts";
import { preflight, PREFLIGHT_DEFAULTS } from "../../src/change/preflight.ts";
import type { MaintenanceReport } from "../../src/change/report.ts";
import { verifyDrained, verifyReturned, type VipAnswer } from "../../src/change/verify.ts";
import {
  aLiveState,
  aMember,
  anAdc,
  aProbe,
  aVserver,
  aFailure,
  NOON,
} from "../support/live-state.ts";

const MINUTE = 60_000;

function member(server: string, changes: Partial<LiveMember> = {}): LiveMember {
  return aMember({
    adc: "prod",
    adcService: "svc_imap",
    server,
    port: 993,
    vservers: ["v_imap"],
    adcOpinion: "up",
    adcRawState: "UP",
    replica: "up",
    service: "up",
    verdict: "agree_up",
    since: NOON - 10 * MINUTE,
    adcStateChangedAt: NOON - 10 * MINUTE,
    maintenance: { declared: "no", adc: false, detected: false },
    connections: 0,
    ...changes,
  });
}
function state(members: LiveMember[], vserver: Partial<LiveVserver> = {}): LiveState {
  return aLiveState({
    cutOff: false,
    adcs: [anAdc({ name: "prod", up: true })],
    members,
    vservers: [
      aVserver({
        adc: "prod",
        vserver: "v_imap",
        probes: [aProbe({ vserver: "v_imap", vantage: "vip" })],
        ...vserver,
      }),
    ],
  });
}
/** Names of the checks that failed, with what they say. */
function failed(report: MaintenanceReport): Record<string, string> {
  expect(report.ok).toBe(report.checks.every(({ ok }) => ok));
  return Object.fromEntries(
    report.checks.filter(({ ok }) => !ok).map(({ name, message }) => [name, message]),
  );
}

describe("preflight", () => {
  const look = (live: LiveState, windows: WindowView[] = [], server = "ex01") =>
    failed(preflight({ live, windows, server, now: NOON, ...PREFLIGHT_DEFAULTS }));
  const window = (changes: Partial<WindowView> = {}): WindowView => ({
    name: "cu15",
    servers: ["ex02"],
    startAt: NOON + 60 * MINUTE,
    endAt: NOON + 120 * MINUTE,
    reason: null,
    author: null,
    autoEnd: false,
    flexible: false,
    source: "api",
    state: "coming",
    ...changes,
  });

  test("passes when another server can stand in", () => {
    expect(look(state([member("ex01"), member("ex02")]))).toEqual({});
    expect(look(state([member("ex01"), member("ex02")]), [], "EX01")).toEqual({});
  });

  test.each([
    ["the other's replica is down", { replica: "down" }],
    ["the other's service is down", { service: "down" }],
    ["the other is out of service on the ADC", { adcOpinion: "out" }],
    [
      "the other is in detected maintenance",
      { maintenance: { declared: "no", adc: false, detected: true } },
    ],
    [
      "the other is in declared maintenance",
      { maintenance: { declared: "open", adc: false, detected: false } },
    ],
    ["nothing is known of the other", { replica: "unknown", service: "unknown" }],
  ] as const)("fails capacity when %s", (_name, changes) => {
    const other = member("ex02", { ...changes, verdict: "false_up" });
    expect(look(state([member("ex01"), other]))).toEqual({
      capacity: "v_imap would keep 0 of 1: svc_imap (ex02:993) is false_up.",
    });
  });

  test("counts servers rather than ports when a minimum is required", () => {
    const live = state([member("ex01"), member("ex02"), member("ex02", { port: 143 })]);
    const two = preflight({
      live,
      windows: [],
      server: "ex01",
      now: NOON,
      minWorkingMembers: 2,
      horizonMs: 0,
    });
    expect(failed(two)).toEqual({ capacity: "v_imap would keep 1 of 2: no other server." });
  });

  test("names a doubtful member once when it serves several vservers", () => {
    const vservers = ["v_imap", "v_imap_old"];
    const other = member("ex02", { vservers, replica: "down", verdict: "false_up" });
    expect(look(state([member("ex01", { vservers }), other]))).toEqual({
      capacity: "v_imap, v_imap_old would keep 0 of 1: svc_imap (ex02:993) is false_up.",
    });
  });

  test("checks every vserver that the server serves", () => {
    const owa = member("ex01", { adcService: "svc_owa", port: 443, vservers: ["v_owa"] });
    expect(look(state([member("ex01"), owa, member("ex02")]))).toEqual({
      capacity: "v_owa would keep 0 of 1: no other server.",
    });
  });

  test("fails for windows of the servers that would stand in, and for no others", () => {
    const live = state([member("ex01"), member("ex02"), member("mail", { vservers: ["v_other"] })]);
    expect(look(live, [window()])).toEqual({ windows: "cu15 is coming for ex02." });
    expect(look(live, [window({ servers: ["ex*"], state: "open", startAt: NOON - 1 })])).toEqual({
      windows: "cu15 is open for ex02.",
    });
    expect(look(live, [window({ servers: ["ex01"] })])).toEqual({});
    expect(look(live, [window({ servers: ["mail"] })])).toEqual({});
    expect(look(live, [window({ state: "over", startAt: NOON - 1 })])).toEqual({});
    expect(look(live, [window({ startAt: NOON + 5 * 60 * MINUTE })])).toEqual({});
  });

  test("fails when the certificates of a vserver differ", () => {
    const live = state([member("ex01"), member("ex02")], { certificateDiffers: true });
    expect(look(live)).toEqual({ certificates: "The certificates behind v_imap differ." });
  });

  describe("login scheme check", () => {
    const odd = (server: string) =>
      ({ server, port: 443, path: "/ews/", offers: "basic", others: "negotiate, ntlm" }) as const;
    function schemes(vserver: Partial<LiveVserver>) {
      const live = state([member("ex01"), member("ex02"), member("ex03")], vserver);
      const report = preflight({
        live,
        windows: [],
        server: "EX01",
        now: NOON,
        ...PREFLIGHT_DEFAULTS,
      });
      expect(failed(report)).toEqual({});
      const others = report.checks.filter(({ name }) => name !== "auth_schemes");
      expect(others.filter(({ warning }) => warning)).toEqual([]);
      return report.checks.find(({ name }) => name === "auth_schemes");
    }

    test("warns when a remaining server offers other schemes, without failing", () => {
      expect(schemes({ oddSchemes: [odd("ex02")] })).toEqual({
        name: "auth_schemes",
        ok: true,
        warning: true,
        message:
          "At /ews/, ex02:443 of v_imap offers the login schemes basic; the other members offer negotiate, ntlm.",
      });
    });

    test.each([
      ["all offer the same", { oddSchemes: [] }],
      ["nothing can be compared", { oddSchemes: null }],
      ["the deviating server is the one to be drained", { oddSchemes: [odd("ex01")] }],
      [
        "the deviating vserver is not the server's",
        { vserver: "v_other", oddSchemes: [odd("ex02")] },
      ],
    ])("does not warn when %s", (_name, vserver) => {
      expect(schemes(vserver)).toMatchObject({ ok: true, warning: false });
    });
  });

  test("fails when the agent is cut off or NITRO is down", () => {
    const live = state([member("ex01"), member("ex02")]);
    expect(look({ ...live, cutOff: true, adcs: [anAdc({ name: "prod", up: false })] })).toEqual({
      witness: "This agent is cut off from the network; no current state of prod over NITRO.",
    });
  });

  test("lists the known servers when the name is unknown", () => {
    expect(look(state([member("ex01"), member("ex02")]), [], "ex1")).toEqual({
      known: "No ADC has a member on ex1; known servers: ex01, ex02.",
    });
  });
});

describe("verify", () => {
  function inputs(live: LiveState, answers: VipAnswer[] = []) {
    return {
      live,
      server: "ex02",
      now: NOON,
      stabilityMs: 5 * MINUTE,
      recentAnswers: () => answers,
    };
  }
  const out = { adcOpinion: "out", adcRawState: "OUT OF SERVICE", verdict: "drained" } as const;
  const since = NOON - 10 * MINUTE;
  const ELSEWHERE = { at: since + 1, server: "ex01" };

  test("drained passes when every member is out or down without connections or responses", () => {
    const live = state([
      member("ex02", out),
      member("ex02", { port: 443, adcService: "svc_owa", adcOpinion: "down", connections: null }),
      member("ex01"),
    ]);
    const answers = [{ at: since, server: "ex02" }, ELSEWHERE];
    expect(failed(verifyDrained(inputs(live, answers)))).toEqual({});
  });

  test("drained requires responses through the VIP unless they cannot be observed", () => {
    const live = state([member("ex02", out), member("ex01")]);
    expect(failed(verifyDrained(inputs(live, [{ at: since - 1, server: "ex02" }])))).toEqual({
      vip: "no probe has been answered through v_imap since the change.",
    });
    const persistence = {
      type: "SOURCEIP",
      probes: "running",
      sticksTo: [],
      observable: false,
    } as const;
    const sticky = verifyDrained(inputs(state([member("ex02", out)], { persistence })));
    expect(failed(sticky)).toEqual({});
    expect(sticky.checks.find(({ name }) => name === "vip")).toMatchObject({
      ok: true,
      warning: true,
      message: expect.stringContaining("Not observable from one address") as unknown,
    });
  });

  test("drained summarises many similar members in one sentence", () => {
    const services = [
      "svc_owa",
      "svc_ews",
      "svc_eas",
      "svc_oab",
      "svc_mapi",
      "svc_ecp",
      "svc_imap",
    ];
    const live = state(
      services.map((adcService) =>
        member("ex02", { adcService, adcOpinion: "up", adcRawState: "UP" }),
      ),
    );
    const { out: told } = failed(verifyDrained(inputs(live, [{ at: since + 1, server: "ex01" }])));
    expect(told).toBe(
      "7 of 7 members of ex02 still UP on prod: svc_owa:993, svc_ews:993, svc_eas:993, svc_oab:993, svc_mapi:993, and 2 more.",
    );
  });

  test.each([
    [
      "a member that is still UP",
      { adcOpinion: "up", adcRawState: "UP" },
      [ELSEWHERE],
      { out: "svc_imap (ex02:993) is UP on prod." },
    ],
    [
      "a member that is still draining",
      { adcOpinion: "leaving", adcRawState: "GOING OUT OF SERVICE" },
      [ELSEWHERE],
      { out: "svc_imap (ex02:993) is GOING OUT OF SERVICE on prod." },
    ],
    [
      "remaining connections",
      { ...out, connections: 7 },
      [ELSEWHERE],
      { connections: "svc_imap (ex02:993) still has 7 connections." },
    ],
    [
      "unreported connections",
      { ...out, connections: null },
      [ELSEWHERE],
      { connections: "prod does not report connections of svc_imap (ex02:993)." },
    ],
    [
      "responses through the VIP since the change",
      out,
      [
        { at: since + 1, server: "EX02" },
        { at: since + 2, server: "ex01" },
        { at: since + 3, server: null },
      ],
      { vip: "v_imap returned 1 response from it since the change." },
    ],
  ] as const)("drained fails and names the cause: %s", (_name, changes, answers, expected) => {
    const live = state([member("ex02", changes), member("ex01")]);
    expect(failed(verifyDrained(inputs(live, [...answers])))).toEqual(expected);
  });

  const served = {
    servedBy: new Map([
      ["ex01", 4],
      ["ex02", 2],
    ]),
  };

  test("returned passes when all is good, stable and answering through the VIP", () => {
    const live = state([member("ex02"), member("ex01")], served);
    expect(failed(verifyReturned(inputs(live, [{ at: since + 1, server: "ex02" }])))).toEqual({});
  });

  test("returned passes when the VIP's responses name no server", () => {
    const live = state([member("ex02")], { servedBy: new Map([["unrecognised", 9]]) });
    expect(failed(verifyReturned(inputs(live)))).toEqual({});
  });

  test.each([
    [
      "still out",
      { ...out },
      {
        up: "svc_imap (ex02:993) is OUT OF SERVICE on prod.",
        stable: "svc_imap (ex02:993) is drained.",
      },
    ],
    [
      "good for too short",
      { since: NOON - MINUTE },
      { stable: "svc_imap (ex02:993) has passed for 60 s of 300 s." },
    ],
    [
      "a probe that fails",
      {
        probes: [
          aProbe({
            monitor: "mon_imap",
            lastPassed: false,
            last: aFailure("banner", "banner_timeout"),
          }),
          aProbe({ monitor: "", transaction: "imap_login", opinion: "up", lastPassed: true }),
        ],
      },
      { probes: "mon_imap at svc_imap (ex02:993) fails: banner_timeout." },
    ],
    [
      "a login without a result, beside a monitor that is never run",
      {
        probes: [
          aProbe({ monitor: "", transaction: "imap_login", opinion: "unknown", last: null }),
          aProbe({ monitor: "mon_user", opinion: "unknown", last: null, scheduled: false }),
        ],
      },
      { probes: "imap_login at svc_imap (ex02:993) has no result: not run yet." },
    ],
  ] as const)("returned fails and names the cause: %s", (_name, changes, expected) => {
    const live = state([member("ex02", changes)], served);
    expect(failed(verifyReturned(inputs(live, [{ at: since + 1, server: "ex02" }])))).toEqual(
      expected,
    );
  });

  test("returned fails when the VIP has not answered from the server since", () => {
    const live = state([member("ex02")], served);
    expect(failed(verifyReturned(inputs(live, [{ at: since, server: "ex02" }])))).toEqual({
      vip: "v_imap has returned no response from it since it came back.",
    });
  });
});
