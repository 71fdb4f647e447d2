import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPlan, type PlanOptions } from "../../src/cli/plan.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-plan-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

type Filter = Partial<NonNullable<PlanOptions["filter"]>>;

async function planned(text: string, filter: Filter = {}, json = false) {
  const nsConf = join(directory, "ns.conf");
  await writeFile(nsConf, text);
  let out = "";
  let err = "";
  const all = { server: null, adcService: null, vserver: null, monitor: null };
  const options = { nsConf, config: null, json, filter: { ...all, ...filter } };
  const status = await runPlan(options, {
    out: (part) => (out += part),
    err: (part) => (err += part),
  });
  return { status, out, err };
}

async function plan(text: string, filter?: Filter): Promise<string> {
  const { status, out } = await planned(text, filter);
  expect(status).toBe(0);
  return out;
}

const CONF = [
  "add server ex01 10.0.0.1",
  "add server ex02 10.0.0.2",
  "add service owa ex01 SSL 443",
  "add service imap ex02 TCP 143",
  "add service relay ex02 TCP 9999",
  'add lb monitor page HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
  "add lb monitor self PING -destIP 127.0.0.1",
  "add lb monitor off TCP -state DISABLED",
  "bind service owa -monitorName page",
  "bind service imap -monitorName self",
  "bind service relay -monitorName off",
  "bind service relay -monitorName tcp",
].join("\n");

describe("plan as text", () => {
  test("names service, and path and Host of looks", async () => {
    const out = await plan(CONF);
    expect(out).toMatch(/^VANTAGE +SERVICE +VSERVERS +SERVER/);
    expect(out).toMatch(
      /backend +owa +- +ex01 +10\.0\.0\.1:443 +page .*TLSv1.*"GET \/owa\/healthcheck\.htm"/,
    );
    expect(out).toContain("/owa/ at Host ");
  });

  test("groups what is not repeated by reason and counts it", async () => {
    const out = await plan(CONF);
    expect(out).toContain("  destIP 127.0.0.1 is the ADC itself (1): imap/ex02:143 self");
    expect(out).toContain("1 of 2 members is judged only by a port check: relay/ex02:9999");
    expect(out).toMatch(/\d+ probes, 1 not repeated, 1 disabled\n/);
  });

  test("does not count a member among those judged by a port check when it serves no clients", async () => {
    const out = await plan(
      [
        "add service AlwaysUp 127.0.0.1 HTTP 80 -healthMonitor NO",
        "add lb vserver redirect HTTP 10.0.0.9 80 -redirectURL https://mail.example.com",
        "bind lb vserver redirect AlwaysUp",
        "add service s 10.0.0.4 TCP 993",
      ].join("\n"),
    );
    expect(out).toContain("this member serves no clients");
    expect(out).toContain("1 of 1 members is judged only by a port check: s/10.0.0.4:993");
  });

  test("does not count what asks the ADC itself among members judged by a port check", async () => {
    const out = await plan(
      [
        "set ns config -IPAddress 10.0.0.2 -netmask 255.255.255.0",
        "add ns ip 10.0.0.3 255.255.255.0",
        "add service dns 10.0.0.7 ADNS 53",
        "add service self 10.0.0.3 TCP 3008",
        "add service redirect 10.0.0.66 HTTP 80",
        "add lb monitor loop PING -destIP 127.0.0.1",
        "bind service redirect -monitorName loop",
        "add service s 10.0.0.4 TCP 993",
      ].join("\n"),
    );
    expect(out).toContain("1 of 1 members is judged only by a port check: s/10.0.0.4:993");
  });

  test("tells STARTTLS from TLS that begins with the first byte", async () => {
    const out = await plan(
      [
        "add service submission 10.0.0.4 TCP 587",
        "add service relay 10.0.0.4 TCP 25",
        "add service imaps 10.0.0.4 TCP 993",
        "add service ldap 10.0.0.4 TCP 389",
      ].join("\n"),
    );
    expect(out).toMatch(/:587 +smtp_greeting .* STARTTLS if offered$/m);
    expect(out).toMatch(/:25 +smtp_greeting .* STARTTLS if offered$/m);
    expect(out).toMatch(/:993 +imap_greeting .* 10s {4}TLS$/m);
    expect(out).toMatch(/:389 +ldap_root .*s$/m);
  });

  test("marks and counts members that are disabled, themselves, with their server or with their service", async () => {
    const out = await plan(
      [
        "add server off 10.0.0.1 -state DISABLED",
        "add serviceGroup g HTTP",
        "bind serviceGroup g off 80",
        "bind serviceGroup g 10.0.0.2 80",
        "bind serviceGroup g 10.0.0.3 80 -state DISABLED",
        "add service s 10.0.0.4 HTTP 80 -state DISABLED",
      ].join("\n"),
      { monitor: "tcp-default" },
    );
    const marked = out.split("\n").filter((line) => line.includes("disabled on the ADC"));
    expect(marked.map((line) => /10\.0\.0\.\d(?=:80)/.exec(line)?.[0])).toEqual([
      "10.0.0.1",
      "10.0.0.3",
      "10.0.0.4",
    ]);
    expect(out).toContain("1 of 1 members is judged only by a port check: g/10.0.0.2:80");
    expect(out).toContain("4 probes, 0 not repeated, 3 disabled");
  });

  test("looks at a VIP with the name that GSLB answers with its address", async () => {
    const out = await plan(
      [
        "add service s 10.0.0.1 HTTP 80",
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v s",
        "add server site 10.0.1.1",
        "add gslb site one 10.0.1.9",
        "add gslb vserver g HTTP",
        "add gslb service gs site HTTP 80 -siteName one",
        "bind gslb vserver g -serviceName gs",
        "bind gslb vserver g -domainName www.example.com -TTL 5",
      ].join("\n"),
      { vserver: "v" },
    );
    expect(out).toMatch(/^vip .* web_answer .* at Host www\.example\.com$/m);
  });

  test("looks at a VIP with the name that the monitors of its members send", async () => {
    const lines = (...more: readonly string[]) =>
      [
        "add service s 10.0.0.1 HTTP 80",
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v s",
        "bind service s -monitorName m",
        ...more,
      ].join("\n");
    const headers = '-customHeaders "Host: www.example.com\\r\\n"';
    for (const monitor of [
      `HTTP-ECV -send "GET /a" -recv ok ${headers}`,
      'HTTP -httpRequest "GET /a HTTP/1.1\\r\\nHost: www.example.com\\r\\n"',
    ]) {
      const out = await plan(lines(`add lb monitor m ${monitor}`), { monitor: "web_answer" });
      expect(out).toMatch(/^vip .* at Host www\.example\.com$/m);
    }
    const switched = (host: string) =>
      plan(
        [
          "add service s 10.0.0.1 HTTP 80",
          `add lb monitor m HTTP-ECV -send "GET /a" -recv ok ${headers}`,
          "bind service s -monitorName m",
          "add lb vserver v HTTP 0.0.0.0 0",
          "add lb vserver other HTTP 0.0.0.0 0",
          "bind lb vserver v s",
          "add cs vserver c HTTP 10.0.1.1 80",
          `add cs policy p -rule "HTTP.REQ.HOSTNAME.EQ(\\"${host}\\")"`,
          "bind cs vserver c -policyName p -targetLBVserver other -priority 10",
          "bind cs vserver c -lbvserver v",
        ].join("\n"),
        { monitor: "web_answer" },
      );
    expect(await switched("api.example.com")).toMatch(/^vip .* at Host www\.example\.com$/m);
    expect(await switched("www.example.com")).toMatch(/^vip .* at Host 10\.0\.1\.1$/m);
    const unnamed = await plan(lines("add lb monitor m HTTP"), { monitor: "web_answer" });
    expect(unnamed).toMatch(/^vip .* at Host 10\.0\.1\.1$/m);
  });

  test("repeats nothing at a server whose address the ADC translates, except monitors with a destination", async () => {
    const out = await plan(
      [
        "add server mail mail.example.com -translationIp 192.168.0.0 -translationMask 255.255.0.0",
        "add server plain web.example.com",
        "add service s mail HTTP 80",
        "add service t plain HTTP 80",
        "add lb monitor own HTTP",
        "add lb monitor aside HTTP -destIP 10.0.0.9",
        "bind service s -monitorName own",
        "bind service s -monitorName aside",
        "bind service t -monitorName own",
      ].join("\n"),
    );
    expect(out).toContain(
      "the ADC translates this server's DNS address (-translationIp 192.168.0.0) (2): s/mail:80 own",
    );
    expect(out).toMatch(/backend +s +- +mail +10\.0\.0\.9:80 +aside/);
    expect(out).toMatch(/backend +t +- +plain +web\.example\.com:80 +own/);
  });

  test("shows only what the filter selects", async () => {
    const rows = async (filter: Filter): Promise<string> => plan(CONF, filter);
    expect(await rows({ server: "EX01" })).not.toContain("ex02");
    expect(await rows({ adcService: "ow*" })).not.toContain("relay");
    expect(await rows({ monitor: "page" })).toContain("1 probe, 0 not repeated, 0 disabled");
    const together = await rows({ server: "ex02", adcService: "imap", monitor: "SELF" });
    expect(together).toContain("1 probe, 1 not repeated, 0 disabled");
    expect(await rows({ monitor: "imap_greeting" })).toMatch(/^backend +imap .*imap_greeting/m);
  });

  test.each<[Filter, string]>([
    [{ server: "ex09" }, "--server ex09 selects no probe"],
    [{ adcService: "ex01" }, "--adc-service ex01 selects no probe"],
    [{ vserver: "*" }, "--vserver * selects no probe"],
    [{ monitor: "pag" }, "--monitor pag selects no probe"],
    [{ server: "a", monitor: "b" }, "--server a and --monitor b select no probe"],
    [{ server: "ex01", monitor: "b" }, "--monitor b selects no probe"],
    [
      { server: "ex01", adcService: "imap" },
      "--server ex01 and --adc-service imap together select no probe, though each of them selects some",
    ],
  ])("is an error when the filter %o selects nothing", async (filter, error) => {
    expect(await planned(CONF, filter)).toMatchObject({ status: 1, err: `error: ${error}\n` });
    const { out } = await planned(CONF, filter, true);
    expect(JSON.parse(out)).toMatchObject({ error, probes: [] });
  });

  test("keeps a row on one line and escapes control characters", async () => {
    const out = await plan(
      'add service "s\u001b[31m" 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -httpRequest "GET /\\r\\nX: y"\nbind service "s\u001b[31m" -monitorName m\n',
    );
    expect(out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f]/);
    expect(out).toContain('"GET /\\r\\nX: y"');
  });
});

describe("plan notes on settings that are not repeated", () => {
  const SERVICE = "add service s 10.0.0.1 HTTP 80";
  const BOUND = ["add lb monitor m HTTP", "bind service s -monitorName m"];
  test.each([
    ["a TCP profile", [`${SERVICE} -tcpProfileName mptcp`], "the service's TCP profile mptcp"],
    [
      "both profiles",
      [`${SERVICE} -tcpProfileName t1 -httpProfileName h2`],
      "the service's TCP profile t1 and HTTP profile h2",
    ],
    [
      "an IP set",
      [
        "add ipset set1",
        "bind ipset set1 10.0.0.8 10.0.0.9",
        "add netProfile np -srcIP set1",
        `${SERVICE} -netProfile np`,
      ],
      "the ADC probes from the addresses 10.0.0.8, 10.0.0.9 (netProfile np)",
    ],
    [
      "an IP set that the file does not hold",
      ["add netProfile np -srcIP set1", `${SERVICE} -netProfile np`],
      "of the IP set set1, which are unknown",
    ],
    [
      "a PROXY header that is set later",
      [
        "add netProfile np",
        "set netProfile np -proxyProtocol ENABLED",
        `${SERVICE} -netProfile np`,
      ],
      "PROXY",
    ],
    [
      "a PROXY header within TLS",
      [
        "add netProfile np -proxyProtocol ENABLED -proxyProtocolAfterTLSHandshake ENABLED",
        `${SERVICE} -netProfile np`,
        "set lb monitor m HTTP -secure YES",
      ],
      "the ADC sends it after the TLS handshake, this probe before it",
    ],
    [
      "a net profile that the file does not hold",
      [`${SERVICE} -netProfile np`],
      "the settings of netProfile np are unknown and are not repeated",
    ],
    [
      "a monitor's own net profile that the file does not hold",
      [SERVICE, "set lb monitor m HTTP -netProfile own"],
      "the settings of netProfile own are unknown and are not repeated",
    ],
    [
      "an SSL profile that the file does not hold",
      [SERVICE, "set lb monitor m HTTP -secure YES -sslProfile tls"],
      "the settings of SSL profile tls are unknown and are not repeated",
    ],
    [
      "a certificate that the ADC checks",
      [
        "add ssl profile tls -sslProfileType BackEnd -serverAuth ENABLED",
        SERVICE,
        "set lb monitor m HTTP -secure YES -sslProfile tls",
      ],
      "the ADC refuses a certificate that its own CA has not signed (-serverAuth)",
    ],
    [
      "a client certificate of the monitor",
      [SERVICE, "set lb monitor m HTTP -secure YES", "bind lb monitor m -certkeyName client"],
      "the ADC presents the client certificate client, this probe presents none",
    ],
    [
      "a client certificate of the service",
      [
        SERVICE,
        "set lb monitor m HTTP -secure YES",
        `bind ssl service ${SERVICE.split(" ")[2] ?? ""} -certkeyName own`,
      ],
      "the ADC presents the client certificate own to servers of s, this probe presents none",
    ],
  ])("name %s", async (_what, lines, expected) => {
    expect(await plan([...lines, ...BOUND].join("\n"))).toContain(expected);
  });

  test.each([
    ["the firmware's own profiles", `${SERVICE} -tcpProfileName nstcp_default_tcp_lan`],
    ["a profile of one address", `add netProfile np -srcIP 10.0.0.8\n${SERVICE} -netProfile np`],
    [
      "an issuer that the ADC trusts",
      `${SERVICE}\nbind ssl service ${SERVICE.split(" ")[2] ?? ""} -certkeyName profile -CA`,
    ],
  ])("are absent for %s", async (_what, line) => {
    expect(await plan([line, ...BOUND].join("\n"))).not.toMatch(/profile|netProfile/i);
  });
});

test("plan › tells an IPv6 address from its port in every column when members have such addresses", async () => {
  const text = await plan(
    [
      "add service s 2001:db8::5 TCP 80",
      "bind service s -monitorName tcp",
      "add service u 2001:db8::6 UDP 514",
      "add lb monitor m USER -scriptName own.pl",
      "bind service u -monitorName m",
    ].join("\n"),
  );
  expect(text).toContain(" [2001:db8::5]:80 ");
  expect(text).toContain("u/[2001:db8::6]:514 m");
  expect(text).toContain("s/[2001:db8::5]:80");
});
