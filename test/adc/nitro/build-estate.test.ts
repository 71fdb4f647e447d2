import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estateDiagnostics } from "../../../src/adc/diagnostics.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { buildEstate } from "../../../src/adc/nitro/import.ts";
import type { Row } from "../../../src/adc/nitro/row-values.ts";
import { memberStates, vserverStates } from "../../../src/adc/nitro/states.ts";
import { createPacer } from "../../../src/lib/pacing.ts";
import { IMPORT_STEPS } from "../../../src/adc/nitro/pull-plan.ts";
import { roleOf } from "../../../src/adc/nitro/roles.ts";

async function built(rows: Readonly<Record<string, readonly Row[]>>): Promise<Estate> {
  return buildEstate("prod", new Map(Object.entries(rows)), createPacer());
}

const GROUP = {
  servicegroup: [{ servicegroupname: "sg", servicetype: "TCP", state: "ENABLED" }],
};

describe("vservers", () => {
  test.each([
    ["lbvserver", { ipset: "more" }, "IP set more"],
    ["csvserver", { ipset: "more" }, "IP set more"],
    ["lbvserver", { ipv46: "0.0.0.0", ippattern: "10.0.2.0", ipmask: "*.*.*.0" }, "-IPPattern"],
  ])("report addresses of a %s that are not probed: %j", async (kind, more, words) => {
    const row = { name: "v", servicetype: "HTTP", ipv46: "10.0.1.1", port: 80, ...more };
    const [found] = (await built({ [kind]: [row] })).diagnostics;
    expect(found).toMatchObject({ rule: "addresses_not_asked", object: "v", severity: "info" });
    expect(found?.message).toContain(words);
  });

  test("report nothing when one listens at its own address alone", async () => {
    const row = {
      ...{ name: "v", servicetype: "HTTP", ipv46: "10.0.1.1", port: 80, range: "1" },
      ...{ ippattern: "0.0.0.0", ipmask: "*", ipset: "" },
    };
    expect((await built({ lbvserver: [row] })).diagnostics).toEqual([]);
  });
});

describe("monitors", () => {
  test("are read from a real appliance's row: every unit, code ranges, zeros for nothing", async () => {
    const estate = await built({
      lbmonitor: [
        {
          monitorname: "m_owa",
          type: "HTTP",
          interval: 1,
          units3: "MIN",
          resptimeout: 500,
          units4: "MSEC",
          downtime: 30,
          units2: "SEC",
          deviation: "0",
          units1: "SEC",
          retries: 3,
          failureretries: 0,
          successretries: 1,
          respcode: ["200", "301-302"],
          httprequest: "GET /owa/healthcheck.htm",
          destip: "0.0.0.0",
          destport: 0,
          secure: "YES",
          lrtmconfstr: "DISABLED",
          customheaders: "Host: mail.example.com\r\n",
          Snmpoid: "",
          trofscode: "0",
        },
      ],
    });
    expect(estate.monitors.get("m_owa")).toMatchObject({
      intervalMs: 60_000,
      responseTimeoutMs: 500,
      downTimeMs: 30_000,
      deviationMs: 0,
      destIp: null,
      destPort: null,
      secure: true,
      lrtm: false,
      parameters: {
        respCodes: [
          { from: 200, to: 200 },
          { from: 301, to: 302 },
        ],
        customHeaders: "Host: mail.example.com\r\n",
        trofsCode: null,
        snmpOid: null,
      },
    });
  });

  test("have NetScaler's defaults when values are missing", async () => {
    const estate = await built({ lbmonitor: [{ monitorname: "m", type: "http" }] });
    expect(estate.monitors.get("m")).toMatchObject({
      type: "HTTP",
      intervalMs: 5_000,
      responseTimeoutMs: 2_000,
      downTimeMs: 30_000,
      retries: 3,
      enabled: true,
      parameters: { httpRequest: "HEAD /", respCodes: [{ from: 200, to: 200 }], password: "none" },
    });
  });

  test("never hold a secret that some firmware might return", async () => {
    const row = {
      monitorname: "m",
      type: "POP3",
      username: "itest",
      password: "hunter2",
      secondarypassword: "hunter2",
      radkey: "hunter2",
      snmpcommunity: "hunter2",
      scriptargs: "user=itest;password=hunter2",
    };
    const { monitors } = await built({ lbmonitor: [row] });
    const monitor = monitors.get("m");
    expect(monitor?.parameters).toMatchObject({ userName: "itest", password: "encrypted" });
    expect(JSON.stringify({ ...monitor, written: [...(monitor?.written ?? [])] })).not.toContain(
      "hunter2",
    );
  });

  test("keep built-in ones when they are bound or changed, under the firmware's spelling", async () => {
    const untouched = {
      interval: 5,
      units3: "SEC",
      resptimeout: 2,
      units4: "SEC",
      downtime: 30,
      units2: "SEC",
    };
    const estate = await built({
      ...GROUP,
      lbmonitor: [
        { monitorname: "ping", type: "PING", ...untouched },
        { monitorname: "tcp", type: "TCP", ...untouched },
        { monitorname: "http", type: "HTTP", ...untouched, interval: 7 },
      ],
      servicegroup_lbmonitor_binding: [
        { servicegroupname: "sg", monitor_name: "TCP", monstate: "ENABLED" },
      ],
    });
    expect([...estate.monitors.keys()].sort()).toEqual(["http", "tcp"]);
    expect(estate.services.get("sg")?.monitors).toMatchObject([{ monitor: "tcp" }]);
  });
});

/** What a poll tells of the members, whose servers and groups are enabled. */
function statesOf(estate: Estate, groupMembers: readonly Row[]) {
  const none: readonly Row[] = [];
  const rows = {
    servers: none,
    services: none,
    serviceGroups: none,
    groupMembers,
    groupMonitors: none,
    serviceMonitors: none,
  };
  return memberStates(estate, rows, new Map(), 0, createPacer());
}

describe("members", () => {
  test("count once when rows are duplicated", async () => {
    const row = {
      servicegroupname: "sg",
      ip: "192.0.2.11",
      port: 143,
      servername: "ex01",
      weight: "1",
      state: "ENABLED",
    };
    const estate = await built({ ...GROUP, servicegroup_servicegroupmember_binding: [row, row] });
    expect(estate.services.get("sg")?.members).toHaveLength(1);
  });

  test("are one for each address when a name has several addresses", async () => {
    const row = {
      servicegroupname: "sg",
      port: 143,
      servername: "mail.example.com",
      state: "ENABLED",
    };
    const estate = await built({
      ...GROUP,
      servicegroup_servicegroupmember_binding: [
        { ...row, ip: "192.0.2.11" },
        { ...row, ip: "192.0.2.12" },
      ],
    });
    expect(
      estate.services.get("sg")?.members.map(({ server, address }) => [server, address]),
    ).toEqual([
      ["mail.example.com", "192.0.2.11"],
      ["192.0.2.12", "192.0.2.12"],
    ]);
  });

  test("keep names and states in any row order when a name has several addresses", async () => {
    const row = (ip: string, svrstate: string): Row => ({
      servicegroupname: "sg",
      port: 143,
      servername: "web",
      ip,
      svrstate,
      state: "ENABLED",
    });
    const rows = [row("192.0.2.11", "UP"), row("192.0.2.12", "DOWN"), row("192.0.2.13", "UP")];
    for (const told of [rows, rows.toReversed(), [...rows.slice(1), ...rows.slice(0, 1)]]) {
      const estate = await built({
        ...GROUP,
        // The server's own row holds one of them.
        server: [
          { name: "web", domain: "web.example.com", ipaddress: "192.0.2.12", state: "ENABLED" },
        ],
        servicegroup_servicegroupmember_binding: told,
      });
      const members = estate.services.get("sg")?.members ?? [];
      const seen = members.map(({ server, address }) => `${server} ${address ?? "-"}`).sort();
      expect(seen).toEqual(["192.0.2.12 192.0.2.12", "192.0.2.13 192.0.2.13", "web 192.0.2.11"]);
      for (const polled of [rows, rows.toReversed()]) {
        const { members: states, stale } = await statesOf(estate, polled);
        expect([...states.values()].map(({ address, state }) => [address, state]).sort()).toEqual([
          ["192.0.2.11", "up"],
          ["192.0.2.12", "down"],
          ["192.0.2.13", "up"],
        ]);
        expect(stale).toBe(false);
      }
      const { members: fewer, stale } = await statesOf(estate, rows.slice(1));
      expect([...fewer.values()].find(({ server }) => server === "web")?.state).toBe("unknown");
      expect(stale).toBe(true);
    }
  });

  test("make the estate stale when a name has another address since the import", async () => {
    const row = { servicegroupname: "sg", port: 143, servername: "web", svrstate: "UP" };
    const estate = await built({
      ...GROUP,
      server: [{ name: "web", domain: "web.example.com", state: "ENABLED" }],
      servicegroup_servicegroupmember_binding: [{ ...row, ip: "192.0.2.11" }],
    });
    expect(await statesOf(estate, [{ ...row, ip: "192.0.2.11" }])).toMatchObject({ stale: false });
    const { members, stale } = await statesOf(estate, [{ ...row, ip: "192.0.2.12" }]);
    expect(stale).toBe(true);
    expect([...members.values()]).toMatchObject([{ state: "up" }]);
  });

  test("take the group's port for their state when a row tells no port", async () => {
    const row = { servicegroupname: "sg", servername: "ex01", ip: "192.0.2.11", svrstate: "DOWN" };
    const estate = await built({
      server: [{ name: "ex01", ipaddress: "192.0.2.11", state: "ENABLED" }],
      servicegroup: [{ servicegroupname: "sg", servicetype: "TCP", memberport: "8080" }],
      servicegroup_servicegroupmember_binding: [row],
    });
    const { members, stale } = await statesOf(estate, [row]);
    expect([...members.values()]).toMatchObject([{ port: 8080, state: "down" }]);
    expect(stale).toBe(false);
  });

  test("take the group's port when they have none", async () => {
    const row = { servicegroupname: "sg", servername: "ex01", ip: "192.0.2.11" };
    const rows = { servicegroup_servicegroupmember_binding: [row] };
    const members = async (memberport: unknown) =>
      (
        await built({
          server: [{ name: "ex01", ipaddress: "192.0.2.11", state: "ENABLED" }],
          servicegroup: [{ servicegroupname: "sg", servicetype: "TCP", memberport }],
          ...rows,
        })
      ).services.get("sg")?.members;
    expect(await members("8080")).toMatchObject([{ server: "ex01", port: 8080 }]);
    expect(await members(0)).toEqual([]);
    expect(await members(undefined)).toEqual([]);
  });

  test("are disabled by themselves, their group or their server", async () => {
    const rows = (name: string): Row => ({
      servicegroupname: name,
      ip: "192.0.2.11",
      port: 1,
      servername: "ex01",
    });
    const estate = await built({
      server: [
        { name: "ex01", ipaddress: "192.0.2.11", state: "ENABLED" },
        { name: "ex02", ipaddress: "192.0.2.12", state: "DISABLED" },
      ],
      servicegroup: [{ servicegroupname: "on" }, { servicegroupname: "off", state: "DISABLED" }],
      servicegroup_servicegroupmember_binding: [
        rows("on"),
        { ...rows("on"), port: 2, state: "DISABLED" },
        { ...rows("on"), port: 3, servername: "ex02", ip: "192.0.2.12" },
        rows("off"),
      ],
    });
    const enabled = [...estate.services.values()].flatMap((service) =>
      service.members.map((member) => member.enabled),
    );
    expect(enabled).toEqual([true, false, false, false]);
  });

  test("keep a server's domain name, whatever address the ADC resolved", async () => {
    const estate = await built({
      server: [
        { name: "edge", domain: "edge.example.com", ipaddress: "198.51.100.7", state: "ENABLED" },
      ],
      ...GROUP,
      servicegroup_servicegroupmember_binding: [
        { servicegroupname: "sg", ip: "198.51.100.7", port: "*", servername: "edge" },
      ],
    });
    expect(estate.services.get("sg")?.members).toMatchObject([
      { server: "edge", domain: "edge.example.com", port: "*" },
    ]);
  });
});

test("build estate › disables a member live when only its server is disabled", async () => {
  const estate = await built({
    ...GROUP,
    server: [{ name: "ex01", ipaddress: "192.0.2.11", state: "ENABLED" }],
    servicegroup_servicegroupmember_binding: [
      { servicegroupname: "sg", ip: "192.0.2.11", port: 143, servername: "ex01", state: "ENABLED" },
    ],
  });
  const live = async (state: string): Promise<(boolean | undefined)[]> => {
    const none: readonly Row[] = [];
    const { members } = await memberStates(
      estate,
      {
        servers: [{ name: "ex01", state }],
        services: none,
        serviceGroups: GROUP.servicegroup,
        groupMembers: [
          {
            servicegroupname: "sg",
            ip: "192.0.2.11",
            port: 143,
            servername: "ex01",
            state: "ENABLED",
          },
        ],
        groupMonitors: none,
        serviceMonitors: none,
      },
      new Map(),
      0,
      createPacer(),
    );
    return [...members.values()].map(({ enabled }) => enabled);
  };
  expect(await live("ENABLED")).toEqual([true]);
  expect(await live("DISABLED")).toEqual([false]);
});

describe("services", () => {
  test("leave out the appliance's internal ones", async () => {
    const estate = await built({
      service: [
        {
          name: "nshttps-127.0.0.1-443",
          servername: "127.0.0.1",
          port: 443,
          servicetype: "SSL",
          serviceconftype2: "Internal",
        },
        {
          name: "svc",
          servername: "ex01",
          port: 443,
          servicetype: "SSL",
          serviceconftype2: "Configured",
        },
      ],
    });
    expect([...estate.services.keys()]).toEqual(["svc"]);
  });

  test.each([
    ["TCP", {}, ["tcp-default"]],
    ["UDP", {}, ["ping-default"]],
    ["TCP", { nodefaultbindings: "YES" }, []],
  ])(
    "%s %j has the default monitors %j when none is bound",
    async (servicetype, extra, monitors) => {
      const estate = await built({
        servicegroup: [{ servicegroupname: "sg", servicetype, ...extra }],
        servicegroup_servicegroupmember_binding: [
          { servicegroupname: "sg", ip: "192.0.2.1", port: 80, servername: "a" },
        ],
      });
      expect(estate.services.get("sg")?.monitors.map(({ monitor }) => monitor)).toEqual(monitors);
    },
  );
});

test.each([
  [
    "NetScaler NS13.0: Build 79.64.nc, Date: Feb 16 2021, 05:11:14   (64-bit)",
    { major: 13, minor: 0, text: "NS13.0 Build 79.64" },
  ],
  ["NetScaler NS14.1: Build 4.42.nc", { major: 14, minor: 1, text: "NS14.1 Build 4.42" }],
  ["NetScaler NS12.1", { major: 12, minor: 1, text: "NS12.1" }],
  ["of another form", null],
])("build estate › reads firmware %s", async (version, firmware) => {
  expect((await built({ nsversion: [{ version, mode: "1" }] })).firmware).toEqual(firmware);
});

test("build estate › keeps the plain name for the content-switching policy when another feature uses the name too", async () => {
  const estate = await built({
    cspolicy: [{ policyname: "p", rule: 'HTTP.REQ.URL.PATH.STARTSWITH("/owa")', action: "a" }],
    csaction: [{ name: "a", targetlbvserver: "v_owa" }],
    rewritepolicy: [{ name: "p", rule: "true", action: "r" }],
    csvserver: [{ name: "c", servicetype: "SSL", ipv46: "192.0.2.2", port: 443 }],
    csvserver_cspolicy_binding: [{ name: "c", policyname: "p", priority: "100" }],
  });
  expect(estate.policies.get("p")).toMatchObject({ feature: "cs" });
  expect(estate.policies.get("rewrite/p")).toMatchObject({ feature: "rewrite" });
  expect(estate.csVservers.get("c")?.targets).toMatchObject([
    { policy: "p", target: "v_owa", priority: 100 },
  ]);
});

describe("roles", () => {
  const own = (state: string): Row[] => [
    { id: "1", state: "Primary", ipaddress: "192.0.2.2" },
    { id: "0", state, ipaddress: "192.0.2.1" },
  ];
  const stat = (hacurmasterstate: string): Row[] => [{ hacurstatus: "YES", hacurmasterstate }];
  test.each<[string, readonly Row[], readonly Row[], boolean, string]>([
    ["primary by both", own("Primary"), stat("PRIMARY"), false, "primary"],
    ["secondary by both", own("Secondary"), stat("SECONDARY"), false, "secondary"],
    ["statistics alone", [], stat("SECONDARY"), false, "secondary"],
    ["statistics alone, primary", [], stat("PRIMARY"), false, "primary"],
    ["configuration alone", own("Secondary"), [], false, "secondary"],
    ["kept secondary by hand", own("Secondary"), stat("STAYSECONDARY"), false, "secondary"],
    ["taking over", own("Secondary"), stat("CLAIMING"), false, "unknown"],
    ["force change", own("Primary"), stat("FORCE CHANGE"), false, "unknown"],
    ["unknown state", own("UNKNOWN"), stat("PRIMARY"), false, "unknown"],
    ["warning 1028", own("Primary"), stat("PRIMARY"), true, "secondary"],
    ["stand-alone", [{ id: "0", state: "UNKNOWN" }], [{ hacurstatus: "NO" }], false, "primary"],
    ["no rows", [], [], false, "primary"],
  ])(
    "are read from configuration and statistics: %s",
    (_case, config, statistics, warned, role) => {
      expect(roleOf(config, statistics, warned).role).toBe(role);
    },
  );

  test("use the row with id 0 as the node's own", () => {
    expect(roleOf(own("Primary"), [], false).address).toBe("192.0.2.1");
  });
});

describe("build estate of arbitrary rows", () => {
  const value = fc.oneof(
    fc.constantFrom(
      "a",
      "b",
      "sg",
      "ENABLED",
      "UP",
      "0",
      "65535",
      "192.0.2.1",
      "YES",
      "HTTP",
      "a?b?1",
      "__proto__",
      "none",
    ),
    fc.string({ maxLength: 6 }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.anything(), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.anything(), { maxKeys: 2 }),
  );
  const fields = [
    "name",
    "servicegroupname",
    "monitorname",
    "servername",
    "ip",
    "ipaddress",
    "port",
    "servicetype",
    "type",
    "state",
    "monitor_name",
    "vservername",
    "servicename",
    "policyname",
    "rule",
    "action",
    "target",
    "interval",
    "units3",
    "respcode",
    "version",
    "certkeyname",
    "servicegroupentname2",
    "svrstate",
    "curstate",
    "monitortotalprobes",
    "lastresponse",
    "tickssincelaststatechange",
    "domain",
  ];
  const row = fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 12 });
  const rows = fc.dictionary(
    fc.constantFrom(...IMPORT_STEPS.map(({ resource }) => resource)),
    fc.array(row, { maxLength: 5 }),
    { maxKeys: 20 },
  );

  test("makes an estate, diagnostics and states without an exception", async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.array(row, { maxLength: 5 }), async (told, more) => {
        const estate = await built(told);
        expect(estateDiagnostics({ ...estate })).toBeInstanceOf(Array);
        const states = await memberStates(
          estate,
          {
            servers: more,
            services: more,
            serviceGroups: more,
            groupMembers: more,
            groupMonitors: more,
            serviceMonitors: more,
          },
          new Map(),
          0,
          createPacer(),
        );
        const members = [...estate.services.values()].flatMap((service) => service.members);
        expect(states.members.size).toBe(members.length);
        expect(vserverStates([["lb", more]])).toBeInstanceOf(Map);
        expect(["primary", "secondary", "unknown"]).toContain(roleOf(more, more, false).role);
      }),
      { numRuns: 500 },
    );
  });
});
