import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadConfig, parseConfig, type LoadResult } from "../../src/config/load.ts";
import { maskedConfig } from "../../src/config/normalise.ts";
import { formatProblem } from "../../src/config/problems.ts";
import type { Config } from "../../src/config/schema.ts";
import { rawWarnings } from "../support/raw-warnings.ts";

const DIRECTORY = join(import.meta.dirname, "..", "fixtures", "config");
const ENV = { POP3_PASSWORD: "canary-pop3" };

function accepted(result: LoadResult): Config {
  if (result.kind !== "config") {
    throw new Error(JSON.stringify(result.problems, null, 1));
  }
  return result.config;
}

function problemsOf(result: LoadResult): string[] {
  return result.kind === "invalid" ? result.problems.map(formatProblem) : [];
}

async function parse(text: string): Promise<LoadResult> {
  return parseConfig(text, { file: "test.yml", baseDir: DIRECTORY, env: ENV });
}

describe("loadConfig", () => {
  test("reads everything the file may hold", async () => {
    const config = accepted(await loadConfig(join(DIRECTORY, "whole.yml"), ENV));
    const ca = await readFile(join(DIRECTORY, "ca.pem"), "utf8");
    expect(config).toMatchObject({
      file: join(DIRECTORY, "whole.yml"),
      agent: "dc1",
      stateDir: join(DIRECTORY, "state"),
      sourceAddresses: ["192.0.2.7", "2001:db8::7"],
      connectTo: {
        "192.168.1.154:143": "127.0.0.1:20143",
        "192.168.1.155": "127.0.0.1",
        "[2001:db8::1]:143": "[::1]:20143",
      },
      unmapped: "refuse",
      allowTargets: ["127.0.0.64/26", "::1"],
      controlTargets: [{ host: "192.168.1.1", port: 443 }],
      probe: {
        httpVersion: "1.0",
        userAgent: "probe",
        tcpReverseTimeout: "pass",
        tcpEcvSegments: 8,
      },
      metrics: { phases: true },
      web: {
        listen: [
          { host: "127.0.0.1", port: 9743 },
          { host: "::1", port: 0 },
        ],
        configFile: null,
        hosts: [],
      },
      shard: { index: 0, count: 4 },
      log: { level: "debug" },
    });
    expect(config.adcs).toMatchObject([
      {
        name: "prod",
        nitro: {
          urls: ["https://ns1.example.com", "https://ns2.example.com:8443"],
          username: "adc-witness",
          tls: { verify: true, ca, serverName: "ns1.example.com" },
          importEveryMs: 600_000,
          pollEveryMs: 15_000,
          timeoutMs: 10_000,
        },
        nsConf: join(DIRECTORY, "ns.conf"),
        monitorTls: { min: "TLSv1", max: "TLSv1.2" },
      },
      { name: "small", nitro: null, nsConf: join(DIRECTORY, "ns.conf"), monitorTls: null },
    ]);
    expect(config.adcs[0]?.nitro?.password.reveal()).toBe("from-the-file");
    expect(config.monitors.get("e2010_POP3_monitor")?.password?.reveal()).toBe("canary-pop3");
    expect(config.monitors.get("radius")?.secret?.reveal()).toBe("from-the-file");
    expect(config.monitors.get("own_script")?.command).toEqual([
      "/usr/bin/true",
      "--password",
      "canary",
    ]);
    expect(config.vservers.get("v_owa")).toEqual({
      host: "mail.example.com",
      names: ["mail.example.com"],
      sameCertificate: false,
      path: "/owa/healthcheck.htm",
      ca,
      public: ["203.0.113.10:443"],
    });
    expect(config.members).toEqual([
      { match: "ex*:443", protocol: "https", exchange: "2016", path: null, host: null },
    ]);
    expect(config.transactions.accounts[0]).toMatchObject({
      name: "probe-a",
      username: "LAB\\probe-a",
      address: "probe-a@lab.example.com",
      domain: null,
    });
    expect(config.transactions.run).toMatchObject([
      {
        transaction: "imap_login",
        account: "probe-a",
        everyMs: 60_000,
        vantages: ["vip", "backend"],
        members: { servers: [], ports: [143, 993], adcServices: [], vservers: [] },
        expect: "works",
      },
      {
        transaction: "https_challenge",
        account: null,
        everyMs: null,
        vantages: ["vip"],
        members: { vservers: ["v_cs"] },
        path: "/ecp/",
        expect: "blocked",
      },
    ]);
    expect(config.maintenance.token?.reveal()).toBe("from-the-file");
    expect(config.maintenance.stabilityMs).toBe(300_000);
    expect(config.maintenance.windows).toEqual([
      {
        name: "patch-tuesday",
        servers: ["ex01"],
        when: {
          kind: "cron",
          cron: "0 22 * * 2",
          timezone: "Europe/Berlin",
          durationMs: 14_400_000,
        },
        reason: null,
        author: null,
        autoEnd: false,
        flexible: false,
      },
      {
        name: "move",
        servers: ["ex*"],
        when: {
          kind: "fixed",
          startAt: Date.UTC(2026, 11, 1, 19),
          endAt: Date.UTC(2026, 11, 1, 22),
        },
        reason: "CU15",
        author: null,
        autoEnd: true,
        flexible: false,
      },
      {
        name: "parked",
        servers: ["ex09"],
        when: { kind: "fixed", startAt: Date.UTC(2026, 11, 1), endAt: Infinity },
        reason: null,
        author: null,
        autoEnd: false,
        flexible: true,
      },
    ]);
  });

  test("fills in the defaults", async () => {
    const config = accepted(await parse("adcs: [{ name: prod, ns_conf: ns.conf }]"));
    expect(config).toMatchObject({
      stateDir: join(DIRECTORY, "state"),
      connectTo: {},
      unmapped: "allow",
      allowTargets: [],
      transactions: { accounts: [], run: [] },
      maintenance: { token: null, stabilityMs: 300_000, overdueAfterMs: 14_400_000, windows: [] },
      probe: {
        httpVersion: "1.1",
        userAgent: null,
        tcpReverseTimeout: "fail",
        tcpEcvSegments: 16,
      },
      metrics: { phases: false },
      web: { listen: [{ host: "127.0.0.1", port: 9743 }], configFile: null, hosts: [] },
      shard: null,
      log: { level: "info" },
    });
    expect(config.agent).not.toBe("");
  });

  test("accepts JSON and a byte order mark", async () => {
    const json = JSON.stringify({ adcs: [{ name: "prod", ns_conf: "ns.conf" }] }, null, 2);
    expect(accepted(await parse(`\uFEFF${json}`)).adcs).toHaveLength(1);
  });

  test("names a file that does not exist", async () => {
    const result = await loadConfig(join(DIRECTORY, "none.yml"), {});
    expect(result).toMatchObject({
      kind: "invalid",
      problems: [{ line: null, message: expect.stringContaining("ENOENT") as string }],
    });
  });

  test("reads names as they are written when they look like numbers or booleans", async () => {
    const config = accepted(
      await parse(
        "adcs: [{ name: prod, ns_conf: ns.conf }]\nvservers:\n  007: { host: a.example.com }\n  1.50: {}\n  true: {}\n",
      ),
    );
    expect([...config.vservers.keys()]).toEqual(["007", "1.50", "true"]);
  });

  test.each([
    ["a mapping", "adcs: []\n{ a: b }: c\n"],
    ["a list", "adcs: []\n? [a, b]\n: c\n"],
  ])("refuses a key that is %s, and the YAML library prints nothing", async (_name, text) => {
    const { value, warnings } = await rawWarnings(() => parse(text));
    expect(value).toMatchObject({
      kind: "invalid",
      problems: [{ message: expect.stringContaining("a key is not a string") as string }],
    });
    expect(warnings).toEqual([]);
  });

  test("refuses aliases that multiply", async () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg"]) {
      bomb.push(
        `${to ?? ""}: &${to ?? ""} [${Array(9)
          .fill(`*${from ?? ""}`)
          .join(",")}]`,
      );
    }
    const result = await parse(bomb.join("\n"));
    expect(result).toMatchObject({
      kind: "invalid",
      problems: [{ message: expect.stringContaining("too many aliases") as string }],
    });
  });

  test.each([
    "!!set {listen: , hosts: }",
    "!!omap [listen: []]",
    "!!binary AAAA",
    "!!set { [a]: null }",
  ])("refuses an unsupported tag: %s", async (value) => {
    const result = await parse(`adcs: [{name: p, ns_conf: ns.conf}]\nweb: ${value}\n`);
    expect(problemsOf(result)[0]).toContain("unsupported tag");
  });

  test("stops at 16 MiB when a file has no end", async () => {
    expect(problemsOf(await loadConfig("/dev/zero", {}))).toEqual([
      expect.stringContaining("holds more than 16 MiB"),
    ]);
  });

  // At the end of the stack the engine aborts the process rather than throw: reading them twice was enough.
  test.each([
    ["brackets", "["],
    ["braces", "{a: "],
    ["lists", "- "],
    ["keys", "? "],
  ])("refuses deep nesting: %s", async (_, opening) => {
    for (let time = 0; time < 3; time += 1) {
      const result = await parse(opening.repeat(50_000));
      expect(problemsOf(result).at(-1)).toMatch(
        /^test\.yml:1:\d+: not valid YAML: nested too deeply/,
      );
    }
  });

  test.each([
    ["invalid characters", "a: 1\n}\n".repeat(10_000), /too many errors/],
    ["directives", "%FOO\n".repeat(10_000), /too many directives/],
    ["aliases", `x: [&a 1${",*a".repeat(10_000)}]\n`, /too many aliases/],
  ])("stops after a hundred errors: %s", async (_, text, said) => {
    const problems = problemsOf(await parse(text));
    expect(problems.length).toBeLessThan(110);
    expect(problems.filter((problem) => said.test(problem))).toHaveLength(1);
  });

  test("names the place of each of thousands of unknown keys", async () => {
    const keys = Array.from({ length: 5_000 }, (_, index) => `  k${String(index)}: 1`);
    const problems = problemsOf(await parse(["log:", ...keys].join("\n")));
    expect(problems.at(-1)).toMatch(
      /^test\.yml:5001:3 log\.k4999: is an unknown key \(expected level;/,
    );
  });
});

describe("secrets", () => {
  test("are never shown: not in JSON, in an inspection or in /config", async () => {
    const config = accepted(await loadConfig(join(DIRECTORY, "whole.yml"), ENV));
    const shown = [
      JSON.stringify(config),
      JSON.stringify([...config.monitors]),
      inspect(config, { depth: 20, showHidden: true }),
      String(config.maintenance.token),
      JSON.stringify(maskedConfig(config)),
    ];
    expect(shown.slice(0, 4).join("\n")).not.toMatch(/from-the-file|canary-pop3/);
    expect(shown[4]).not.toMatch(/from-the-file|canary/);
    expect(maskedConfig(config)).toMatchObject({
      agent: "dc1",
      monitors: {
        e2010_POP3_monitor: { username: "itest", password: "<secret>" },
        own_script: { command: ["/usr/bin/true", "<argument>", "<argument>"] },
      },
      maintenance: { token_file: "secret", stability: "5m" },
      web: { listen: ["127.0.0.1:9743", "[::1]:0"] },
    });
  });
});

describe("loadConfig of any text", () => {
  test("gives a configuration or located problems, never an exception", async () => {
    const whole = await readFile(join(DIRECTORY, "whole.yml"), "utf8");
    const noise = fc.constantFrom(
      "",
      " ",
      "\n",
      ":",
      "-",
      "{",
      "]",
      '"',
      "'",
      "&a",
      "*a",
      "!!",
      "\t",
      "null",
      "7",
      "%",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length),
        fc.nat(20),
        fc.array(noise, { maxLength: 4 }),
        async (at, cut, inserted) => {
          const text = whole.slice(0, at) + inserted.join("") + whole.slice(at + cut);
          const result = await parse(text);
          if (result.kind === "invalid") {
            expect(result.problems.length).toBeGreaterThan(0);
            for (const problem of result.problems) {
              expect(problem.line).toBeGreaterThan(0);
              expect(problem.column).toBeGreaterThan(0);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
