import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { lint } from "../../src/lint/lint.ts";
import {
  memberCommands,
  serverCommands,
  vserverCommands,
  wholeServerCommands,
} from "../../src/web/page/commands.ts";
import { findingsOf } from "../../src/change/findings.ts";
import { attentionOf } from "../../src/web/page/attention.ts";
import { headline } from "../../src/web/page/state-bar.ts";
import { maintenancePage } from "../../src/web/page/maintenance-page.ts";
import { causeOfEach } from "../../src/web/page/opinions.ts";
import { protocolOf, type LiveMember, type LivePersistence } from "../../src/model/live.ts";
import {
  severity,
  MEMBER_VERDICTS,
  MISMATCH_VERDICTS,
  VSERVER_VERDICTS,
  type MemberVerdict,
} from "../../src/model/verdicts.ts";
import { createHistory } from "../../src/web/history/history.ts";
import { statusPage } from "../../src/web/page/status-page.ts";
import { toneOf } from "../../src/web/page/tone.ts";
import {
  aCertificate,
  aFailure,
  aLargeEstate,
  aLiveState,
  aMember,
  anAdc,
  anObservation,
  aProbe,
  aVserver,
  maintenanceHour,
  NOON,
  tlsFacts,
} from "../support/live-state.ts";

const sentence = (live: Parameters<typeof headline>[0]): string => headline(live).sentence;

describe("headline", () => {
  test("names ADC, protocol, server, state and time", () => {
    expect(headline(maintenanceHour())).toEqual({
      tone: "bad",
      sentence: "NetScaler prod sends IMAP clients to ex02, which is in maintenance",
      since: NOON - 62_000,
      title: "1 wrong",
    });
  });

  test("names several protocols of one server together and leaves other servers to the cards", () => {
    const wrong = (server: string, port: number) =>
      aMember({
        server,
        port,
        adcService: `s${String(port)}`,
        verdict: "routes_to_maintenance",
        mismatch: true,
      });
    const members = [wrong("ex02", 143), wrong("ex02", 993), wrong("ex02", 25), wrong("ex01", 110)];
    expect(sentence(aLiveState({ members }))).toMatch(
      /^NetScaler prod sends SMTP and IMAP clients to ex02, which is in maintenance$/,
    );
  });

  test("prefers routes_to_maintenance to false_down, however long that has lasted", () => {
    const members = [
      aMember({ server: "ex01", verdict: "false_down", mismatch: true, since: 0 }),
      aMember({ server: "ex02", verdict: "routes_to_maintenance", mismatch: true }),
    ];
    expect(sentence(aLiveState({ members }))).toContain("clients to ex02");
  });

  test.each([
    ["nothing imported", aLiveState(), "No estate imported yet, so there is nothing to compare"],
    [
      "all agree",
      aLiveState({ members: [aMember()] }),
      "NetScaler prod and this agent agree about all members and vservers",
    ],
    [
      "all agree of what is known",
      aLiveState({ members: [aMember(), aMember({ verdict: "unknown" })] }),
      "NetScaler prod and this agent agree about 1 of 2 members and vservers",
    ],
    [
      "cut off",
      { ...maintenanceHour(), cutOff: true },
      "This agent is cut off: no control target is reachable, so all its opinions are unknown",
    ],
    [
      "the ADC is silent",
      aLiveState({
        adcs: [anAdc({ up: false, silent: true, lastPollAt: null })],
        members: [aMember({ verdict: "unknown" })],
      }),
      "NetScaler prod does not respond to this agent, so its state is unknown",
    ],
    [
      "the ADC answers without its states",
      aLiveState({
        adcs: [anAdc({ up: false, lastPollAt: null })],
        members: [aMember({ verdict: "unknown" })],
      }),
      "NetScaler prod does not report its state to this agent, so its state is unknown",
    ],
    [
      "opinions differ within grace",
      aLiveState({ members: [aMember(), aMember({ server: "ex02", verdict: "settling" })] }),
      "NetScaler prod and this agent differ about ex02, still within the time the ADC itself needs to react",
    ],
    [
      "a fault behind all front ends",
      aLiveState({
        members: [aMember()],
        findings: [
          {
            kind: "mailbox_side",
            adc: "prod",
            account: "probe-a",
            transactions: ["imap_login"],
            reason: null,
            message: "Logins of probe-a fail at every server.",
          },
        ],
      }),
      "Logins of probe-a fail at every server",
    ],
    [
      "all unknown",
      aLiveState({ members: [aMember({ verdict: "unknown" })] }),
      "Nothing can be compared yet: results of the ADC or of the probes are missing",
    ],
  ])("sums the state up: %s", (_, live, expected) => {
    expect(sentence(live)).toBe(expected);
  });

  test.each([...MISMATCH_VERDICTS])("has words of its own for %s", (verdict) => {
    const isMember = (MEMBER_VERDICTS as readonly string[]).includes(verdict);
    const live = isMember
      ? aLiveState({ members: [aMember({ verdict: verdict as MemberVerdict, mismatch: true })] })
      : aLiveState({
          vservers: [aVserver({ verdict: verdict as "vip_wrong_certificate", mismatch: true })],
        });
    expect(headline(live).tone).toBe("bad");
    expect(sentence(live)).not.toContain("differ about");
  });
});

describe("cause cards", () => {
  const wrong = (port: number, facts: Partial<LiveMember> = {}): LiveMember =>
    aMember({
      server: "ex02",
      port,
      adcService: `s${String(port)}`,
      verdict: "routes_to_maintenance",
      mismatch: true,
      ...facts,
    });

  test("are one for each server and verdict, with the services in the title, whatever step fails", () => {
    const members = [
      wrong(993),
      wrong(587, { step: "tls" }),
      wrong(25),
      wrong(143, { server: "ex01" }),
    ];
    expect(attentionOf(aLiveState({ members })).map(({ title }) => title)).toEqual([
      "ex02, in maintenance, still gets clients: SMTP 25 and 587, IMAP 993",
      "ex01, in maintenance, still gets clients: IMAP 143",
    ]);
  });

  test("list a vserver that is wrong because of such a server as a line of its card", () => {
    const vserver = aVserver({ verdict: "vip_served_by_drained_server", mismatch: true });
    const own = aVserver({ vserver: "v_owa", verdict: "vip_login_broken", mismatch: true });
    const [first, second, ...rest] = attentionOf(
      aLiveState({ members: [wrong(143)], vservers: [vserver, own] }),
    );
    expect(first).toMatchObject({ kind: "server", derived: [{ vserver: "v_imap" }] });
    expect(second).toMatchObject({ kind: "vserver", vserver: { vserver: "v_owa" } });
    expect(rest).toEqual([]);
  });

  test("name a server's differing certificate once for all vservers", () => {
    const members = ["ex01", "ex02", "ex03"].flatMap((server) =>
      ["v_imap", "v_smtp"].map((vserver) => {
        const sha256 = (server === "ex02" ? "cd" : "ab").repeat(32);
        const last = anObservation({ tls: tlsFacts({ chain: [aCertificate({ sha256 })] }) });
        const port = vserver === "v_imap" ? 993 : 587;
        return aMember({ server, port, vservers: [vserver], probes: [aProbe({ last })] });
      }),
    );
    const vservers = ["v_imap", "v_smtp"].map((vserver) =>
      aVserver({ vserver, certificateDiffers: true }),
    );
    expect(attentionOf(aLiveState({ members, vservers }))).toMatchObject([
      {
        kind: "certificate",
        servers: ["ex02"],
        title: "ex02 presents another certificate than the other servers: IMAP 993, SMTP 587",
      },
    ]);
  });
});

describe("reason beside each opinion", () => {
  const look = aProbe({ kind: "transaction", transaction: "smtp_mail_from", lastPassed: false });
  const inactive = aFailure("mail_from", "service_not_active");
  const banner = { step: "banner", reason: "banner_mismatch" } as const;

  test.each<[string, Partial<LiveMember>, string, string]>([
    ["of a strict monitor stands beside the replica", { replica: "down", ...banner }, "banner", ""],
    [
      "of a service that fails stands beside it",
      { service: "down", step: "mail_from", reason: "service_not_active" },
      "",
      "reports that it is not active",
    ],
    [
      "of an exchange that fails beside a login that works stands beside the service",
      { probes: [{ ...look, last: inactive }] },
      "",
      "but smtp_mail_from fails: the server reports that it is not active",
    ],
    ["is not given where all is well", {}, "", ""],
  ])("is shown beside the opinion it explains: %s", (_case, facts, replica, service) => {
    const why = causeOfEach(aMember(facts));
    const holds = (text: string, part: string): boolean =>
      part === "" ? text === "" : text.includes(part);
    expect([holds(why.replica, replica), holds(why.service, service), why]).toEqual([
      true,
      true,
      why,
    ]);
  });
});

describe("maintenance page", () => {
  const report = (ok: boolean, message: string) => ({
    server: "ex02",
    ok,
    checks: [{ name: "one", ok, warning: false, message }],
  });
  const pageOf = (members: readonly LiveMember[]): string =>
    maintenancePage({
      live: aLiveState({ members }),
      windows: [],
      writable: false,
      message: null,
      server: "ex02",
      checks: {
        preflight: report(true, "All can do without it."),
        drained: report(false, "2 of 2 members of ex02 still UP."),
        returned: report(false, "Not yet."),
        timelines: [],
      },
      estates: [],
      version: "0",
    });
  const headlineOf = (members: readonly LiveMember[]): string => {
    const page = pageOf(members);
    return /<h1>([^]*?)<\/h1>/.exec(page)?.[1]?.replace(/<[^>]*>|\s+/g, " ") ?? "";
  };

  test("proposes to drain a server that shows maintenance and is neither declared nor drained", () => {
    const maintenance = { declared: "no", adc: false, detected: true } as const;
    const members = [aMember({ server: "ex02", service: "down", maintenance })];
    expect(headlineOf(members)).toMatch(/ex02: in maintenance; next: drain it on the ADC/);
    expect(headlineOf([aMember({ server: "ex02" })])).toMatch(/ex02: preflight; next: drain it/);
    expect(pageOf(members)).toMatch(/disable server ex02 60 <span>-graceFul<.span> YES/);
  });

  test("shows the command only at the next step", () => {
    const away = { declared: "no", adc: true, detected: false } as const;
    const out = [aMember({ server: "ex02", adcOpinion: "out", maintenance: away })];
    expect(pageOf(out).match(/(?:dis|en)able server ex02/g)).toEqual(["disable server ex02"]);
  });
});

describe("findings", () => {
  test("share a card when members of one server fail alike", () => {
    const member = (server: string, port: number, reason: "refused" | "reset") =>
      aMember({ server, port, reason, verdict: "false_up" });
    const members = [
      member("ex01", 25, "refused"),
      member("ex01", 587, "refused"),
      member("ex01", 143, "reset"),
      member("ex02", 25, "refused"),
    ];
    const found = findingsOf({ members, vservers: [] }, "bad");
    expect(
      found.map((one) => (one.kind === "members" ? one.members.map(({ port }) => port) : [])),
    ).toEqual([[25, 587], [143], [25]]);
  });

  test("have a tone and a rank for every verdict", () => {
    for (const verdict of [...MEMBER_VERDICTS, ...VSERVER_VERDICTS]) {
      expect([verdict, MISMATCH_VERDICTS.has(verdict)]).toEqual([
        verdict,
        toneOf(verdict) === "bad",
      ]);
      expect(severity(verdict)).toBeLessThan(MISMATCH_VERDICTS.has(verdict) ? 12 : 20);
    }
  });
});

describe("commands to type", () => {
  const estate = parseNsConf(
    [
      "add server ex02 192.0.2.12",
      "add serviceGroup sg_imap TCP",
      "bind serviceGroup sg_imap ex02 143",
      "add service 'svc imap' ex02 TCP 143",
    ].join("\n"),
    { adc: "prod" },
  );
  const texts = (adcService: string, verdict: MemberVerdict): string[] =>
    memberCommands(aMember({ server: "ex02", adcService, verdict }), estate, lint(estate)).map(
      ({ text }) => text,
    );

  test("disable a group's member by server and port and a service by its name", () => {
    expect(texts("sg_imap", "routes_to_maintenance")[0]).toBe(
      "disable serviceGroup sg_imap ex02 143 -delay 60 -graceFul YES",
    );
    expect(texts("svc imap", "false_up")[0]).toBe('disable service "svc imap" 60 -graceFul YES');
    expect(texts("sg_imap", "return_overdue")).toEqual(["enable serviceGroup sg_imap ex02 143"]);
  });

  test("take out a whole server only when none of its services works", () => {
    const [imap, owa] = (["sg_imap", "svc imap"] as const).map((adcService) =>
      aMember({ server: "ex02", adcService, verdict: "routes_to_maintenance" }),
    );
    const first = (other: MemberVerdict): string | undefined =>
      imap &&
      owa &&
      serverCommands([imap], { members: [imap, { ...owa, verdict: other }] }, estate, [])[0]?.text;
    expect(first("maintenance_expected")).toBe("disable server ex02 60 -graceFul YES");
    expect(first("agree_up")).toContain("disable serviceGroup sg_imap ex02 143");
    expect(first("unknown")).toContain("disable serviceGroup sg_imap ex02 143");
  });

  test("enable exactly the disabled objects of a server that returns", () => {
    const members = (
      imap: LiveMember["disabled"],
      service: LiveMember["disabled"],
    ): readonly LiveMember[] => [
      aMember({ server: "ex02", port: 143, adcService: "sg_imap", disabled: imap ?? null }),
      aMember({ server: "ex02", adcService: "svc imap", disabled: service ?? null }),
    ];
    const lines = (of: readonly LiveMember[]): string[] =>
      wholeServerCommands("enable", of, [estate]).flatMap(({ text }) => text.split("\n"));
    expect(lines(members([], []))).toEqual(["enable server ex02"]);
    expect(lines(members(null, null))).toEqual(["enable server ex02"]);
    expect(lines(members(["server"], ["server"]))).toEqual(["enable server ex02"]);
    expect(lines(members(["member"], []))).toEqual(["enable serviceGroup sg_imap ex02 143"]);
    expect(lines(members(["server", "member"], ["server", "service"]))).toEqual([
      "enable server ex02",
      "enable serviceGroup sg_imap ex02 143",
      'enable service "svc imap"',
    ]);
    const [ofGroup] = members(["service"], []);
    expect(
      ofGroup && memberCommands({ ...ofGroup, verdict: "return_overdue" }, estate, []),
    ).toMatchObject([{ text: "enable serviceGroup sg_imap" }]);
    const [asksItself] = members([], []);
    expect(
      asksItself && memberCommands({ ...asksItself, verdict: "ready_to_return" }, estate, []),
    ).toEqual([]);
  });

  test("clear persistence sessions only when there is persistence", () => {
    const text = (persistence: LivePersistence | null): string | undefined =>
      vserverCommands(aVserver({ verdict: "vip_served_by_drained_server", persistence }))[0]?.text;
    expect(text(null)).toBe("show lb vserver v_imap");
    expect(text({ type: "SOURCEIP", probes: "running", sticksTo: [], observable: true })).toBe(
      "clear lb persistentSessions v_imap",
    );
  });

  test("replace a blind monitor by the one that lint proposes", () => {
    const [, cure] = texts("sg_imap", "blind_monitor");
    expect(cure).toContain("add lb monitor");
    expect(cure).toContain("bind serviceGroup sg_imap -monitorName");
    expect(lint(estate).map(({ fix }) => fix)).toContain(cure);
  });

  test("add a monitor that logs in, not a banner, when only the login fails", () => {
    const cure = (failing: readonly ("imap_greeting" | "imap_login" | "pop3_login")[]): string => {
      const probes = (["imap_greeting", "imap_login", "pop3_login"] as const).map((transaction) =>
        aProbe({ kind: "transaction", transaction, lastPassed: !failing.includes(transaction) }),
      );
      const member = aMember({ adcService: "sg_imap", verdict: "blind_monitor", probes });
      return memberCommands(member, estate, lint(estate))[1]?.text ?? "";
    };
    expect(cure(["imap_login"])).toBe(
      '# incomplete: fill in the placeholders in angle brackets; then remove "# " before each command\n' +
        '# add lb monitor sg_imap_login USER -scriptName "<script that logs in over IMAP>" -interval 60 -resptimeout 10\n' +
        "# bind serviceGroup sg_imap -monitorName sg_imap_login",
    );
    expect(cure(["pop3_login"])).toContain("POP3 -scriptName nspop3.pl -userName");
    expect(cure(["imap_greeting", "imap_login"])).toContain("TCP-ECV -recv");
  });

  test("are read by the importer as meant", () => {
    const [disable = "", cure = ""] = texts("sg_imap", "blind_monitor");
    const conf = `add server ex02 192.0.2.12\nadd serviceGroup sg_imap TCP\nbind serviceGroup sg_imap ex02 143\n${cure}\n${disable}`;
    const read = parseNsConf(conf, { adc: "prod" });
    const group = read.services.get("sg_imap");
    expect(group?.members).toMatchObject([{ server: "ex02", enabled: false }]);
    expect(
      group?.monitors.some(({ monitor }) => read.monitors.get(monitor)?.type === "TCP-ECV"),
    ).toBe(true);
  });

  test("are none when the verdict is good", () => {
    expect(texts("sg_imap", "agree_up")).toEqual([]);
    expect(vserverCommands(aVserver())).toEqual([]);
    expect(vserverCommands(aVserver({ kind: "cs", verdict: "vip_up_members_down" }))).toMatchObject(
      [{ text: "show cs vserver v_imap" }],
    );
  });
});

test.each([
  [143, [], "IMAP"],
  [8443, [aProbe({ type: "HTTP-ECV" })], "HTTP"],
  [
    20143,
    [aProbe({ type: "TCP" }), aProbe({ kind: "transaction", transaction: "imap_greeting" })],
    "IMAP",
  ],
  [4711, [], "port 4711"],
  ["*", [], "port *"],
] as const)("protocolOf › names port %s by its protocol", (port, probes, name) => {
  expect(protocolOf(aMember({ port, probes }))).toBe(name);
});

test("status page › is small and made at once for 500 members behind 60 vservers", () => {
  const large = aLargeEstate({ members: 500, monitors: 2 });
  const members = large.members.map((member, index) => ({
    ...member,
    server: `exchange-${String(index % 40)}.example.com`,
    vservers: [`v_service_${String(index % 60)}`],
  }));
  const vservers = Array.from({ length: 60 }, (_, index) =>
    aVserver({ vserver: `v_service_${String(index)}` }),
  );
  const live = { ...large, members, vservers };
  const history = createHistory({ maxBytes: 1_000, now: () => NOON });
  history.sample(live);
  const input = {
    live,
    estates: [],
    remarks: () => [],
    history,
    selection: {},
    version: "1",
    now: NOON,
  };
  const took = [1, 2, 3, 4, 5].map(() => {
    const begun = process.cpuUsage();
    const page = statusPage({ ...input, view: "page" });
    expect(page.length).toBeLessThan(300_000);
    return process.cpuUsage(begun).user / 1_000;
  });
  expect(Math.min(...took)).toBeLessThan(100);
  expect(statusPage({ ...input, view: "wall" })).toContain("60 more services, on which all agree.");
});
