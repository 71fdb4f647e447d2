import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runCheckConfig } from "../../src/cli/check-config.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { learnedKey } from "../../src/adc/recognise.ts";
import { idleSettings, planProbes } from "../../src/agent/plan/plan.ts";
import { ALL_LOOKS, BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import type { ExcludeConfig, MemberConfig } from "../../src/config/schema.ts";
import { aRun } from "../support/transaction-settings.ts";
import { observed, smallEstate } from "./small-estate.ts";

const CONF = `add server mbx01 192.0.2.1
add server mbx02 192.0.2.2
add serviceGroup sg_imap TCP
add serviceGroup sg_smtp TCP
add serviceGroup sg_web SSL
add lb monitor m_tcp TCP
add lb vserver v_imap TCP 192.0.2.100 143
add lb vserver v_smtp TCP 192.0.2.100 25
bind lb vserver v_imap sg_imap
bind lb vserver v_smtp sg_smtp
bind serviceGroup sg_imap mbx01 143
bind serviceGroup sg_imap mbx02 143
bind serviceGroup sg_smtp mbx01 25
bind serviceGroup sg_web mbx01 443
bind serviceGroup sg_imap -monitorName m_tcp
`;
const ESTATE = parseNsConf(CONF, { adc: "prod" });

function looks(change: Partial<PlanSettings> = {}, learned: readonly string[] = []): string[] {
  return planProbes(ESTATE, { ...BARE_SETTINGS, ...change }, new Set(learned))
    .filter(({ action }) => action.kind === "transaction" && action.run !== null)
    .map(({ type, server, vserver }) => `${type} ${server ?? vserver}`);
}

function member(match: string, change: Partial<MemberConfig>): MemberConfig {
  return { match, protocol: null, exchange: null, path: null, host: null, ...change };
}

describe("default looks", () => {
  test("are planned whatever the names of services are", () => {
    expect(looks()).toEqual([
      "imap_greeting mbx01",
      "imap_greeting mbx02",
      "smtp_greeting mbx01",
      "web_answer mbx01",
      "imap_greeting v_imap",
      "smtp_greeting v_smtp",
    ]);
  });

  test("become Exchange looks when a greeting has identified Exchange", () => {
    expect(looks({}, [learnedKey("mbx01", 143)])).toContain("smtp_mail_from mbx01");
    expect(looks({}, [learnedKey("mbx01", 443)])).toContain("health_page mbx01");
  });

  test.each<[string, Partial<PlanSettings>, readonly string[]]>([
    ["everywhere", { looks: { ...ALL_LOOKS, mail: false } }, ["web_answer mbx01"]],
    [
      "at a member",
      { members: [member("mbx01:143", { looks: { mail: false } })] },
      [
        "imap_greeting mbx02",
        "smtp_greeting mbx01",
        "web_answer mbx01",
        "imap_greeting v_imap",
        "smtp_greeting v_smtp",
      ],
    ],
    [
      "at a port",
      {
        members: [member("*:143", { looks: { mail: false } })],
        vservers: new Map([
          [
            "v_imap",
            { host: null, names: [], path: null, ca: null, public: [], looks: { mail: false } },
          ],
        ]),
      },
      ["smtp_greeting mbx01", "web_answer mbx01", "smtp_greeting v_smtp"],
    ],
    [
      "at a vserver and at what serves it alone",
      {
        vservers: new Map([
          [
            "v_imap",
            { host: null, names: [], path: null, ca: null, public: [], looks: { mail: false } },
          ],
        ]),
      },
      ["smtp_greeting mbx01", "web_answer mbx01", "smtp_greeting v_smtp"],
    ],
    [
      "except at one member",
      {
        looks: { ...ALL_LOOKS, mail: false, web: false },
        members: [member("mbx02", { looks: { mail: true } })],
      },
      ["imap_greeting mbx02"],
    ],
  ])("are turned off %s", (_where, change, expected) => {
    expect(looks(change)).toEqual(expected);
  });

  test("use the configured TLS mode without making the member Exchange", () => {
    const [probe] = planProbes(ESTATE, {
      ...BARE_SETTINGS,
      members: [member("mbx01:143", { security: "implicit" })],
    }).filter(({ type, server }) => type === "imap_greeting" && server === "mbx01");
    expect(probe?.action.run?.spec).toMatchObject({
      security: "implicit",
      tls: { serverName: null },
    });
  });
});

describe("exclude", () => {
  const excluded = (change: Partial<ExcludeConfig>): ExcludeConfig => ({
    what: "member",
    pattern: "mbx01:143",
    from: "probing",
    reason: "is being rebuilt",
    ...change,
  });
  const reasons = (exclude: ExcludeConfig): string[] =>
    planProbes(ESTATE, { ...BARE_SETTINGS, exclude: [exclude] })
      .filter(({ action }) => action.unsupportedReason === "excluded: is being rebuilt")
      .map(({ type, server, vserver }) => `${type} ${server ?? vserver}`);

  test.each([
    [excluded({}), ["TCP mbx01", "imap_greeting mbx01"]],
    [excluded({ what: "monitor", pattern: "m_*" }), ["TCP mbx01", "TCP mbx02"]],
    [excluded({ what: "vserver", pattern: "v_smtp" }), ["smtp_greeting v_smtp"]],
    [excluded({ from: "judging" }), []],
  ])(
    "from probing › lists probes with the reason and does not run them: %j",
    (exclude, expected) => {
      expect(reasons(exclude)).toEqual(expected);
    },
  );

  const REFUSED = observed({
    passed: false,
    outcome: "refused",
    reason: "refused",
    step: "connect",
  });

  function judged(exclude: readonly ExcludeConfig[]) {
    const one = smallEstate(CONF, { exclude, settings: { ...BARE_SETTINGS, exclude } });
    one.hear({ mbx01: { state: "down" }, mbx02: { state: "down" } });
    one.observe("m_tcp", "mbx01", REFUSED, 3);
    one.observe("imap_greeting", "mbx01", REFUSED, 2);
    one.state.evaluateAll();
    return one;
  }

  test("from judging › leaves a member unknown with the reason", () => {
    expect(judged([]).member("mbx01", "sg_imap").verdict).toBe("agree_down");
    expect(judged([excluded({ from: "judging" })]).member("mbx01", "sg_imap")).toMatchObject({
      verdict: "unknown",
      reason: "excluded",
      unjudged: "is being rebuilt",
      replica: "down",
      mismatch: false,
    });
  });

  test("from judging › runs a monitor without letting it decide the verdict", () => {
    const { member: of, probe } = judged([
      excluded({ what: "monitor", pattern: "m_tcp", from: "judging" }),
    ]);
    expect(of("mbx01", "sg_imap").replica).toBe("unknown");
    expect(probe("m_tcp", "mbx01").opinion).toBe("down");
  });

  test("from judging › leaves a vserver unknown", () => {
    const one = judged([excluded({ what: "vserver", pattern: "v_imap", from: "judging" })]);
    expect(one.vserver("v_imap")).toMatchObject({ verdict: "unknown", reason: "excluded" });
  });
});

describe("idle settings", () => {
  test("are reported with their place when a run or exclusion selects nothing", () => {
    const run = (adcService: string) =>
      aRun("imap_greeting", { members: { adcServices: [adcService] } });
    const exclusion = (pattern: string): ExcludeConfig => ({
      what: "vserver",
      pattern,
      from: "judging",
      reason: "x",
    });
    const told = idleSettings(
      {
        file: "a.yml",
        transactions: { accounts: [], run: [run("sg_imap"), run("sg_imaps")] },
        exclude: [exclusion("v_imaps"), exclusion("v_*")],
        locate: (path) => ({
          line: Number(path[path.indexOf("run") + 1] ?? 0),
          column: path.length,
        }),
      },
      [{ estate: ESTATE, settings: BARE_SETTINGS }],
    );
    expect(
      told.map(({ path, message }) => `${path} ${message.split(" (expected", 1)[0] ?? ""}`),
    ).toEqual([
      "transactions.run.1 imap_greeting matches no member and no vserver of any estate",
      "exclude.0.vserver v_imaps matches nothing in any estate",
    ]);
    expect(told[0]).toMatchObject({ file: "a.yml", line: 1, column: 3 });
  });

  test("are errors of check-config with the file's line when looks or exclusions select nothing in a readable estate", async () => {
    const directory = await mkdtemp(join(tmpdir(), "idle-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, "adc-witness.yml");
    await writeFile(
      file,
      `agent: a
state_dir: ./state
adcs: [{ name: prod, ns_conf: ns.conf }]
exclude:
  - { vserver: v_gone, from: judging, reason: x }
  - { vserver: aaa, from: judging, reason: x }
members:
  - { match: "gone*", looks: { mail: false } }
  - { match: "here:25", looks: { mail: false } }
  - { match: "later*", host: mail.example.com }
vservers:
  v_missing: { looks: { web: false } }
  v_here: { looks: { mail: false } }
  v_to_come: { host: mail.example.com }
`,
    );
    const check = async (): Promise<readonly [number, string]> => {
      let told = "";
      const output = { out: () => undefined, err: (text: string) => (told += text) };
      return [await runCheckConfig({ file, json: false }, output), told];
    };
    await writeFile(
      join(directory, "ns.conf"),
      `add server here 10.0.0.11
add service svc here TCP 25
add lb vserver v_here TCP 10.0.0.1 25
bind lb vserver v_here svc
add authentication vserver aaa SSL 0.0.0.0
`,
    );
    const [code, told] = await check();
    expect(code).toBe(1);
    expect(told).toContain(":5:");
    expect(told).toContain("exclude.0.vserver: v_gone matches nothing in any estate");
    expect(told).toContain("members.0.match: gone* matches nothing in any estate");
    expect(told).toContain("vservers.v_missing.looks: v_missing matches nothing in any estate");
    expect(told.match(/matches nothing/g)).toHaveLength(3);
  });
});
