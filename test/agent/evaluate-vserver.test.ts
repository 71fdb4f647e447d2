import { describe, expect, test } from "vitest";
import { persistencePause } from "../../src/verdict/vserver-findings.ts";
import type { CertificateFacts, TlsFacts } from "../../src/model/observation.ts";
import type { MemberConfig, VserverConfig } from "../../src/config/schema.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import type { VserverState } from "../../src/model/adc-state.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const GOOD = observed({ passed: true });
const BAD = observed({ passed: false });

/** Two servers with a health page each, in front of them a content-switching vserver over two non-addressable ones. */
const SWITCHED = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_owa SSL
add serviceGroup sg_ews SSL
add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES
add lb monitor m_ews HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES
add lb vserver v_owa SSL 0.0.0.0 0
add lb vserver v_ews SSL 0.0.0.0 0
add cs vserver cs_mail SSL 10.0.0.100 443
add cs action a_owa -targetLBVserver v_owa
add cs action a_ews -targetLBVserver v_ews
add cs policy p_owa -rule "HTTP.REQ.URL.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/owa\\")" -action a_owa
add cs policy p_ews -rule "HTTP.REQ.URL.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/ews\\")" -action a_ews
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa ex02 443
bind serviceGroup sg_owa -monitorName m_owa
bind serviceGroup sg_ews ex01 443
bind serviceGroup sg_ews ex02 443
bind serviceGroup sg_ews -monitorName m_ews
bind lb vserver v_owa sg_owa
bind lb vserver v_ews sg_ews
bind cs vserver cs_mail -policyName p_owa -priority 100
bind cs vserver cs_mail -policyName p_ews -priority 110
`;

const DIRECT = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_owa SSL
add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES
add lb vserver v_owa SSL 10.0.0.100 443 -persistenceType SOURCEIP -timeout 2
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa ex02 443
bind serviceGroup sg_owa -monitorName m_owa
bind lb vserver v_owa sg_owa
`;

function leaf(
  changes: Partial<CertificateFacts>,
  nameChecks: TlsFacts["nameChecks"] = [],
): TlsFacts {
  const certificate: CertificateFacts = {
    subject: "CN=mail.example.com",
    issuer: "CN=ca",
    serial: "0A:BC",
    sha256: "00",
    thumbprint: "00",
    notBefore: 0,
    notAfter: 1,
    names: ["mail.example.com"],
    key: "RSA 2048",
    signature: null,
    ...changes,
  };
  return {
    protocol: "TLSv1.3",
    cipher: "x",
    chain: [certificate],
    verification: "ok",
    serverName: null,
    nameChecks,
    ephemeralKey: null,
  };
}

/** What the ADC says of a load-balancing vserver. */
function toldVserver(name: string, state: "up" | "down"): VserverState {
  return {
    name,
    kind: "lb",
    state,
    effectiveState: state,
    rawState: state.toUpperCase(),
    healthPercent: state === "up" ? 100 : 0,
    backupActive: false,
    remark: null,
    sinceMs: null,
  };
}

describe("content-switching vserver", () => {
  function switched(owa: typeof GOOD, ews: typeof GOOD): SmallEstate {
    const world = smallEstate(SWITCHED);
    world.observe("https_challenge", "v_owa", owa, 2);
    world.observe("https_challenge", "v_ews", ews, 2);
    return world;
  }

  test.each([
    ["any target answers", GOOD, BAD, "up"],
    ["no target answers", BAD, BAD, "down"],
    [
      "one is behind a login and the other answers",
      observed({ passed: false, reason: "aaa_login" }),
      GOOD,
      "up",
    ],
    [
      "all are behind a login",
      observed({ passed: false, reason: "aaa_login" }),
      observed({ passed: false, reason: "aaa_login" }),
      "protected",
    ],
  ])("is judged by its targets when %s", (_name, owa, ews, vip) => {
    expect(switched(owa, ews).vserver("cs_mail").vip).toBe(vip);
  });

  test("leaves each target's own vserver judged by that target's answers", () => {
    const world = switched(GOOD, BAD);
    expect(world.vserver("v_owa").vip).toBe("up");
    expect(world.vserver("v_ews").vip).toBe("down");
  });
});

describe("vserver certificate", () => {
  const named = (host: string): VserverConfig => ({
    host,
    names: [],
    path: null,
    ca: null,
    public: [],
  });

  function shows(
    conf: string,
    serials: Readonly<Record<string, string | null>>,
    tls: TlsFacts,
    vservers: ReadonlyMap<string, VserverConfig> = new Map(),
  ): SmallEstate {
    const world = smallEstate(conf, {
      vservers,
      settings: { ...BARE_SETTINGS, vservers },
      changeEstate: (estate) => ({
        ...estate,
        certKeys: new Map(
          [...estate.certKeys].map(([name, key]) => [
            name,
            { ...key, serial: serials[name] ?? null },
          ]),
        ),
      }),
    });
    world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
    world.observe("https_challenge", "v_owa", observed({ passed: true, tls }));
    return world;
  }

  const bound = `${DIRECT}add ssl certKey rsa -cert rsa.pem -key rsa.key
add ssl certKey sni -cert sni.pem -key sni.key
bind ssl vserver v_owa -certkeyName rsa
bind ssl vserver v_owa -certkeyName sni -SNICert
`;

  test.each([
    ["the bound one in another notation", { rsa: "ABC", sni: "77" }, "0a:bc", "vip_agree_up"],
    ["the one bound for SNI", { rsa: "77", sni: "00:0A:BC" }, "0abc", "vip_agree_up"],
    ["neither", { rsa: "77", sni: "78" }, "0abc", "vip_wrong_certificate"],
    [
      "another, while not all bound certificates are known",
      { rsa: "77", sni: null },
      "0abc",
      "vip_agree_up",
    ],
  ])("is judged when the one shown is %s", (_name, serials, serial, verdict) => {
    expect(shows(bound, serials, leaf({ serial })).vserver("v_owa").verdict).toBe(verdict);
  });

  test("is that of the vserver in front when content switching leads to it", () => {
    const conf = `${SWITCHED}add ssl certKey inner -cert a.pem -key a.key
add ssl certKey outer -cert b.pem -key b.key
bind ssl vserver v_owa -certkeyName inner
bind ssl vserver cs_mail -certkeyName outer
`;
    const right = shows(conf, { inner: "11", outer: "22" }, leaf({ serial: "22" }));
    expect(right.vserver("v_owa").verdict).toBe("vip_agree_up");
    expect(right.vserver("cs_mail").verdict).toBe("vip_agree_up");
    const wrong = shows(conf, { inner: "11", outer: "22" }, leaf({ serial: "11" }));
    expect(wrong.vserver("v_owa").verdict).toBe("vip_agree_up");
    expect(wrong.vserver("cs_mail").verdict).toBe("vip_wrong_certificate");
  });

  test.each([
    ["carries the name", [["mail.example.com", true]], "vip_agree_up"],
    ["does not carry it", [["mail.example.com", false]], "vip_wrong_certificate"],
    ["was checked for another name only", [["other.example.com", false]], "vip_agree_up"],
    [
      "carries another name and not this one",
      [
        ["other.example.com", true],
        ["mail.example.com", false],
      ],
      "vip_wrong_certificate",
    ],
  ] as const)("is judged by its names when it %s", (_when, checks, verdict) => {
    const vservers = new Map([["v_owa", named("mail.example.com")]]);
    const seen = leaf(
      { names: [] },
      checks.map(([name, carried]) => ({ name, carried })),
    );
    expect(shows(DIRECT, {}, seen, vservers).vserver("v_owa").verdict).toBe(verdict);
  });

  test("is not judged when neither its serial nor the expected name is known", () => {
    expect(shows(DIRECT, {}, leaf({ names: ["x"] })).vserver("v_owa").verdict).toBe("vip_agree_up");
  });
});

describe("content-switching path", () => {
  /** Beside the two mail servers: one that only the group of EWS has, and a second name of ex01's address. */
  const conf = `${SWITCHED}add server ex03 10.0.0.3
add server mail01 10.0.0.1
bind serviceGroup sg_ews ex03 443
bind serviceGroup sg_ews mail01 443
`;
  const from = (servedBy: string) => observed({ passed: true, servedBy });

  function asked(...answers: readonly string[]) {
    const world = smallEstate(conf);
    for (const server of ["ex02", "ex03", "mail01"]) {
      world.observe("m_ews", server, from(`${server}.example.com`));
    }
    for (const answer of answers) {
      world.observe("https_challenge", "v_owa", from(answer));
    }
    return world;
  }

  test.each([
    ["a member's answer", ["ex02.example.com"], []],
    ["another group's server", ["ex03.example.com"], [{ path: "/owa/", server: "ex03" }]],
    ["an unknown server", ["stranger"], []],
    ["a member by another name of its address", ["mail01.example.com"], []],
    ["a member after another group's server", ["ex03.example.com", "ex02.example.com"], []],
  ])("is judged for misrouting when it is answered by %s", (_what, answers, misrouted) => {
    const world = asked(...answers);
    expect(world.vserver("v_owa").misrouted).toEqual(misrouted);
    expect(world.vserver("v_ews").misrouted).toEqual([]);
  });

  test("is not misrouted when the answering server belongs to that path's group alone", () => {
    const world = asked();
    world.observe("https_challenge", "v_ews", from("ex03.example.com"));
    expect(world.vserver("v_ews").misrouted).toEqual([]);
  });
});

describe("server that answered through the VIP", () => {
  const from = (servedBy: string) => observed({ passed: true, servedBy });

  function twoServers(): SmallEstate {
    const world = smallEstate(DIRECT);
    world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
    world.observe("m_owa", "ex01", from("ex01.example.com"));
    world.observe("m_owa", "ex02", from("ex02.example.com"));
    return world;
  }

  test("is counted under its name in the estate when the name was learned at the backend", () => {
    const world = twoServers();
    world.observe("https_challenge", "v_owa", from("EX01"));
    world.observe("https_challenge", "v_owa", from("stranger"));
    expect([...world.vserver("v_owa").servedBy]).toEqual([
      ["ex01", 1],
      ["unrecognised", 1],
    ]);
  });

  test("is reported as a drained server when it answers twice and the ADC still has it out", () => {
    const world = twoServers();
    const said = { ex01: { state: "out" }, ex02: { state: "up" } } as const;
    world.hear(said);
    world.observe("https_challenge", "v_owa", from("ex01"));
    world.hear(said);
    expect(world.vserver("v_owa").verdict).not.toBe("vip_served_by_drained_server");
    world.observe("https_challenge", "v_owa", from("ex01"));
    world.hear(said);
    expect(world.vserver("v_owa").verdict).toBe("vip_served_by_drained_server");
    expect(world.vserver("v_owa").drainedServers).toEqual(new Set(["ex01"]));
    world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
    expect(world.vserver("v_owa").verdict).toBe("vip_agree_up");
  });

  test("is not reported as drained when it answered before the ADC took it out", () => {
    const world = smallEstate(DIRECT, { declared: "open" });
    const up = { state: "up" } as const;
    world.hear({ ex01: up, ex02: up });
    world.observe("m_owa", "ex01", from("ex01"));
    world.observe("m_owa", "ex02", from("ex02"));
    world.observe("m_owa", "ex01", BAD, 3);
    world.later(600_000);
    world.hearAgain();
    expect(world.member("ex01").verdict).toBe("routes_to_maintenance");
    world.observe("https_challenge", "v_owa", from("ex01"), 2);
    world.hearAgain();
    expect(world.vserver("v_owa").verdict).toBe("vip_served_by_drained_server");
    world.hear({ ex01: { state: "out" }, ex02: up });
    expect(world.vserver("v_owa").drainedAnswers).toBe(0);
    expect(world.vserver("v_owa").verdict).not.toBe("vip_served_by_drained_server");
    world.observe("https_challenge", "v_owa", from("ex01"), 2);
    world.hearAgain();
    expect(world.vserver("v_owa").verdict).toBe("vip_served_by_drained_server");
  });

  test("is not counted as drained when it is drained at one port and in service at another", () => {
    const world = smallEstate(`${DIRECT}bind serviceGroup sg_owa ex01 444\n`);
    const said = { state: "up" } as const;
    world.hear({ ex01: said, ex02: said });
    world.observe("m_owa", "ex01", from("ex01"));
    const drained = world.state.members.find(
      ({ server, port }) => server === "ex01" && port === 443,
    );
    drained?.applyAdcState({ ...SAID_OUT, adcService: "sg_owa", server: "ex01" }, world.clock.at);
    world.observe("https_challenge", "v_owa", from("ex01"), 4);
    expect(world.vserver("v_owa").drainedAnswers).toBe(0);
  });
});

const SAID_OUT = {
  adcService: "",
  server: "",
  address: null,
  port: 443,
  state: "out",
  rawState: "OUT OF SERVICE",
  trofsReason: null,
  connections: null,
  sinceMs: null,
  enabled: false,
  monitors: [],
  blind: [],
} as const;

describe("source-bound persistence", () => {
  const OURS = "10.9.9.9";
  const ALSO_OURS = "10.9.9.8";

  /** A vserver whose first member leaves, and what the ADC tells of our entries at each poll, one after another. */
  function leaving(
    ...polls: readonly (readonly (readonly [source: string, server: string])[] | null)[]
  ) {
    const world = smallEstate(DIRECT);
    const vserver = world.vserver("v_owa");
    for (const poll of polls) {
      const entries = poll?.map(([source, address]) => ({
        source,
        address,
        port: 443,
        expiresInMs: 60_000,
      }));
      world.hear(
        { ex01: { state: "leaving" }, ex02: { state: "up" } },
        entries === undefined
          ? undefined
          : new Map([["v_owa", { asked: [OURS, ALSO_OURS], entries }]]),
      );
    }
    return persistencePause(vserver, world.clock.at, 0);
  }

  test("pauses the VIP's probes when a member leaves, until its entry has timed out", () => {
    const world = smallEstate(DIRECT);
    const pausedAt = (at: number, pollMs = 0) =>
      persistencePause(world.vserver("v_owa"), at, pollMs).kind;
    world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
    expect(pausedAt(world.clock.at)).toBe("none");
    world.hear({ ex01: { state: "leaving" }, ex02: { state: "up" } });
    const leftAt = world.clock.at;
    expect(pausedAt(leftAt)).toBe("pause");
    expect(pausedAt(leftAt + 119_999)).toBe("pause");
    expect(pausedAt(leftAt + 120_000)).toBe("none");
    // Until the poll told, probes went on and kept the entry alive.
    expect(pausedAt(leftAt + 134_999, 15_000)).toBe("pause");
    expect(pausedAt(leftAt + 135_000, 15_000)).toBe("none");
    // It has left: that it is out now begins no second pause.
    world.clock.at = leftAt + 130_000;
    world.hear({ ex01: { state: "out" }, ex02: { state: "up" } });
    expect(pausedAt(world.clock.at)).toBe("none");
  });

  test("pauses from the poll that reports the leaving when failed polls delayed it, since probes kept the entry alive", () => {
    const POLL_MS = 15_000;
    const world = smallEstate(DIRECT);
    const paused = () => persistencePause(world.vserver("v_owa"), world.clock.at, POLL_MS).kind;
    world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
    world.state.applyAdcPoll("prod", null);
    world.clock.at += 100_000;
    // It left right after the first poll; those that could have told have failed.
    world.hear({ ex01: { state: "leaving", sinceMs: 99_000 }, ex02: { state: "up" } });
    const toldAt = world.clock.at;
    for (const [at, kind] of [
      [toldAt, "pause"],
      [toldAt + 119_999, "pause"],
      [toldAt + 120_000, "none"],
    ] as const) {
      world.clock.at = at;
      world.hear({
        ex01: { state: "out", sinceMs: 99_000 + at - toldAt },
        ex02: { state: "up" },
      });
      expect(paused()).toBe(kind);
    }
  });

  test("pauses nothing when a member is already out at the agent's start", () => {
    const world = smallEstate(DIRECT);
    world.hear({ ex01: { state: "out", sinceMs: 600_000 }, ex02: { state: "up" } });
    expect(persistencePause(world.vserver("v_owa"), world.clock.at, 15_000).kind).toBe("none");
  });

  test("pauses nothing when persistence uses a cookie, since our probes send none back", () => {
    const world = smallEstate(DIRECT.replace("SOURCEIP", "COOKIEINSERT"));
    world.hear({ ex01: { state: "leaving" }, ex02: { state: "up" } });
    expect(persistencePause(world.vserver("v_owa"), world.clock.at, 0).kind).toBe("none");
  });

  const AT_LEAVING: readonly [string, string] = [OURS, "10.0.0.1"];
  const ALSO_AT_LEAVING: readonly [string, string] = [ALSO_OURS, "10.0.0.1"];
  const AT_SERVING: readonly [string, string] = [OURS, "10.0.0.2"];
  const ALSO_AT_SERVING: readonly [string, string] = [ALSO_OURS, "10.0.0.2"];

  test.each([
    ["all our entries lead to members in service", [[AT_SERVING, ALSO_AT_SERVING]], "none"],
    ["all lead to the one that leaves", [[AT_LEAVING, ALSO_AT_LEAVING]], "pause"],
    ["one leads there, one elsewhere", [[AT_LEAVING, ALSO_AT_SERVING]], "avoid"],
    ["they were there and are gone", [[AT_LEAVING, ALSO_AT_LEAVING], []], "none"],
    ["one is gone, one still leads there", [[AT_LEAVING, ALSO_AT_LEAVING], [AT_LEAVING]], "avoid"],
    ["none was ever seen, so our address may be hidden", [[]], "pause"],
    [
      "one leads to a server that is not known here",
      [[[OURS, "10.7.7.7"], ALSO_AT_LEAVING]],
      "pause",
    ],
    ["the ADC stops reporting entries", [[AT_SERVING, ALSO_AT_SERVING], null], "pause"],
  ] as const)("decides the pause by our persistence entries: %s", (_what, polls, kind) => {
    const pause = leaving(...polls);
    expect(pause.kind).toBe(kind);
    if (pause.kind === "avoid") {
      expect([...pause.addresses]).toEqual([OURS]);
    }
  });

  test("reports the entry of one source address and pauses all probes when the others are not known", () => {
    const world = smallEstate(DIRECT);
    world.hear(
      { ex01: { state: "leaving" }, ex02: { state: "up" } },
      new Map([
        [
          "v_owa",
          {
            asked: [OURS],
            entries: [{ source: OURS, address: "10.0.0.1", port: 443, expiresInMs: 1 }],
          },
        ],
      ]),
    );
    expect(world.vserver("v_owa").persistence).toEqual({
      type: "SOURCEIP",
      probes: "paused",
      sticksTo: [{ source: OURS, server: "ex01" }],
      observable: false,
    });
  });
});

describe("client address through the VIP", () => {
  const SMTP = `add server ex01 10.0.0.1
add serviceGroup sg_smtp TCP
add lb monitor m_smtp SMTP
add lb vserver v_smtp TCP 10.0.0.100 25
bind serviceGroup sg_smtp ex01 25
bind serviceGroup sg_smtp -monitorName m_smtp
bind lb vserver v_smtp sg_smtp
`;
  type Told = { readonly seenAs: string; readonly own: boolean } | null;
  const US: Told = { seenAs: "10.9.9.9", own: true };
  const TRANSLATED: Told = { seenAs: "172.16.0.1", own: false };
  const SNIP: Told = { seenAs: "10.0.0.50", own: false };

  test.each<[string, Told, Told, boolean | null]>([
    ["kept: servers see our own address", US, US, true],
    ["kept, behind an address translation", TRANSLATED, TRANSLATED, true],
    ["lost: servers see the ADC's", SNIP, US, false],
    ["lost, behind an address translation", SNIP, TRANSLATED, false],
    ["kept, though no server reported it without the ADC", US, null, true],
    ["not reported through the VIP", null, US, null],
  ])("is judged as kept or lost: %s", (_what, throughVip, direct, kept) => {
    const members: MemberConfig[] = [
      { match: "ex01:25", protocol: "smtp", exchange: "2016", path: null, host: null },
    ];
    const world = smallEstate(SMTP, { settings: { ...BARE_SETTINGS, members } });
    const tell = (where: string, told: Told) => {
      world.observe(
        "smtp_mail_from",
        where,
        observed({ passed: true, ...(told === null ? {} : { clientAddress: told }) }),
      );
    };
    tell("ex01", direct);
    tell("v_smtp", throughVip);
    expect(world.vserver("v_smtp").clientAddressKept).toBe(kept);
  });
});

describe("failing VIP whose members are well", () => {
  const pollMs = 15_000;

  function differs() {
    const world = smallEstate(DIRECT, { pollMs });
    const { clock, state } = world;
    /** The ADC says that all is up; its first question was asked so long ago. */
    const hearUp = (askedMsAgo: number): void => {
      state.applyAdcPoll("prod", {
        at: clock.at,
        askedAt: clock.at - askedMsAgo,
        nodes: [],
        members: new Map(),
        vservers: new Map([["v_owa", toldVserver("v_owa", "up")]]),
      });
    };
    hearUp(0);
    world.observe("m_owa", "ex01", GOOD);
    world.observe("https_challenge", "v_owa", GOOD);
    world.observe("https_challenge", "v_owa", BAD, 2);
    expect(world.vserver("v_owa").verdict).toBe("settling");
    const graces = world.vserver("v_owa").memberRecords.map(({ grace }) => grace);
    const graceMs = Math.max(
      ...graces.flatMap(({ towardsDownMs, towardsUpMs }) => [towardsDownMs, towardsUpMs]),
    );
    return { ...world, hearUp, pass: world.later, graceMs };
  }

  test("is reported when the ADC was polled late enough, not while its last known state is held", () => {
    const { vserver, hearUp, pass, graceMs } = differs();
    pass(graceMs + 1);
    expect(vserver("v_owa").verdict).toBe("settling");
    hearUp(pollMs + 2);
    expect(vserver("v_owa").verdict).toBe("settling");
    hearUp(pollMs);
    expect(vserver("v_owa").verdict).toBe("vip_down_members_up");
  });

  test("is reported without the ADC's state when the ADC is given up", () => {
    const { state, vserver, pass, graceMs } = differs();
    pass(graceMs);
    state.applyAdcPoll("prod", null);
    expect(vserver("v_owa").verdict).toBe("settling");
    pass(1);
    expect(vserver("v_owa").verdict).toBe("vip_down_members_up");
  });
});

describe("VIP over three members of which one fails", () => {
  const three = `${DIRECT}add server ex03 10.0.0.3
bind serviceGroup sg_owa ex03 443
`;
  const fair = three.replace(" -persistenceType SOURCEIP -timeout 2", "");

  function failing(conf: string, through = BAD, times = 2): string {
    const world = smallEstate(conf);
    world.hear({ ex01: {}, ex02: {}, ex03: {} });
    for (const server of ["ex01", "ex02", "ex03"]) {
      world.observe("m_owa", server, GOOD);
      world.observe("https_challenge", server, server === "ex03" ? BAD : GOOD, 2);
    }
    world.observe("https_challenge", "v_owa", through, times);
    world.later(10 * 60_000);
    world.hearAgain();
    world.vserver("v_owa").applyAdcState(toldVserver("v_owa", "up"), world.clock.at);
    world.state.evaluateAll();
    const { vip, verdict } = world.vserver("v_owa");
    return `${vip} ${verdict}`;
  }

  /** Every look that `later` repeats is a failure more. */
  const down = "down vip_down_members_up";
  test.each([
    [
      "persistence by client address keeps all our looks at the failing member",
      three,
      BAD,
      "unknown vip_agree_up",
    ],
    ["fails far more often than every third time", fair, BAD, down],
    ["does not answer at all", three, observed({ passed: false, step: "connect" }), down],
    ["shows a broken handshake of its own", three, observed({ passed: false, step: "tls" }), down],
    [
      "the ADC answers that it has no service",
      three,
      observed({ passed: false, reason: "adc_no_service" }),
      down,
    ],
    ["answers", three, GOOD, "up vip_agree_up"],
  ])("is judged by the look through it: %s", (_what, conf, through, expected) => {
    expect(failing(conf, through)).toBe(expected);
  });

  test("is unknown after a few failures in a row and down when there are more than chance explains", () => {
    const opinions = [1, 2, 6, 7].map((times) => {
      const world = smallEstate(fair);
      world.hear({ ex01: {}, ex02: {}, ex03: {} });
      for (const server of ["ex01", "ex02", "ex03"]) {
        world.observe("m_owa", server, server === "ex03" ? BAD : GOOD, 3);
      }
      world.observe("https_challenge", "v_owa", BAD, times);
      return world.vserver("v_owa").vip;
    });
    expect(opinions).toEqual(["unknown", "unknown", "unknown", "down"]);
  });
});

test("evaluate vserver › agrees with an ADC that says DOWN when its monitor logs in and the servers were only greeted", () => {
  const world = smallEstate(`add server ex01 10.0.0.1
add serviceGroup sg_pop3 TCP
add lb monitor m_pop3 POP3 -scriptName nspop3.pl -userName itest -password ab -encrypted
add lb vserver v_pop3 TCP 10.0.0.100 110
bind serviceGroup sg_pop3 ex01 110
bind serviceGroup sg_pop3 -monitorName m_pop3
bind lb vserver v_pop3 sg_pop3
`);
  const hear = (): void => {
    world.hear({ ex01: { state: "down" } });
    world.vserver("v_pop3").applyAdcState(toldVserver("v_pop3", "down"), world.clock.at);
    world.state.evaluateAll();
  };
  hear();
  world.observe("pop3_greeting", "ex01", GOOD);
  world.observe(
    "pop3_greeting",
    "v_pop3",
    observed({ passed: false, reason: "closed_without_data" }),
    2,
  );
  world.later(10 * 60_000);
  hear();
  expect(world.member("ex01")).toMatchObject({ verdict: "unknown", service: "up" });
  expect(world.vserver("v_pop3").verdict).toBe("vip_agree_down");
});

describe("authentication vserver", () => {
  const conf = `${SWITCHED}add authentication vserver aaa SSL 0.0.0.0
add ssl certKey wild -cert a.pem -key a.key
bind ssl vserver aaa -certkeyName wild
add cs action to_aaa -targetVserver aaa
add cs policy p_aaa -rule "HTTP.REQ.HOSTNAME.EQ(\\"aaa.example.com\\")" -action to_aaa
bind cs vserver cs_mail -policyName p_aaa -priority 10
`;

  test("is asked for its login page by the host name that content switching routes to it", () => {
    const { planned } = smallEstate(conf).probe("web_answer", "aaa");
    expect(planned).toMatchObject({
      address: "10.0.0.100",
      port: 443,
      vservers: ["aaa", "cs_mail"],
    });
    expect(planned.action).toMatchObject({
      run: { spec: { host: "aaa.example.com", path: "/", adc: { authentication: "own" } } },
    });
  });

  test.each([
    ["UP, and its login answers", "up", GOOD, "vip_agree_up"],
    ["UP, and its login does not answer", "up", BAD, "vip_login_broken"],
    ["DOWN, and its login does not answer", "down", BAD, "vip_agree_down"],
    ["DOWN, and its login answers", "down", GOOD, "unknown"],
  ] as const)("agrees or not with the ADC when it is %s", (_what, state, seen, verdict) => {
    const world = smallEstate(conf);
    const hear = (): void => {
      world
        .vserver("aaa")
        .applyAdcState({ ...toldVserver("aaa", state), kind: "aaa" }, world.clock.at);
      world.state.evaluateAll();
    };
    hear();
    world.observe("web_answer", "aaa", seen, 2);
    world.later(10 * 60_000);
    hear();
    expect(world.vserver("aaa")).toMatchObject({ kind: "aaa", verdict });
  });

  test("is unknown and not probed when nothing routes to it", () => {
    const world = smallEstate("add authentication vserver aaa SSL 0.0.0.0\n");
    expect(world.state.probes).toEqual([]);
    expect(world.vserver("aaa")).toMatchObject({ verdict: "unknown", vip: "none" });
  });

  test("is reported with the wrong certificate when it shows another than the bound one", () => {
    const direct = conf.replace("aaa SSL 0.0.0.0", "aaa SSL 10.0.0.101 443");
    const world = smallEstate(direct, {
      changeEstate: (estate) => ({
        ...estate,
        certKeys: new Map(
          [...estate.certKeys].map(([name, key]) => [name, { ...key, serial: "77" }]),
        ),
      }),
    });
    world.observe("web_answer", "aaa", observed({ passed: true, tls: leaf({ serial: "78" }) }));
    world
      .vserver("aaa")
      .applyAdcState({ ...toldVserver("aaa", "up"), kind: "aaa" }, world.clock.at);
    world.state.evaluateAll();
    expect(world.vserver("aaa").verdict).toBe("vip_wrong_certificate");
  });
});

test("evaluate vserver › agrees when a vserver that only redirects redirects as configured, whatever the ADC says", () => {
  const conf = "add lb vserver v_http HTTP 10.0.0.100 80 -redirectURL https://mail.example.com/\n";
  const world = smallEstate(conf);
  expect(world.vserver("v_http").verdict).toBe("unknown");
  world.observe("https_challenge", "v_http", GOOD);
  expect(world.vserver("v_http").verdict).toBe("vip_agree_up");
  world.observe("https_challenge", "v_http", BAD, 2);
  expect(world.vserver("v_http").verdict).toBe("vip_down_members_up");
});

test("members › counts members known to be down apart from those not known", () => {
  const world = smallEstate(DIRECT);
  const counts = (): unknown => world.vserver("v_owa").members;
  expect(counts()).toMatchObject({ configured: 2, reallyUp: 0, reallyDown: 0 });
  world.observe("m_owa", "ex01", observed({ passed: true }));
  world.observe("m_owa", "ex02", observed({ passed: false }), 3);
  world.state.evaluateAll();
  expect(counts()).toMatchObject({ configured: 2, reallyUp: 1, reallyDown: 1 });
});
