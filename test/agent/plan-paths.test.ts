import type { TransactionRunConfig } from "../../src/config/schema.ts";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { planProbes } from "../../src/agent/plan/plan.ts";
import type { PlannedProbe } from "../../src/agent/plan/planned-probe.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";

/** Two services behind content switching, one with a path that a responder policy keeps for itself. */
const SWITCHED = [
  "add server ex01 192.0.2.11",
  "add service owa ex01 SSL 443",
  "add service ews ex01 SSL 444",
  'add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
  'add lb monitor m_ews HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES',
  "bind service owa -monitorName m_owa",
  "bind service ews -monitorName m_ews",
  "add lb vserver v_owa SSL 0.0.0.0 0",
  "add lb vserver v_ews SSL 0.0.0.0 0",
  "bind lb vserver v_owa owa",
  "bind lb vserver v_ews ews",
  "add cs vserver front SSL 192.0.2.20 443",
  'add cs policy p_root -rule "HTTP.REQ.URL.EQ(\\"/\\")"',
  'add cs policy p_owa -rule "HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/owa\\") || HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/ecp\\")"',
  'add cs policy p_ews -rule "HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/ews\\")"',
  "bind cs vserver front -policyName p_root -targetLBVserver v_owa -priority 10",
  "bind cs vserver front -policyName p_owa -targetLBVserver v_owa -priority 20",
  "bind cs vserver front -policyName p_ews -targetLBVserver v_ews -priority 30",
];
const TO_OWA = [
  'add responder action to_owa redirect "\\"/owa/\\"" -responseStatusCode 302',
  'add responder policy root_to_owa "HTTP.REQ.URL.EQ(\\"/\\")" to_owa',
];

function plan(
  lines: readonly string[],
  runs: readonly Partial<TransactionRunConfig>[] = [],
): PlannedProbe[] {
  const estate = parseNsConf(lines.join("\n"), { adc: "prod" });
  return planProbes(estate, {
    ...BARE_SETTINGS,
    accounts: accounts(["a"]),
    runs: runs.map((run) => aRun("https_challenge", { vantages: ["vip", "backend"], ...run })),
  });
}

/** Where each probe of that transaction goes: the vserver or the service, the path, and the redirect that is awaited. */
function asked(planned: readonly PlannedProbe[], transaction: string, vantage = "vip"): string[] {
  return planned.flatMap(({ action, vserver, adcService, vantage: from }) => {
    if (action.kind !== "transaction" || action.transaction !== transaction || from !== vantage) {
      return [];
    }
    const spec = action.run?.spec;
    const awaited = spec?.adc?.redirectUrl ?? null;
    return [
      `${vserver || adcService} ${spec?.path ?? "-"}${awaited === null ? "" : ` → ${awaited}`}`,
    ];
  });
}

describe("plan for content switching", () => {
  test("asks each policy's path once, the target's own path first", () => {
    expect(asked(plan(SWITCHED), "https_challenge")).toEqual([
      "v_owa /owa/",
      "v_ews /EWS/Exchange.asmx",
      "v_owa /",
      "v_owa /ecp/",
    ]);
  });

  test("sends a logged-in transaction only to the vserver its path leads to", () => {
    const planned = plan(SWITCHED, [{ transaction: "ews_folder", account: "a" }]);
    expect(asked(planned, "ews_folder")).toEqual(["v_ews -"]);
    expect(asked(planned, "ews_folder", "backend")).toEqual(["ews -"]);
  });

  test("asks only the service when a run names it directly", () => {
    const members = { servers: [], ports: [], adcServices: ["owa"], vservers: [] };
    const planned = plan(SWITCHED, [{ transaction: "ews_folder", account: "a", members }]);
    expect(asked(planned, "ews_folder")).toEqual([]);
    expect(asked(planned, "ews_folder", "backend")).toEqual(["owa -"]);
  });

  test("asks a path that no policy matches once at the VIP and at every server", () => {
    const run = { path: "/PowerShell/", expect: "blocked" } as const;
    const planned = plan(SWITCHED, [run]);
    const only = (vantage: string): string[] =>
      asked(planned, "https_challenge", vantage).filter((each) => each.endsWith("/PowerShell/"));
    expect(only("vip")).toEqual(["v_owa /PowerShell/"]);
    expect(only("backend")).toEqual(["owa /PowerShell/", "ews /PowerShell/"]);
  });
});

test("plan paths › asks ActiveSync and Outlook Anywhere of Exchange 2010 at their own paths", () => {
  const conf = readFileSync("test/fixtures/ns.conf/exchange-2010-full.conf", "utf8");
  const looks = plan(conf.split("\n"))
    .filter(({ type }) => type === "https_challenge")
    .map(({ adcService, vantage, port, action }) => {
      const path = action.kind === "transaction" ? action.run?.spec.path : null;
      return `${adcService} ${vantage}:${String(port)} ${path ?? "-"}`;
    });
  for (const [service, path] of [
    ["AS", "/Microsoft-Server-ActiveSync"],
    ["OA", "/rpc/rpcproxy.dll"],
  ] as const) {
    const own = looks.filter((each) => each.startsWith(`Exchange_2010_${service}`));
    expect(own).toEqual([
      `Exchange_2010_${service} backend:80 ${path}`,
      `Exchange_2010_${service}_2 backend:80 ${path}`,
      `Exchange_2010_${service} vip:443 ${path}`,
    ]);
  }
});

test("plan paths › expects the endpoint mapper to name a port that the ADC's monitors probe", () => {
  const planned = plan(
    [
      "add server ex09 192.0.2.19",
      "add service rpc ex09 TCP *",
      "add lb monitor m_135 TCP -destPort 135",
      "add lb monitor m_rpc TCP -destPort 59531",
      "add lb monitor m_ab TCP -destPort 59532",
      ...["m_135", "m_rpc", "m_ab"].map((monitor) => `bind service rpc -monitorName ${monitor}`),
    ],
    [{ transaction: "rpc_endpoint_map", vantages: ["backend"] }],
  );
  const [run] = planned.flatMap(({ action, port }) =>
    action.kind === "transaction" && action.run !== null
      ? [{ port, options: action.run.spec.options }]
      : [],
  );
  expect(run).toEqual({ port: 135, options: { expected_port: "59531,59532" } });
});

describe("plan paths › a monitor at a VIP", () => {
  const monitorsAtVip = (service: string, monitor: string, vserver: string): string[] =>
    plan([
      "add server db1 192.0.2.61",
      "add server db2 192.0.2.62",
      `add serviceGroup sg ${service.split(" ")[0] ?? ""}`,
      `bind serviceGroup sg db1 ${service.split(" ")[1] ?? ""}`,
      `bind serviceGroup sg db2 ${service.split(" ")[1] ?? ""}`,
      monitor,
      "bind serviceGroup sg -monitorName m",
      `add lb vserver v ${vserver}`,
      "bind lb vserver v sg",
    ]).flatMap(({ action, vantage, port }) =>
      action.kind === "monitor" && vantage === "vip"
        ? [`${action.monitor.name} ${String(port)}`]
        : [],
    );

  test.each([
    ["TCP 5432", 'HTTP -httpRequest "GET /primary" -destPort 8008', "TCP 192.0.2.9 5432", []],
    ["UDP 514", 'HTTP -httpRequest "GET /lb" -destPort 9000', "UDP 192.0.2.9 514", []],
    ["HTTP 80", 'HTTP -httpRequest "GET /lb" -destIP 192.0.2.99', "HTTP 192.0.2.9 80", []],
    ["HTTP 80", 'HTTP -httpRequest "GET /lb" -destPort 80', "HTTP 192.0.2.9 80", ["m 80"]],
    ["HTTP 80", 'HTTP -httpRequest "GET /lb" -destIP 192.0.2.61', "HTTP 192.0.2.9 80", ["m 80"]],
  ])(
    "is repeated only where it asks the members' own port when it is bound to %s as %s",
    (service, monitor, vserver, expected) => {
      expect(monitorsAtVip(service, `add lb monitor m ${monitor}`, vserver)).toEqual(expected);
    },
  );
});

test("plan paths › does not repeat a monitor through content switching when its page is in another directory", () => {
  const planned = plan([
    "add service a 192.0.2.71 HTTP 80",
    "add service b 192.0.2.72 HTTP 80",
    'add lb monitor m_a HTTP-ECV -send "GET /healthz" -recv ok',
    'add lb monitor m_b HTTP-ECV -send "GET /b/healthz" -recv ok',
    "bind service a -monitorName m_a",
    "bind service b -monitorName m_b",
    "add lb vserver lb_a HTTP 0.0.0.0 0",
    "add lb vserver lb_b HTTP 0.0.0.0 0",
    "bind lb vserver lb_a a",
    "bind lb vserver lb_b b",
    "add cs vserver front HTTP 192.0.2.20 80",
    'add cs policy p_a -rule "HTTP.REQ.URL.PATH.STARTSWITH(\\"/a/\\")"',
    'add cs policy p_b -rule "HTTP.REQ.URL.PATH.STARTSWITH(\\"/b/\\")"',
    "bind cs vserver front -policyName p_a -targetLBVserver lb_a -priority 10",
    "bind cs vserver front -policyName p_b -targetLBVserver lb_b -priority 20",
  ]);
  const monitors = planned.flatMap(({ action, vantage }) =>
    action.kind === "monitor" && vantage === "vip"
      ? [[action.monitor.name, action.unsupportedReason]]
      : [],
  );
  expect(monitors).toEqual([
    ["m_a", "content switching leads another path than the one that this monitor requests"],
    ["m_b", null],
  ]);
});

describe("redirect by a responder policy", () => {
  test("is expected for the path that the policy matches", () => {
    const bound = "bind cs vserver front -policyName root_to_owa -priority 10 -type REQUEST";
    expect(asked(plan([...SWITCHED, ...TO_OWA, bound]), "https_challenge")).toEqual([
      "v_owa /owa/",
      "v_ews /EWS/Exchange.asmx",
      "v_owa / → /owa/",
      "v_owa /ecp/",
    ]);
  });

  test("is expected of a vserver that does nothing else, whatever service keeps it up", () => {
    const planned = plan([
      ...TO_OWA,
      "add server nowhere 192.0.2.99",
      "add service always_up nowhere HTTP 80",
      "add lb vserver v_80 HTTP 192.0.2.20 80",
      "bind lb vserver v_80 always_up",
      "bind lb vserver v_80 -policyName root_to_owa -priority 10 -type REQUEST",
    ]);
    expect(asked(planned, "https_challenge")).toEqual(["v_80 / → /owa/"]);
  });

  test.each([
    [`redirect '"https://" + HTTP.REQ.HOSTNAME'`, "https://192.0.2.20"],
    [
      `redirect '"https://" + HTTP.REQ.HOSTNAME.HTTP_URL_SAFE + HTTP.REQ.URL.PATH_AND_QUERY.HTTP_URL_SAFE'`,
      "https://192.0.2.20/",
    ],
    [
      `redirect '"https://mail.example.com" + HTTP.REQ.URL' -responseStatusCode 301`,
      "https://mail.example.com/",
    ],
    [
      String.raw`respondwith '"HTTP/1.1 301 Moved Permanently\r\nLocation: https://" + HTTP.REQ.HEADER("Host") + HTTP.REQ.URL + "\r\n\r\n"'`,
      "https://192.0.2.20/",
    ],
  ])("has its computed target predicted when it is built of the request: %s", (action, to) => {
    const planned = plan([
      `add responder action a ${action}`,
      "add responder policy p true a",
      "add lb vserver v_80 HTTP 192.0.2.20 80",
      "bind lb vserver v_80 -policyName p -priority 10 -type REQUEST",
    ]);
    expect(asked(planned, "https_challenge")).toEqual([`v_80 / → ${to}`]);
  });

  test("is not asked for when its target is built of unknown values", () => {
    const planned = plan([
      'add responder action a redirect "\\"https://\\" + CLIENT.IP.SRC"',
      "add responder policy p true a",
      "add lb vserver v_80 HTTP 192.0.2.20 80",
      "bind lb vserver v_80 -policyName p -priority 10 -type REQUEST",
    ]);
    expect(asked(planned, "https_challenge")).toEqual([]);
  });
});

test("plan › notes where the ADC's monitor differs from its replica: -deviation, a disabled monitor of its type", () => {
  const planned = plan([
    "add server ex01 192.0.2.1",
    "add serviceGroup sg TCP",
    "bind serviceGroup sg ex01 80",
    "add lb monitor m_http HTTP -deviation 20 MSEC",
    "add lb monitor m_off HTTP -state DISABLED",
    "add lb monitor m_tcp TCP",
    ...["m_http", "m_off", "m_tcp"].map((name) => `bind serviceGroup sg -monitorName ${name}`),
  ]);
  const notes = Object.fromEntries(
    planned.flatMap(({ action, note }) =>
      action.kind === "monitor" ? [[action.monitor.name, note ?? action.unsupportedReason]] : [],
    ),
  );
  expect(notes).toEqual({
    m_http: expect.stringMatching(
      /m_off is DISABLED.*all monitors of type HTTP.*-deviation/,
    ) as unknown,
    m_off: "the monitor is disabled on the ADC (-state DISABLED)",
    m_tcp: null,
  });
});

describe("plan › a directory that content switching leads to a service", () => {
  const behind = (rule: string, ...more: readonly string[]): PlannedProbe[] =>
    plan([
      "add service s 192.0.2.11 SSL 443",
      'add lb monitor m HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES',
      "bind service s -monitorName m",
      "add lb vserver v SSL 0.0.0.0 0",
      "bind lb vserver v s",
      "add cs vserver front SSL 192.0.2.20 443",
      `add cs policy p -rule "${rule}"`,
      "bind cs vserver front -policyName p -targetLBVserver v -priority 10",
      ...more,
    ]);
  const TO_OAB = 'HTTP.REQ.URL.SET_TEXT_MODE(IGNORECASE).STARTSWITH(\\"/oab\\")';

  test("is the one that is looked at, once, when its monitor asks for another", () => {
    const planned = behind(TO_OAB);
    expect(asked(planned, "https_challenge", "backend")).toEqual(["s /OAB/"]);
    expect(asked(planned, "https_challenge")).toEqual(["v /OAB/"]);
  });

  test("is looked at once when the service has another one elsewhere", () => {
    const planned = behind(
      TO_OAB,
      "add lb vserver own SSL 192.0.2.21 443",
      "bind lb vserver own s",
    );
    expect(asked(planned, "https_challenge")).toEqual(["v /oab", "own /EWS/Exchange.asmx"]);
  });

  test("is not certain when clients reach the service in another way, too", () => {
    const planned = behind(TO_OAB, "bind cs vserver front -lbvserver v");
    expect(asked(planned, "https_challenge", "backend")).toEqual(["s /EWS/Exchange.asmx"]);
  });

  test("is Autodiscover alone at a host of that name", () => {
    const planned = behind(
      'HTTP.REQ.HOSTNAME.EQ(\\"mail.example.com\\")',
      'add cs policy a -rule "HTTP.REQ.HOSTNAME.EQ(\\"autodiscover.example.com\\")"',
      "bind cs vserver front -policyName a -targetLBVserver v -priority 20",
    );
    const atHost = planned.flatMap(({ action }) =>
      action.kind === "transaction" && action.run?.spec.host === "autodiscover.example.com"
        ? [action.run.spec.path]
        : [],
    );
    expect(atHost).toEqual(["/Autodiscover/Autodiscover.xml"]);
    expect(asked(planned, "https_challenge").length).toBeGreaterThan(5);
  });
});
