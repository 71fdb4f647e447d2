import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import {
  createRecogniser,
  learnedKey,
  looksFor,
  type LearnedExchange,
  type MemberOverride,
  type Recognition,
} from "../../src/adc/recognise.ts";

const NOTHING: Recognition = { version: null, protocol: null, path: null, security: "none" };
const NOBODY: LearnedExchange = new Set();

function fixture(name: string): Estate {
  const file = join(import.meta.dirname, "../fixtures/ns.conf", name);
  return parseNsConf(readFileSync(file, "utf8"), { adc: "prod" });
}

function conf(...lines: readonly string[]): Estate {
  return parseNsConf(lines.join("\n"), { adc: "prod" });
}

/** Every member as `service server:port` with what it was recognised as. */
function recognised(
  estate: Estate,
  help: readonly MemberOverride[] = [],
  learned: LearnedExchange = NOBODY,
): Record<string, string> {
  const recognise = createRecogniser(estate, help, learned);
  const rows: Record<string, string> = {};
  for (const service of estate.services.values()) {
    for (const member of service.members) {
      const seen = recognise(service, member);
      rows[`${service.name} ${member.server}:${String(member.port)}`] =
        seen.protocol === null
          ? "-"
          : [seen.protocol, seen.version, seen.path, seen.security].filter(Boolean).join(" ");
    }
  }
  return rows;
}

describe("recognition of the guides' configurations", () => {
  test("names the members of Exchange 2010", () => {
    expect(recognised(fixture("exchange-2010.conf"))).toMatchInlineSnapshot(`
      {
        "Exchange_2010_IMAP4 192.168.1.154:143": "imap 2010 starttls_if_offered",
        "Exchange_2010_POP3 192.168.1.154:110": "pop3 2010 starttls_if_offered",
        "Exchange_2010_RPC 192.168.1.154:*": "rpc 2010 none",
        "Exchange_2010_owa 192.168.1.154:80": "https 2010 /owa/ none",
        "Exchange_2010_owa_2 192.168.1.164:80": "https 2010 /owa/ none",
      }
    `);
  });

  test("names the members of Exchange 2016", () => {
    expect(recognised(fixture("exchange-2016.conf"))).toMatchInlineSnapshot(`
      {
        "lb_svg_dns dc01:53": "-",
        "lb_svg_dns dc02:53": "-",
        "lb_svg_ex2016_activesync exchange01:443": "https 2016 /Microsoft-Server-ActiveSync implicit",
        "lb_svg_ex2016_activesync exchange02:443": "https 2016 /Microsoft-Server-ActiveSync implicit",
        "lb_svg_ex2016_autodiscover exchange01:443": "https 2016 /Autodiscover/Autodiscover.xml implicit",
        "lb_svg_ex2016_autodiscover exchange02:443": "https 2016 /Autodiscover/Autodiscover.xml implicit",
        "lb_svg_ex2016_ecp exchange01:443": "https 2016 /ecp/ implicit",
        "lb_svg_ex2016_ecp exchange02:443": "https 2016 /ecp/ implicit",
        "lb_svg_ex2016_ews exchange01:443": "https 2016 /EWS/Exchange.asmx implicit",
        "lb_svg_ex2016_ews exchange02:443": "https 2016 /EWS/Exchange.asmx implicit",
        "lb_svg_ex2016_mapi exchange01:443": "https 2016 /mapi/emsmdb/ implicit",
        "lb_svg_ex2016_mapi exchange02:443": "https 2016 /mapi/emsmdb/ implicit",
        "lb_svg_ex2016_oab exchange01:443": "https 2016 /OAB/ implicit",
        "lb_svg_ex2016_oab exchange02:443": "https 2016 /OAB/ implicit",
        "lb_svg_ex2016_owa exchange01:443": "https 2016 /owa/ implicit",
        "lb_svg_ex2016_owa exchange02:443": "https 2016 /owa/ implicit",
        "lb_svg_ex2016_rpc exchange01:443": "https 2016 /rpc/rpcproxy.dll implicit",
        "lb_svg_ex2016_rpc exchange02:443": "https 2016 /rpc/rpcproxy.dll implicit",
        "lb_svg_exch2016_imap exchange01:143": "imap 2016 starttls_if_offered",
        "lb_svg_exch2016_imap exchange02:143": "imap 2016 starttls_if_offered",
        "lb_svg_exch2016_imap_993 exchange01:993": "imap 2016 implicit",
        "lb_svg_exch2016_imap_993 exchange02:993": "imap 2016 implicit",
        "lb_svg_exch2016_smtp exchange01:25": "smtp 2016 starttls_if_offered",
        "lb_svg_exch2016_smtp exchange02:25": "smtp 2016 starttls_if_offered",
        "lb_svg_exch2016_smtp_465 exchange01:465": "smtp 2016 implicit",
        "lb_svg_exch2016_smtp_465 exchange02:465": "smtp 2016 implicit",
        "lb_svg_exch2016_smtp_587 exchange01:587": "smtp 2016 starttls_if_offered",
        "lb_svg_exch2016_smtp_587 exchange02:587": "smtp 2016 starttls_if_offered",
        "lb_svg_ldaps dc01:636": "-",
        "lb_svg_ldaps dc02:636": "-",
        "lb_svg_ntp dc01:123": "-",
        "lb_svg_ntp dc02:123": "-",
      }
    `);
  });

  test("names the members of Exchange 2010 that the guide gives only in words", () => {
    const rows = recognised(fixture("exchange-2010-full.conf"));
    expect(rows["Exchange_2010_Edge_SMTP 192.168.1.181:25"]).toBe("smtp 2010 starttls_if_offered");
    expect(rows["Exchange_2010_POP3_2 192.168.1.164:110"]).toBe("pop3 2010 starttls_if_offered");
  });
});

describe("recognition of ordinary applications", () => {
  const estate = conf(
    "add server web1 192.0.2.1",
    "add server ex1 192.0.2.11",
    "add service shop web1 HTTP 80",
    "add service shop_tls web1 SSL 443",
    "add service api web1 HTTP 8080",
    "add service mail web1 TCP 25",
    "add service imap web1 TCP 143",
    "add service owa ex1 SSL 443",
    "add service intranet ex1 HTTP 8080",
    "add service ex_imap ex1 TCP 993",
    'add lb monitor m_shop HTTP -httpRequest "HEAD /shop/login" -respCode 200',
    'add lb monitor m_rpc HTTP -httpRequest "GET /rpc/status" -respCode 200',
    'add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
    "bind service shop -monitorName m_shop",
    "bind service api -monitorName m_rpc",
    "bind service owa -monitorName m_owa",
  );

  test("recognises nothing on web and mail ports of a server that is not Exchange", () => {
    const rows = recognised(estate);
    for (const name of [
      "shop web1:80",
      "shop_tls web1:443",
      "api web1:8080",
      "mail web1:25",
      "imap web1:143",
    ]) {
      expect(rows[name]).toBe("-");
    }
  });

  test("speaks no TLS to a member when the service's type is HTTP, whatever its monitor does", () => {
    const offloaded = conf(
      "add service owa 192.0.2.11 HTTP 80",
      "add service odd 192.0.2.11 HTTP 443",
      'add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
      "bind service owa -monitorName m",
      "bind service odd -monitorName m",
    );
    const recognise = createRecogniser(offloaded, [], NOBODY);
    const security = [...offloaded.services.values()].map((service) =>
      service.members.map((member) => recognise(service, member).security),
    );
    expect(security).toEqual([["none"], ["implicit"]]);
  });

  test("recognises nothing in another web service on an Exchange server", () => {
    expect(recognised(estate)["intranet ex1:8080"]).toBe("-");
  });

  test("recognises a mail port as Exchange when its server is known by its health page", () => {
    const rows = recognised(estate);
    expect(rows["owa ex1:443"]).toBe("https /owa/ implicit");
    expect(rows["ex_imap ex1:993"]).toBe("imap implicit");
  });

  test("recognises a member and its server's mail ports as Exchange when X-FEServer was seen", () => {
    const learned = new Set([learnedKey("web1", 443)]);
    const rows = recognised(estate, [], learned);
    expect(rows["shop_tls web1:443"]).toBe("https /owa/ implicit");
    expect(rows["imap web1:143"]).toBe("imap starttls_if_offered");
    expect(rows["shop web1:80"]).toBe("-");
  });

  test("recognises a server's mail ports, not its web ports, as Exchange when a greeting was Exchange's", () => {
    const rows = recognised(estate, [], new Set([learnedKey("web1", 143)]));
    expect(rows["imap web1:143"]).toBe("imap starttls_if_offered");
    expect(rows["mail web1:25"]).toBe("smtp starttls_if_offered");
    expect(rows["shop_tls web1:443"]).toBe("-");
  });
});

describe("recognition by the ADC's configuration", () => {
  test.each([
    [
      'add lb monitor m TCP-ECV -send "GET /" -recv "The Microsoft Exchange IMAP4 service is ready."',
      143,
      "imap starttls_if_offered",
    ],
    [
      'add lb monitor m TCP-ECV -recv "Microsoft ESMTP MAIL Service"',
      2525,
      "smtp starttls_if_offered",
    ],
    [
      'add lb monitor m HTTP-ECV -send "GET /EWS/healthcheck.htm" -recv 200',
      443,
      "https /EWS/Exchange.asmx implicit",
    ],
    [
      'add lb monitor m HTTP -httpRequest "GET /Microsoft-Server-ActiveSync" -respCode 401',
      443,
      "https /Microsoft-Server-ActiveSync implicit",
    ],
    [
      'add lb monitor m TCP-ECV -send "GET /owa/healthcheck.htm HTTP/1.1rnHost:mailrn" -recv 200',
      443,
      "https /owa/ implicit",
    ],
    [
      'add lb monitor m HTTP-ECV -send "GET /rpc/healthcheck.htm" -recv "200 OK"',
      443,
      "https /rpc/rpcproxy.dll implicit",
    ],
    ['add lb monitor m HTTP-ECV -send "GET /rpc/rpcproxy.dll" -recv x', 443, "-"],
    ['add lb monitor m HTTP -httpRequest "HEAD /"', 443, "-"],
    ["add lb monitor m TCP", 993, "-"],
  ])("reads the monitor %s", (monitor, port, expected) => {
    const type = port === 443 ? "SSL" : "TCP";
    const estate = conf(
      "add server s1 192.0.2.1",
      `add service svc s1 ${type} ${String(port)}`,
      monitor,
      "bind service svc -monitorName m",
    );
    expect(Object.values(recognised(estate))).toEqual([expected]);
  });

  test("reads a content-switching rule that names a virtual directory", () => {
    const estate = conf(
      "add server s1 192.0.2.1",
      "add service svc s1 SSL 443",
      "add lb vserver v SSL 0.0.0.0 0",
      "bind lb vserver v svc",
      "add cs vserver cs SSL 192.0.2.100 443",
      'add cs policy p -rule "HTTP.REQ.URL.STARTSWITH(\\"/ews\\")"',
      "bind cs vserver cs -policyName p -targetLBVserver v",
    );
    expect(Object.values(recognised(estate))).toEqual(["https /EWS/Exchange.asmx implicit"]);
  });
});

describe("recognition by our configuration", () => {
  const estate = conf(
    "add server web1 192.0.2.1",
    "add service svc web1 SSL 8443",
    "add service odd web1 TCP 1143",
    "add service exchange_imap web1 TCP 143",
  );
  const help = (change: Partial<MemberOverride>): MemberOverride => ({
    match: "web1:8443",
    protocol: null,
    exchange: null,
    path: null,
    ...change,
  });

  test("makes a member Exchange with its version and path", () => {
    const rows = recognised(estate, [
      help({ match: "web*:8443", protocol: "https", exchange: "2016", path: "/ecp/" }),
      help({ match: "192.0.2.1:1143", protocol: "imap" }),
    ]);
    expect(rows["svc web1:8443"]).toBe("https 2016 /ecp/ implicit");
    expect(rows["odd web1:1143"]).toBe("imap starttls_if_offered");
  });

  test("makes a member Exchange when only a version is given", () => {
    expect(recognised(estate, [help({ exchange: "2019" })])["svc web1:8443"]).toBe(
      "https 2019 /owa/ implicit",
    );
  });

  test("keeps a member out when it says none", () => {
    const rows = recognised(estate, [help({ match: "web1", exchange: "none" })]);
    expect(new Set(Object.values(rows))).toEqual(new Set(["-"]));
  });

  test("tells the protocol of one member by the service's name", () => {
    const service = estate.services.get("exchange_imap");
    const member = service?.members[0];
    if (service === undefined || member === undefined) {
      throw new Error("the fixture has no such member");
    }
    expect(createRecogniser(estate, [], NOBODY)(service, member)).toEqual({
      version: null,
      protocol: "imap",
      path: null,
      security: "starttls_if_offered",
    });
  });
});

describe("default looks", () => {
  test.each([
    [{ ...NOTHING, protocol: "imap" }, ["imap_greeting"]],
    [{ ...NOTHING, protocol: "pop3" }, ["pop3_greeting"]],
    [{ ...NOTHING, protocol: "smtp" }, ["smtp_mail_from"]],
    [{ ...NOTHING, protocol: "https" }, ["https_challenge", "health_page"]],
    [{ ...NOTHING, protocol: "https", version: "2010" }, ["https_challenge"]],
    [{ ...NOTHING, protocol: "rpc" }, []],
    [NOTHING, []],
  ] as const)("of %j are %j", (recognition, looks) => {
    expect(looksFor(recognition, true)).toEqual(looks);
  });
});
