import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import type { PlanRow } from "../../src/agent/plan/plan-answer.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { monitorCredential } from "../support/sealed.ts";

function fixture(name: string): Estate {
  const path = new URL(`../fixtures/ns.conf/${name}.conf`, import.meta.url);
  return parseNsConf(readFileSync(path, "utf8"), { adc: "prod" });
}

function rowsOf(estate: Estate, settings: PlanSettings = BARE_SETTINGS): readonly PlanRow[] {
  return planJson(planProbes(estate, settings), [estate]).probes;
}

function monitorRow(rows: readonly PlanRow[], monitor: string, vantage = "backend"): PlanRow {
  const found = rows.filter((row) => row.monitor === monitor && row.vantage === vantage);
  expect(found).toHaveLength(1);
  return found[0] as PlanRow;
}

describe("plan of the 2010 guide", () => {
  const rows = rowsOf(fixture("exchange-2010"));

  test("gives IMAP 30 s, 5 s, 2 min, send, recv and destination as the guide does", () => {
    expect(monitorRow(rows, "e2010_IMAP4_monitor")).toMatchObject({
      kind: "monitor",
      adc: "prod",
      vservers: ["Exchange_2010_IMAP_vserver"],
      adc_service: "Exchange_2010_IMAP4",
      server: "192.168.1.154",
      address: "192.168.1.154",
      port: 143,
      type: "TCP-ECV",
      supported: true,
      unsupported_reason: null,
      source: "SNIP",
      secure: false,
      reverse: false,
      interval_ms: 30_000,
      timeout_ms: 5_000,
      down_time_ms: 120_000,
      retries: 3,
      success_retries: 1,
      failure_retries: 0,
      request: null,
      resp_codes: null,
      send: "GET /",
      recv: "The Microsoft Exchange IMAP4 service is ready.",
      dest_ip: "192.168.1.154",
      dest_port: 143,
    });
  });

  test("sends the scripted POP3 monitor from the NSIP and leaves it unsupported when no account is configured", () => {
    expect(monitorRow(rows, "e2010_POP3_monitor")).toMatchObject({
      type: "POP3",
      source: "NSIP",
      port: 110,
      supported: false,
      script: "nspop3.pl",
      interval_ms: 30_000,
      down_time_ms: 120_000,
    });
  });

  test("sends RPC to the monitor's fixed port when the service has every port", () => {
    expect(monitorRow(rows, "e2010_RPC_monitor")).toMatchObject({
      type: "TCP",
      port: 22_902,
      member_port: "*",
      interval_ms: 5_000,
      timeout_ms: 2_000,
      down_time_ms: 30_000,
      supported: true,
    });
  });

  test("repeats only application monitors through the VIP, IMAP and POP3 over TLS, without TCP and ping", () => {
    const vip = rows.filter((row) => row.vantage === "vip");
    expect(vip.every((row) => row.server === null)).toBe(true);
    expect(monitorRow(rows, "e2010_IMAP4_monitor", "vip")).toMatchObject({
      address: "192.168.1.171",
      port: 993,
      tls: "with current TLS versions",
    });
    expect(monitorRow(rows, "e2010_POP3_monitor", "vip")).toMatchObject({
      port: 995,
      tls: "with current TLS versions",
    });
    // At the VIP of every port a refused connection says something, and nothing else can be asked.
    const bare = vip.filter((row) => row.type === "TCP" || row.type === "PING");
    expect(bare.filter((row) => row.monitor !== "e2010_RPC_monitor")).toEqual([]);
  });

  test.each([
    ['-send "status"', 3_000],
    ['-send "status" -recv "ok"', 10_000],
  ])("waits through the VIP as long as silence can tell for UDP-ECV %s", (texts, timeout) => {
    const estate = parseNsConf(
      `add server dc1 198.51.100.5
add lb monitor m UDP-ECV ${texts} -interval 10 -resptimeout 3
add service s dc1 UDP 7001
bind service s -monitorName m
add lb vserver v UDP 192.0.2.23 7001
bind lb vserver v s
`,
      { adc: "prod" },
    );
    expect(monitorRow(rowsOf(estate), "m", "vip")).toMatchObject({ timeout_ms: timeout });
  });

  test("supports a login monitor when its account is configured", () => {
    const settings: PlanSettings = {
      ...BARE_SETTINGS,
      monitors: new Map([
        [
          "e2010_POP3_monitor",
          {
            credential: monitorCredential({ username: "itest", password: "canary-7f3a" }),
            command: null,
          },
        ],
      ]),
    };
    const withAccount = rowsOf(fixture("exchange-2010"), settings);
    expect(monitorRow(withAccount, "e2010_POP3_monitor").supported).toBe(true);
    expect(JSON.stringify(withAccount)).not.toContain("canary-7f3a");
  });
});

describe("plan of the 2016 guide", () => {
  const rows = rowsOf(fixture("exchange-2016"));

  test("asks every member for each virtual directory's health page over TLS", () => {
    const health = rows.filter(
      (row) => row.vantage === "backend" && row.type === "HTTP-ECV" && row.port === 443,
    );
    const directories = new Set(health.map((row) => row.send?.split("/")[1]?.toLowerCase()));
    expect([...directories].toSorted()).toEqual([
      "autodiscover",
      "ecp",
      "ews",
      "mapi",
      "microsoft-server-activesync",
      "oab",
      "owa",
      "rpc",
    ]);
    expect(health.every((row) => row.secure && row.supported)).toBe(true);
    expect(health.every((row) => row.tls?.includes("no SNI"))).toBe(true);
  });

  test("asks a non-addressable vserver through content switching", () => {
    const cs = [...fixture("exchange-2016").csVservers.values()];
    const addresses = new Set(cs.map((vserver) => vserver.address));
    const looks = rows.filter(
      (row) => row.vantage === "vip" && row.transaction === "https_challenge" && row.port === 443,
    );
    expect(looks.length).toBeGreaterThanOrEqual(8);
    expect(looks.every((row) => addresses.has(row.address))).toBe(true);
  });

  test("gives every member each of its monitors", () => {
    const estate = fixture("exchange-2016");
    for (const service of estate.services.values()) {
      for (const member of service.members) {
        const own = rows.filter(
          (row) =>
            row.vantage === "backend" &&
            row.adc_service === service.name &&
            row.server === member.server &&
            row.member_port === member.port,
        );
        expect(own.filter((row) => row.kind === "monitor")).toHaveLength(service.monitors.length);
      }
    }
  });
});

test("plan › gives each probe a unique id that is the same for the same estate", () => {
  for (const name of ["exchange-2010", "exchange-2010-full", "exchange-2016"]) {
    const plan = planProbes(fixture(name), BARE_SETTINGS);
    const ids = plan.map((probe) => probe.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(planProbes(fixture(name), BARE_SETTINGS).map((probe) => probe.id)).toEqual(ids);
  }
});
