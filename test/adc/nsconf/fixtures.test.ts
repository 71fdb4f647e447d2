import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { createVserverGraph } from "../../../src/adc/vserver-graph.ts";

function fixtureText(name: string): string {
  return readFileSync(new URL(`../../fixtures/ns.conf/${name}.conf`, import.meta.url), "utf8");
}

function fixture(name: string): Estate {
  return parseNsConf(fixtureText(name), { adc: "test" });
}

function rules(estate: Estate, severity: string): string[] {
  return estate.diagnostics
    .filter((diagnostic) => diagnostic.severity === severity)
    .map(({ rule, object }) => `${rule} ${object}`);
}

describe("import of the guide for Exchange 2010, command summaries", () => {
  const estate = fixture("exchange-2010");

  test("reads every binding with exactly its parameters", () => {
    const bindings = [...estate.services.values()].flatMap((service) =>
      service.monitors.map((binding) => `${service.name} ${binding.monitor}`),
    );
    expect(bindings).toEqual([
      "Exchange_2010_owa ping",
      "Exchange_2010_owa_2 http",
      "Exchange_2010_IMAP4 e2010_IMAP4_monitor",
      "Exchange_2010_POP3 e2010_POP3_monitor",
      "Exchange_2010_RPC e2010_RPC_monitor",
    ]);
    expect(estate.monitors.get("e2010_IMAP4_monitor")).toMatchObject({
      type: "TCP-ECV",
      intervalMs: 30_000,
      responseTimeoutMs: 5_000,
      downTimeMs: 120_000,
      retries: 3,
      destIp: "192.168.1.154",
      destPort: 143,
      lrtm: true,
      parameters: { send: "GET /", recv: "The Microsoft Exchange IMAP4 service is ready." },
    });
    expect(estate.monitors.get("e2010_POP3_monitor")).toMatchObject({
      type: "POP3",
      destPort: 110,
      parameters: { userName: "itest", password: "encrypted", scriptName: "nspop3.pl" },
    });
    expect(estate.monitors.get("e2010_RPC_monitor")).toMatchObject({
      type: "TCP",
      intervalMs: 5_000,
      destPort: 22902,
    });
    expect(estate.monitors.get("e2010_SMTP_monitor")).toMatchObject({ type: "SMTP", destIp: null });
  });

  test("reads vservers, rewrite, redirect and persistence", () => {
    expect(estate.lbVservers.get("Exchange_2010_owa_vserver")).toMatchObject({
      persistence: { type: "COOKIEINSERT" },
      policies: [{ policy: "owa_rewrite_policy", bindPoint: "REQUEST" }],
      certKeys: [{ certKey: "Exchange_2010" }],
    });
    expect(estate.actions.get("owa_rewrite")).toMatchObject({
      type: "replace",
      target: "http.REQ.URL",
      expression: '"/owa"',
    });
    expect(estate.lbVservers.get("Exchange_2010_owa_http_responder")).toMatchObject({
      services: [],
      redirectUrl: "https://192.168.1.171",
    });
    expect(estate.services.get("Exchange_2010_RPC")?.members[0]?.port).toBe("*");
  });

  test("reports what a reader must know", () => {
    expect(rules(estate, "warning")).toEqual([]);
    expect(rules(estate, "info")).toEqual([
      "encrypted_password e2010_POP3_monitor",
      "unused_monitor e2010_SMTP_monitor",
    ]);
  });
});

describe("import of the guide for Exchange 2010 with what it gives in words", () => {
  const estate = fixture("exchange-2010-full");

  test("reports a pinned address as an error when a second server has the monitor", () => {
    expect(rules(estate, "error")).toEqual([
      "pinned_dest_ip e2010_IMAP4_monitor",
      "pinned_dest_ip e2010_POP3_monitor",
      "pinned_dest_ip e2010_RPC_monitor",
    ]);
  });

  test("reads persistence by source address and by the Authorization header", () => {
    expect(estate.lbVservers.get("Exchange_2010_AS_vserver")?.persistence.type).toBe("SOURCEIP");
    expect(estate.lbVservers.get("Exchange_2010_OA_vserver")?.persistence).toMatchObject({
      type: "RULE",
      rule: 'HTTP.REQ.HEADER("Authorization")',
    });
  });
});

describe("import of the guide for Exchange 2016", () => {
  const estate = fixture("exchange-2016");

  test("reads one group of two servers per virtual directory, each with its own health page", () => {
    const pages = [...estate.monitors.values()]
      .filter(({ type }) => type === "HTTP-ECV")
      .map(({ secure, parameters }) => `${parameters.send ?? ""} ${String(secure)}`);
    expect(pages).toEqual(
      [
        "owa",
        "Microsoft-Server-ActiveSync",
        "rpc",
        "ews",
        "Autodiscover",
        "mapi",
        "ecp",
        "oab",
      ].map((page) => `GET /${page}/healthcheck.htm true`),
    );
    expect(estate.services.get("lb_svg_ex2016_owa")?.members.map(({ server }) => server)).toEqual([
      "exchange01",
      "exchange02",
    ]);
    expect(estate.services.get("lb_svg_ex2016_owa")?.tls.versions).toMatchObject({
      tls1: false,
      tls12: null,
    });
  });

  test("reaches every load-balancing vserver through content switching", () => {
    expect(createVserverGraph(estate).vserversOfService("lb_svg_ex2016_ews")).toEqual([
      "lb_vsrv_ex2016_ews",
      "cs_exchange2016_ssl",
    ]);
    expect(createVserverGraph(estate).csPathTo("lb_vsrv_ex2016_ews")).toEqual([
      { csVserver: "cs_exchange2016_ssl", policy: "cs_pol_ews", path: "/ews", host: null },
    ]);
    expect(
      createVserverGraph(estate).csPathTo("lb_vsrv_ex2016_owa", "/owa/healthcheck.htm"),
    ).toEqual([
      {
        csVserver: "cs_exchange2016_ssl",
        policy: "cs_pol_owa",
        path: "/owa/healthcheck.htm",
        host: null,
      },
      {
        csVserver: "cs_exchange2016_ssl",
        policy: "cs_pol_owa_redirect",
        path: null,
        host: "mail.lab.local",
      },
    ]);
  });

  test("reports no error", () => {
    expect(rules(estate, "error")).toEqual([]);
  });
});

describe("secrets", () => {
  const canaries = [
    "ce2e035357d02d31f5cb",
    "73f9a5be0d0c5b8e0a4bf9a3ea5d4d86",
    "9c1a72cf6a1e5b3d",
    "canary-clear",
    "canary-args",
    "canary-radius",
    "canary-community",
    "canary-secure",
    "canary-cert",
    "canary-user",
    "canary-kcd",
    "canary-broken",
    "canary-placed",
    "canary-later",
    "canary-imap",
    "canary-half",
  ];

  test("are found nowhere in the estate", () => {
    const own = [
      "add lb monitor a POP3 -userName u -password canary-clear",
      'add lb monitor b USER -scriptName nspop3.pl -scriptArgs "user=u;password=canary-args;x=1"',
      "add lb monitor c RADIUS -radKey canary-radius -password canary-clear",
      "add lb monitor d SNMP -snmpCommunity canary-community",
      'add lb monitor e USER -scriptName x.pl -secureArgs "canary-secure"',
      "add ssl certKey k -cert c -key k -passcrypt canary-cert",
      "set system user nsroot canary-user -encrypted",
      "add aaa kcdAccount x -realmStr R -delegatedUser k -kcdPassword canary-kcd",
      'add lb monitor g USER -scriptName nspop3.pl -scriptArgs "itest;canary-placed"',
      'add lb monitor h USER -scriptArgs "itest;canary-later"',
      "set lb monitor h USER -scriptName nspop3.pl",
      'add lb monitor i USER -scriptName my_imap_login.pl -scriptArgs "10.0.0.1;itest;canary-imap"',
      'add lb monitor j USER -scriptName nsldap.pl -scriptArgs "base=dc=a;password=a;canary-half;attribute=cn"',
      'add lb monitor f POP3 -password "canary-broken',
      "canary-broken on a line of its own",
    ];
    const text = [...["exchange-2010", "exchange-2016"].map(fixtureText), ...own].join("\n");
    const json = JSON.stringify(parseNsConf(text, { adc: "test" }), (_key, value: unknown) =>
      value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
    );
    expect(canaries.filter((canary) => !text.includes(canary))).toEqual([]);
    expect(canaries.filter((canary) => json.includes(canary))).toEqual([]);
    expect(json).toContain("<secret>");
  });
});

describe("size", () => {
  test("of 100,000 lines takes less than two seconds of processor time", () => {
    const block = Array.from({ length: 2_000 }, (_, n) => [
      `add server s${String(n)} 10.${String(n >> 8)}.${String(n & 255)}.1`,
      `add service svc${String(n)} s${String(n)} HTTP 80 -gslb NONE -maxClient 0 -maxReq 0 -cip DISABLED -usip NO`,
      `add lb monitor m${String(n)} HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -LRTM DISABLED`,
      `bind service svc${String(n)} -monitorName m${String(n)}`,
      ...Array.from(
        { length: 46 },
        (_unused, k) =>
          `bind policy patset p${String(k)} "Mozilla/5.0 (X11; ${String(n)})" -index ${String(k)}`,
      ),
    ]).flat();
    expect(block).toHaveLength(100_000);
    const text = block.join("\n");
    const before = process.cpuUsage();
    const estate = parseNsConf(text, { adc: "test" });
    const { user, system } = process.cpuUsage(before);
    expect(estate.services.size).toBe(2_000);
    expect((user + system) / 1e6).toBeLessThan(2);
  });
});
