import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { counted } from "../../../src/lib/counted.ts";
import type { Estate } from "../../../src/model/estate.ts";

function read(...lines: readonly string[]): Estate {
  return parseNsConf(lines.join("\n"), { adc: "test" });
}

function said(estate: Estate): string[] {
  return estate.diagnostics.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`);
}

describe("abbreviations", () => {
  test("are read when lb is left out and when verbs and objects are shortened", () => {
    const estate = read(
      "add server s1 10.0.0.97",
      "add service svc1 s1 HTTP 80",
      'add monitor m1 HTTP -respCode 200 -httpRequest "GET /a"',
      "set monitor m1 HTTP -interval 20",
      "bind service svc1 -monitorName m1",
      "add lb mon m2 TCP -destPort 81",
      "bind mon m2 svc1",
      "add lb vs v1 HTTP 10.0.0.98 80",
      "bind lb vs v1 svc1",
      "disable monitor svc1 m1",
    );
    expect(said(estate)).toEqual([]);
    expect(estate.monitors.get("m1")).toMatchObject({ intervalMs: 20_000, enabled: true });
    expect(estate.services.get("svc1")?.monitors).toMatchObject([
      { monitor: "m1", enabled: false },
      { monitor: "m2", enabled: true },
    ]);
    expect(estate.lbVservers.get("v1")?.services).toMatchObject([{ service: "svc1" }]);
  });

  test("stand as they are when they begin several words", () => {
    const estate = read("add serv s1 10.0.0.97", "add server s2 10.0.0.98");
    expect([...estate.servers.keys()]).toEqual(["s2"]);
    expect([...estate.otherStatements.keys()]).toEqual(["add serv"]);
  });

  test("of objects may be one letter after their group", () => {
    expect([...read("add lb v q HTTP 10.0.1.1 80").lbVservers.keys()]).toEqual(["q"]);
    expect([...read("add lb m q HTTP").monitors.keys()]).toEqual([]);
  });

  test("of verbs are read only before an object of load balancing", () => {
    const estate = read("add server s 10.0.0.1", "disa server s", "en passant nothing");
    expect(estate.servers.get("s")?.enabled).toBe(false);
  });
});

describe("enable and disable lb monitor", () => {
  const base = [
    "add service http_svc 10.0.0.41 HTTP 80",
    'add lb monitor http_mon HTTP -respCode 200 -httpRequest "GET /x"',
    "bind service http_svc -monitorName http_mon",
  ];
  test.each([
    ["service first, as the reference has it", "disable lb monitor http_svc http_mon", false, true],
    ["a service alone means all of its bindings", "disable lb monitor http_svc", false, true],
    ["a monitor alone means the monitor", "disable lb monitor http_mon", true, false],
  ])("reads %s", (_name, line, binding, monitor) => {
    const estate = read(...base, line);
    expect(said(estate)).toEqual([]);
    expect(estate.services.get("http_svc")?.monitors[0]?.enabled).toBe(binding);
    expect(estate.monitors.get("http_mon")?.enabled).toBe(monitor);
    const again = read(...base, line, line.replace("disable", "enable"));
    expect(again.services.get("http_svc")?.monitors[0]?.enabled).toBe(true);
    expect(again.monitors.get("http_mon")?.enabled).toBe(true);
  });
});

describe("unset, rm and unbind", () => {
  test("unset brings an option's default back", () => {
    const estate = read(
      "add lb monitor m TCP -destIP 10.0.0.9 -destPort 80 -interval 30 -LRTM DISABLED",
      "unset lb monitor m TCP -destIP -destPort -interval -LRTM",
      "add service s 10.0.0.1 HTTP 80 -monThreshold 4 -healthMonitor NO",
      "unset service s -monThreshold -healthMonitor",
    );
    const defaults = { destIp: null, destPort: null, intervalMs: 5_000, lrtm: true };
    expect(estate.monitors.get("m")).toMatchObject(defaults);
    expect(estate.services.get("s")).toMatchObject({ monThreshold: 0, healthMonitor: true });
  });

  test("rm frees a name to be given again", () => {
    const estate = read(
      "add service s 10.0.0.1 HTTP 80",
      "add lb monitor m TCP",
      "bind service s -monitorName m",
      "unbind service s -monitorName m",
      "rm lb monitor m TCP",
      'add lb monitor m HTTP-ECV -recv "ok"',
      "rm service s",
      "add service s 10.0.0.2 HTTP 81",
      "bind service s -monitorName m",
    );
    expect(said(estate)).toEqual([]);
    expect(estate.services.get("s")?.members).toMatchObject([{ address: "10.0.0.2", port: 81 }]);
    expect(estate.monitors.get("m")?.type).toBe("HTTP-ECV");
  });

  test("rm of a server removes its services and members as well", () => {
    const estate = read(
      "add server a 10.0.0.1",
      "add service s a HTTP 80",
      "add serviceGroup g HTTP",
      "bind serviceGroup g a 80",
      "add lb vserver v HTTP 10.0.1.1 80",
      "bind lb vserver v s",
      "rm server a",
    );
    expect(estate.services.has("s")).toBe(false);
    expect(estate.services.get("g")?.members).toEqual([]);
    expect(estate.lbVservers.get("v")?.services).toEqual([]);
  });
});

describe("set of a binding", () => {
  const GROUP = [
    "add server s1 10.0.0.1",
    "add serviceGroup g HTTP -memberPort 8080",
    "bind serviceGroup g s1",
    "bind serviceGroup g s1 81",
    "bind serviceGroup g -monitorName http",
  ];

  test("changes the binding's state and weight, not the group's", () => {
    const estate = read(
      ...GROUP,
      "set serviceGroup g -monitorName HTTP -monState DISABLED -weight 4",
    );
    expect(said(estate)).toEqual([]);
    expect(estate.services.get("g")).toMatchObject({
      enabled: true,
      monitors: [{ monitor: "http", enabled: false, weight: 4 }],
    });
  });

  test("changes a member's own weight", () => {
    const estate = read(...GROUP, "set serviceGroup g s1 81 -weight 9");
    expect(said(estate)).toEqual([]);
    expect(estate.services.get("g")?.members).toMatchObject([
      { port: 8080, weight: 1 },
      { port: 81, weight: 9 },
    ]);
  });

  test("reports what is not bound", () => {
    const more = [
      "set serviceGroup g -monitorName tcp -weight 2",
      "set serviceGroup g s1 9 -weight 2",
    ];
    expect(said(read(...GROUP, ...more))).toEqual(["info not_in_text file"]);
  });
});

describe("vservers", () => {
  test.each(["10.0.0.300 80", "10.0.0.1-3 80", "010.0.0.1 80", "10.0.0.1 0x50", "10.0.0.1 70000"])(
    "are reported when %s cannot be read",
    (place) => {
      for (const kind of ["lb", "cs"]) {
        const estate = read(`add ${kind} vserver v HTTP ${place}`);
        expect(said(estate)).toEqual(["warning unreadable_value v"]);
      }
    },
  );

  test.each(["", "0.0.0.0 0", ":: 0", "10.0.0.1 *", "* 80", "* *", "2001:db8::1 443", "10.0.0.1"])(
    "are read without a report at '%s'",
    (place) => {
      expect(said(read(`add lb vserver v HTTP ${place}`))).toEqual([]);
    },
  );
});

describe("captured sessions", () => {
  test.each([["nsroot@ns1-Primary> "], ["> "], ["[ns1] 10:31 > "], ["ns1>"]])(
    "are read without the prompt %j",
    (prompt) => {
      const estate = read(
        `${prompt}add server web1 10.0.0.95`,
        " Done",
        `${prompt}add service svc1 web1 HTTP 80`,
        "Warning: Feature(s) not enabled [LB]",
        `${prompt}add service svc1 web1 HTTP 80`,
        "ERROR: Resource already exists",
        `${prompt}show service svc1`,
        "\tsvc1 (10.0.0.95:80) - HTTP",
        "\tState: UP",
        "1)\tMonitor Name: http",
        " Done",
        `${prompt}bind service svc1 -monitorName http`,
        " Done",
      );
      expect(estate.services.get("svc1")?.monitors).toMatchObject([{ monitor: "http" }]);
    },
  );

  test("keep a text that only looks like a prompt in its value", () => {
    const estate = read('add lb monitor m HTTP-ECV -send "GET /" -recv "<b> show me"');
    expect(estate.monitors.get("m")?.parameters.recv).toBe("<b> show me");
  });
});

describe("members without a port", () => {
  const estate = read(
    "add server srv_http _http._tcp.example.com -queryType SRV",
    "add serviceGroup sg_srv HTTP -autoScale DNS",
    "bind serviceGroup sg_srv srv_http",
    "add server fqdn web.example.com",
    "add serviceGroup sg_cloud HTTP -autoScale CLOUD -memberPort 8080",
    "bind serviceGroup sg_cloud fqdn",
    "add serviceGroup sg_bare HTTP",
    "bind serviceGroup sg_bare fqdn",
  );
  test("take it from the SRV record or from the group", () => {
    expect(estate.services.get("sg_srv")?.members).toMatchObject([
      { port: "*", portUnknown: "srv", domain: "_http._tcp.example.com" },
    ]);
    expect(estate.services.get("sg_srv")?.monitors[0]?.monitor).toBe("tcp-default");
    expect(estate.services.get("sg_cloud")?.members).toMatchObject([{ port: 8080 }]);
    expect(estate.services.get("sg_cloud")?.members[0]?.portUnknown).toBeUndefined();
  });

  test("are reported as incomplete when the group has no port either", () => {
    expect(said(estate)).toContain("error incomplete_statement sg_bare");
  });
});

test("typed forms › count a partition's statements and keep its names apart", () => {
  const estate = read(
    "add server s1 10.0.0.1",
    "switch ns partition P1",
    "add server s1 10.7.7.7",
    "add service a s1 HTTP 8080",
    "switch ns partition default",
    "add server s2 10.0.0.2",
  );
  expect([...estate.servers.values()].map(({ address }) => address)).toEqual([
    "10.0.0.1",
    "10.0.0.2",
  ]);
  expect(said(estate)).toEqual(["info partition_not_read P1"]);
});

test("typed forms › count statements about health that are not read by kind", () => {
  const estate = read(
    "add lsn pool g",
    "bind lsn pool g 192.0.2.1",
    "bind lsn pool g 192.0.2.2",
    "enable ns feature LB",
  );
  const [told] = estate.diagnostics;
  expect(told?.message).toBe(
    "3 statements of 2 kinds are not examined: add lsn pool, bind lsn pool (2).",
  );
});

test("typed forms › read escaped quotes inside an unquoted token as Citrix does", () => {
  const estate = read('add cs policy p -rule HTTP.REQ.URL.CONTAINS("a\\"b c")');
  expect(estate.policies.get("p")?.rule).toBe('HTTP.REQ.URL.CONTAINS("a"b c")');
});

test("typed forms › apply the default back-end profile when profiles are switched on", () => {
  const lines = [
    "set ssl profile ns_default_ssl_profile_backend -tls1 DISABLED -tls13 ENABLED",
    "add serviceGroup g SSL",
  ];
  const tls = read("set ssl parameter -defaultProfile ENABLED", ...lines).services.get("g")?.tls;
  expect(tls).toMatchObject({ versions: { tls1: false, tls13: true } });
  expect(read(...lines).services.get("g")?.tls.versions.tls1).toBeNull();
});

test("typed forms › name bind cs vserver when bind lb vserver binds a policy to a content-switching vserver", () => {
  const estate = read("add cs vserver cs SSL 10.0.0.1 443", "bind lb vserver cs -policyName p");
  const [told] = estate.diagnostics;
  expect(told).toMatchObject({ rule: "wrong_kind_reference", object: "cs" });
  expect(told?.message).toContain("use bind cs vserver");
});

describe("options of services and vservers", () => {
  test("are read and reported when they are shortened", () => {
    const estate = read(
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName http -mons DISABLED",
      "add lb vserver v HTTP 10.0.1.1 80 -persistenceT SOURCEIP",
    );
    expect(estate.services.get("s")?.monitors).toMatchObject([{ enabled: false }]);
    expect(estate.lbVservers.get("v")?.persistence.type).toBe("SOURCEIP");
    expect(said(estate).toSorted()).toEqual(["info doubtful_option s", "info doubtful_option v"]);
  });

  test("are reported when no service has them, and the rest of the line is read", () => {
    const estate = read("add service s 10.0.0.1 HTTP 80 -fooBar 1 -healthMonitor NO");
    expect(estate.services.get("s")?.healthMonitor).toBe(false);
    expect(estate.diagnostics[0]?.message).toContain("does not support -foobar: the ADC rejects");
  });

  test("do not repeat what stands behind an option without its value", () => {
    const estate = read("add service s 10.0.0.1 HTTP 80 -comment -Sommer2026 -healthMonitor NO");
    expect(JSON.stringify(estate)).not.toContain("ommer2026");
  });

  test("are reported as newer, not wrong, when the appliance has saved them itself", () => {
    const estate = read("#NS15.1 Build 1.1", "add service s 10.0.0.1 HTTP 80 -fromTheFuture YES");
    expect(said(estate)).toContain("info unknown_option s");
  });
});

describe("options of bindings", () => {
  const base = [
    "add service s 10.0.0.1 HTTP 80",
    "add lb vserver v HTTP 10.0.1.1 80",
    "add cs vserver c HTTP 10.0.1.2 80",
    "add cs policy p -rule true",
    "add gslb site one 10.0.0.9",
    "add gslb vserver g HTTP",
  ];
  test.each([
    ["bind lb vserver v s -wait 10", "v"],
    ["bind lb vserver v -policyName p -priority 1 -gotoPrioExpr END", "v"],
    ["bind cs vserver c -policyName p -targetLB v -prioritee 1", "c"],
    ["bind ssl vserver v -sslProfile x", "v"],
    ["bind gslb vserver g -domain_name x.example", "g"],
    ["add gslb site two LOCAL -siteIPAddress 10.0.0.8", "two"],
  ])("are reported as unknown when the binding does not have them: %s", (line, object) => {
    expect(said(read(...base, line))).toContain(`warning unknown_option ${object}`);
  });

  test.each([
    "bind lb vserver v s -weight 10",
    "bind lb vserver v s -devno 12345",
    "bind lb vserver v -policyName p -priority 1 -gotoPriorityExpression END -type REQUEST",
    "bind lb vserver v -policyName p -priority 1 -gotoPriorityExpression END -type REQUEST -invoke policylabel l",
    "bind lb vserver v -analyticsProfile ns_analytics_default_http_profile",
    "bind cs vserver c -lbvserver v",
    "bind cs vserver c -policyName p -targetLBVserver v -priority 1",
    "bind cs vserver c -domainName www.example.com -TTL 5",
    "bind ssl vserver v -certkeyName k -CA -ocspCheck Optional",
    "bind ssl vserver v -certkeyName k -SNICert",
    "bind ssl vserver v -eccCurveName P_256",
    "bind gslb vserver g -domainName www.example.com -TTL 5 -backupIP 10.0.0.1",
    "add gslb site two REMOTE 10.0.0.8 -publicIP 192.0.2.1 -metricExchange DISABLED",
  ])("are not reported when the binding has them: %s", (line) => {
    expect(said(read(...base, line)).filter((one) => one.includes("unknown_option"))).toEqual([]);
  });
});

describe("options of TLS settings and profiles", () => {
  const base = [
    "add service s 10.0.0.1 SSL 443",
    "add serviceGroup g SSL",
    "add lb vserver v SSL 10.0.1.1 443",
    "add ssl profile p",
    "add netProfile n",
  ];
  test.each([
    ["set ssl vserver v -tls1.1 DISABLED", "v"],
    ["set ssl vserver v -serverAuth ENABLED", "v"],
    ["set ssl service s -hsts ENABLED", "s"],
    ["set ssl serviceGroup g -clientAuth ENABLED", "g"],
    ["set ssl parameter -defaultProfil2 ENABLED", "TLS parameter"],
    ["set ssl profile p -tls14 ENABLED", "p"],
    ["add ssl profile p2 -sslProfile BackEnd -ciphers AES", "p2"],
    ["add netProfile n2 -sourceIP 10.0.0.9", "n2"],
    ["set netProfile n -srcIPs 10.0.0.9", "n"],
    ["add ns tcpProfile t -windowScaling ENABLED", "t"],
    ["set ns tcpProfile nstcp_default_profile -mtu 1400", "nstcp_default_profile"],
    ["add ns httpProfile h -dropInvalidRequests ENABLED", "h"],
    ["set ns httpProfile nshttp_default_profile -http4 ENABLED", "nshttp_default_profile"],
    ["add server e 10.0.0.3 -comments a", "e"],
  ])("are reported as unknown when the command does not have them: %s", (line, object) => {
    expect(said(read(...base, line))).toContain(`warning unknown_option ${object}`);
  });

  test.each([
    "set ssl vserver v -clientAuth ENABLED -clientCert Optional -eRSA DISABLED -ssl2 DISABLED -nonFipsCiphers ENABLED",
    "set ssl vserver v -SNIEnable ENABLED -HSTS ENABLED -maxage 9 -IncludeSubdomains YES -preload YES -tls13 ENABLED",
    "set ssl service s -serverAuth ENABLED -commonName a.example -dtls12 ENABLED -sslv2Redirect DISABLED",
    "set ssl serviceGroup g -serverAuth ENABLED -commonName a.example -SNIEnable ENABLED -tls13 DISABLED -sslClientLogs ENABLED",
    "set ssl parameter -defaultProfile ENABLED -sigDigestType RSA-SHA256 ECDSA-SHA256 -denySSLReneg NONSECURE -SNIHTTPHostMatch NO",
    "set ssl profile p -sessionTicket ENABLED -cipherName AES -cipherPriority 1 -allowExtendedMasterSecret YES -alpnProtocol HTTP2",
    "add ssl profile p3 -sslProfileType BackEnd -serverAuth ENABLED -commonName a -skipClientCertPolicyCheck ENABLED",
    "add netProfile n2 -td 1 -srcIP 10.0.0.9 -srcippersistency ENABLED -overrideLsn ENABLED -MBF ENABLED -proxyProtocol ENABLED",
    "add ns tcpProfile t -WS ENABLED -WSVal 8 -SACK ENABLED -flavor CUBIC -rfc5961Compliance ENABLED -taillossprobe ENABLED",
    "add ns httpProfile h -dropInvalReqs ENABLED -spdy ENABLED -http2 ENABLED -http2StrictCipher DISABLED -maxHeaderFieldLen 9",
    "set ns tcpProfile nstcp_default_profile -mss 1460 -devno 7",
    "add ns tcpProfile proxy -dynamicReceiveBuffering ENABLED -KA ENABLED -mptcp ENABLED -mptcpDropDataOnPreEstSF ENABLED -mptcpSessionTimeout 360 -builtin MODIFIABLE",
    "unset ssl vserver v -HSTS",
    "add server e a.example -domainResolveRetry 5 -IPv6Address NO -queryType A -translationIp 10.0.0.0 -translationMask 255.0.0.0",
    "add lb vserver w HTTP 10.0.1.2 80 -pq ON -sc OFF",
  ])("are not reported when the command has them: %s", (line) => {
    const found = said(read(...base, line));
    expect(found.filter((one) => /unknown_option|stray_words|doubtful/.test(one))).toEqual([]);
  });

  test("are expanded when their beginning names one", () => {
    const estate = read(...base, "set ssl service s -serverAut ENABLED");
    expect(said(estate)).toContain("info doubtful_option s");
    expect(estate.services.get("s")?.tls.serverAuth).toBe(true);
  });
});

describe("references to profiles", () => {
  const whole = [
    "#NS13.1 Build 37.38",
    "add netProfile net_a -srcIP 10.0.0.9",
    "add ssl profile tls_a -sslProfileType BackEnd",
    "add ns tcpProfile tcp_a -WS ENABLED",
    "add ns httpProfile http_a -http2 ENABLED",
    "add serviceGroup g HTTP -netProfile NET_A -tcpProfileName tcp_a -httpProfileName http_a",
    "add lb vserver v SSL 10.0.1.1 443",
  ];
  const dangling = (estate: Estate): string[] =>
    estate.diagnostics
      .filter(({ rule }) => rule === "dangling_reference")
      .map(({ severity, message }) => `${severity}: ${message}`);

  test.each([
    ["add service s 10.0.0.1 HTTP 80 -netProfile net_b", "s refers to net profile net_b"],
    ["set ssl vserver v -sslProfile tls_b", "v refers to SSL profile tls_b"],
    ["set lb vserver v -tcpProfileName tcp_b", "v refers to TCP profile tcp_b"],
    [
      "add cs vserver c HTTP 10.0.1.2 80 -httpProfileName http_b",
      "c refers to HTTP profile http_b",
    ],
    ["add lb monitor m HTTP -netProfile net_b", "m refers to net profile net_b"],
    ["add lb monitor m HTTP -secure YES -sslProfile tls_b", "m refers to SSL profile tls_b"],
    ["set ssl profile tls_b -tls1 DISABLED", "An SSL profile tls_b is not configured."],
    ["set ns tcpProfile tcp_b -WS DISABLED", "A TCP profile tcp_b is not configured."],
    ["set ns httpProfile http_b -http2 DISABLED", "An HTTP profile http_b is not configured."],
  ])("are errors when the whole configuration has others, not this one: %s", (line, message) => {
    expect(dangling(read(...whole, line)).join()).toContain(`error: ${message}`);
  });

  test.each([
    "add service s 10.0.0.1 HTTP 80 -netProfile none -tcpProfileName nstcp_default_tcp_lfp",
    "set ssl vserver v -sslProfile ns_default_ssl_profile_frontend",
    "set lb vserver v -httpProfileName nshttp_default_strict_validation",
    "set ssl profile ns_default_ssl_profile_backend -tls1 DISABLED",
    "set ns tcpProfile nstcp_default_profile -WS ENABLED",
    "unset lb vserver v -tcpProfileName",
    "add service s 10.0.0.1 HTTP 80 -netProfile <net profile>",
  ])("are no finding when every appliance has the profile, or none is named: %s", (line) => {
    expect(dangling(read(...whole, line))).toEqual([]);
  });

  test("are a note when the configuration has no profile of that kind, and none in a part", () => {
    const line = "add service s 10.0.0.1 HTTP 80 -tcpProfileName tcp_b";
    expect(dangling(read("#NS13.1 Build 37.38", line))).toEqual([
      "info: s refers to TCP profile tcp_b, which is not configured.",
    ]);
    expect(dangling(read(line))).toEqual([]);
    const { diagnostics } = read(line, "add ns tcpProfile other -WS ENABLED");
    expect(diagnostics.map(({ rule, message }) => [rule, message])).toContainEqual([
      "not_in_text",
      "This text refers to objects that it does not contain: TCP profile tcp_b.",
    ]);
  });

  test("are a mistake in a part, too, when a name is one typing mistake away", () => {
    const estate = read(
      "add ns tcpProfile tcp_mailbox -WS ENABLED",
      "add service s 10.0.0.1 HTTP 80 -tcpProfileName tcp_malibox",
    );
    expect(dangling(estate).join()).toContain("but tcp_mailbox is");
  });
});

describe("words that belong to no option", () => {
  const base = [
    "add service s 10.0.0.1 HTTP 80",
    "add serviceGroup g HTTP",
    "add lb vserver v HTTP 10.0.1.1 80",
    "add cs vserver c HTTP 10.0.1.2 80",
    "add cs policy p -rule true",
  ];
  test.each([
    ["bind cs vserver c -policyName p v", "c", 1],
    ["bind cs vserver c v -policyName p v", "c", 1],
    ["bind cs vserver c -policyName p -targetLBVserver v -priority 1 END", "c", 1],
    ["bind cs vserver c -lbvserver v s", "c", 1],
    ["bind lb vserver v -policyName p s", "v", 1],
    ["bind lb vserver v -policyName p 100 END", "v", 2],
    ["bind service s http -weight 5", "s", 1],
    ["bind service s -monitorName http tcp", "s", 1],
    ["bind serviceGroup g 10.0.0.1 80 90", "g", 1],
    ["add service s2 10.0.0.2 HTTP 80 -comment to be removed", "s2", 2],
    ["add service s2 10.0.0.2 HTTP 80 healthMonitor NO", "s2", 2],
    ["add lb vserver w HTTP 10.0.1.3 80 persistenceType NONE", "w", 2],
    ["add cs vserver w HTTP 10.0.1.3 80 -caseSensitive OFF ON", "w", 1],
    ["set lb vserver v HTTP -cltTimeout 9", "v", 1],
    ["bind ssl vserver v cert", "v", 1],
    ["set ssl parameter defaultProfile ENABLED", "defaultProfile", 2],
    ["add netProfile n 10.0.0.9", "n", 1],
    ["add server e 10.0.0.3 HTTP 80", "e", 2],
  ])("are reported when nothing follows there: %s", (line, object, count) => {
    const estate = read(...base, line);
    expect(said(estate)).toContain(`warning stray_words ${object}`);
    const message = estate.diagnostics.find(({ rule }) => rule === "stray_words")?.message;
    expect(message).toContain(counted(count, "word"));
  });

  test.each([
    "bind cs vserver c v -policyName p",
    "bind cs vserver c v",
    "bind service s a_policy",
    "bind lb vserver v s -weight 10",
    "bind lb vserver v -policyName p -priority 1 -invoke policylabel l",
    'bind serviceGroup g 10.0.0.1 80 -weight 5 -CustomServerID "None"',
    "bind serviceGroup g -weight 5 10.0.0.1 80",
    'add service s2 10.0.0.2 HTTP 80 -cip ENABLED X-Forwarded-For -comment "to be removed"',
    "set service s -weight 5 http",
    "add lb vserver w HTTP 10.0.1.3 80 -insertVserverIPPort VIPADDR X-Vip -newServiceRequest 5 PER_SECOND",
    "add lb vserver w HTTP 10.0.1.3 -range 3 80 -probeSuccessResponseCode 200 301-302",
    "add lb vserver w HTTP -IPPattern 0.0.1.1 -IPMask 0.0.255.255 80",
    "add cs vserver w -td 10 SSL 10.0.1.3 -range 3 443",
    "add cs vserver w HTTP -targetType GSLB -dnsRecordType A",
    "set serviceGroup g 10.0.0.1 80 -weight 3",
    "unset lb vserver v rule -cltTimeout",
    "add lb vserver <name of the vserver> HTTP <its address> 80",
    "add service s2 10.0.0.2 HTTP 80 -maxClient 0 | |",
  ])("are not reported when they belong there: %s", (line) => {
    expect(said(read(...base, line)).filter((one) => one.includes("stray_words"))).toEqual([]);
  });
});

test("a TLS vserver is added by no command of its own", () => {
  expect(said(read("add ssl vserver v -IPAddress 10.0.1.1 -port 443"))).toEqual([
    "warning unknown_command file",
  ]);
});

describe("rename", () => {
  test("changes references to the object, and later statements find it by its new name", () => {
    const estate = read(
      "add server old 10.0.0.1",
      "add service s old HTTP 80",
      "add lb vserver v HTTP 0.0.0.0 0",
      "bind lb vserver v s",
      "add cs vserver c HTTP 10.0.1.1 80",
      "bind cs vserver c -lbvserver v",
      "rename server old new",
      "rename service s t",
      "rename lb vserver v w",
      "set service t -healthMonitor NO",
    );
    expect(said(estate)).toEqual([]);
    expect(estate.services.get("t")).toMatchObject({
      name: "t",
      healthMonitor: false,
      members: [{ server: "new", address: "10.0.0.1" }],
    });
    expect(estate.lbVservers.get("w")?.services).toMatchObject([{ service: "t" }]);
    expect(estate.csVservers.get("c")?.defaultTarget).toBe("w");
  });

  test("changes references that differ from the name only by case, but not those to a namesake", () => {
    const estate = read(
      "add server EX01 10.0.0.1",
      "add server ex02 10.0.0.2",
      "add server EX02 10.0.0.3",
      "add service s ex01 HTTP 80",
      "add service t EX02 HTTP 80",
      "add lb vserver V HTTP 10.0.1.1 80",
      "add lb vserver b HTTP 10.0.1.2 80 -backupVServer v",
      "rename server ex01 new",
      "rename server ex02 newer",
      "rename lb vserver v w",
    );
    expect(estate.services.get("s")?.members).toMatchObject([
      { server: "new", address: "10.0.0.1" },
    ]);
    expect(estate.services.get("t")?.members).toMatchObject([
      { server: "EX02", address: "10.0.0.3" },
    ]);
    expect(estate.lbVservers.get("b")?.backupVserver).toBe("w");
  });

  test("is refused and reported when the new name is taken", () => {
    const estate = read("add server a 10.0.0.1", "add server b 10.0.0.2", "rename server a b");
    expect([...estate.servers.keys()]).toEqual(["a", "b"]);
    expect(said(estate)).toEqual(["warning duplicate_name b"]);
  });

  test("is reported when there is no such object, or no new name", () => {
    const estate = read(
      "set ns hostName a",
      "rename server a b",
      "add server c 10.0.0.1",
      "rename server c",
    );
    expect(said(estate)).toEqual(["error dangling_reference a", "error incomplete_statement c"]);
  });

  test("of a server is followed by the search for members that are bound twice", () => {
    const estate = read(
      "add server a 10.0.0.1",
      "add serviceGroup g HTTP",
      "bind serviceGroup g a 80",
      "rename server a b",
      "bind serviceGroup g B 80",
    );
    expect(said(estate)).toEqual(["warning duplicate_service_endpoint g"]);
  });

  test("of GSLB services and vservers is followed by what names them", () => {
    const estate = read(
      "add server old 10.0.0.1",
      "add gslb site here LOCAL 10.0.0.9",
      "add gslb service s old HTTP 80 -siteName here",
      "add gslb vserver v HTTP -dnsRecordType A",
      "add gslb vserver w HTTP -backupVServer v",
      "bind gslb vserver v -serviceName s",
      "rename server old new",
      "rename gslb service s t",
      "rename gslb vserver v x",
      "bind gslb vserver x -domainName a.example",
      "set gslb service t -healthMonitor NO",
    );
    expect(said(estate)).toEqual([]);
    expect(estate.gslb.vservers.get("x")).toMatchObject({
      domains: [{ name: "a.example" }],
      services: [{ service: "t" }],
    });
    expect(estate.gslb.vservers.get("w")?.backupVserver).toBe("x");
    expect(estate.gslb.services.get("t")?.members).toMatchObject([{ server: "new" }]);
  });

  test("of an authentication vserver is followed by the vservers and profiles in front of it", () => {
    const estate = read(
      "add authentication vserver aaa SSL 10.0.0.9 443",
      "add authentication authnProfile p -authnVsName aaa",
      "add lb vserver v SSL 10.0.1.1 443 -authnVsName aaa -Authentication ON",
      "add lb vserver w SSL 10.0.1.2 443 -authnProfile p -Authentication ON",
      "add cs vserver c SSL 10.0.1.3 443",
      "bind cs vserver c -vServer aaa",
      "rename authentication vserver aaa login",
    );
    expect(estate.lbVservers.get("v")?.authentication.vserver).toBe("login");
    expect(estate.lbVservers.get("w")?.authentication.vserver).toBe("login");
    expect(estate.csVservers.get("c")?.defaultTarget).toBe("login");
    expect([...estate.authenticationVservers.keys()]).toEqual(["login"]);
  });

  test("of policies and actions is followed by bindings and policies", () => {
    const estate = read(
      "add lb vserver v HTTP 0.0.0.0 0",
      "add cs vserver c HTTP 10.0.1.1 80",
      "add cs action a -targetLBVserver v",
      'add cs policy p -rule "HTTP.REQ.URL.CONTAINS(\\"x\\")" -action a',
      "add responder policy r true NOOP",
      "bind cs vserver c -policyName p -priority 10",
      "bind cs vserver c -policyName r -priority 10",
      "bind responder global r 10 END -type REQ_DEFAULT",
      "rename cs action a to_v",
      "rename cs policy p by_x",
      "rename responder policy r all",
    );
    expect(said(estate)).toEqual([]);
    expect(estate.policies.get("by_x")?.action).toBe("to_v");
    expect(estate.csVservers.get("c")).toMatchObject({
      targets: [{ policy: "by_x", target: "v" }],
      policies: [{ policy: "all" }],
    });
    expect(estate.globalResponderPolicies).toMatchObject([{ policy: "all" }]);
  });
});

describe("rm", () => {
  test("with a word behind its one name removes that object, and the word is reported", () => {
    const estate = read(
      "add service s 10.0.0.1 HTTP 80",
      "add service t 10.0.0.2 HTTP 80",
      "rm service s HTTP 80",
      "add gslb service g 10.0.0.1 HTTP 80 -siteName here",
      "rm gslb service g HTTP",
    );
    expect([...estate.services.keys()]).toEqual(["t"]);
    expect(said(estate)).toEqual(["warning stray_words s", "warning stray_words g"]);
  });

  test("of several names reports those that lead to nothing, unless none of them does", () => {
    const base = [
      "set ns hostName a",
      "add lb vserver v HTTP 10.0.1.1 80",
      "add server w 10.0.0.1",
    ];
    expect(said(read(...base, "rm lb vserver v x"))).toEqual(["error dangling_reference x"]);
    expect(said(read(...base, "rm lb vserver v HTTP"))).toEqual(["warning stray_words v"]);
    expect(said(read(...base, "rm lb vserver x y"))).toEqual([]);
    expect(said(read(...base, "add service s 10.0.0.7 HTTP 80", "rm server w 10.0.0.7"))).toEqual(
      [],
    );
  });
});

test("a policy that is unbound from an authentication vserver is no longer one of its policies", () => {
  const estate = read(
    "add authentication vserver aaa SSL 10.0.0.9 443",
    "add authentication Policy p -rule true -action a",
    "bind authentication vserver aaa -policy p -priority 100",
    "unbind authentication vserver aaa -policy p",
  );
  expect(estate.authenticationVservers.get("aaa")?.policies).toEqual([]);
});

test("a member's weight and public address are changed by set, also in a GSLB group", () => {
  const estate = read(
    "add serviceGroup g HTTP",
    "bind serviceGroup g 10.0.0.1 80",
    "bind serviceGroup g 10.0.0.2 80",
    "set serviceGroup g 10.0.0.2 80 -weight 5",
    "add gslb serviceGroup h HTTP -siteName here",
    "bind gslb serviceGroup h 10.0.0.1 80",
    "bind gslb serviceGroup h 10.0.0.2 80",
    "set gslb serviceGroup h 10.0.0.2 80 -weight 5 -publicIP 192.0.2.1 -publicPort 81",
  );
  const weights = { members: [{ weight: 1 }, { weight: 5 }] };
  expect(estate.services.get("g")).toMatchObject(weights);
  expect(estate.gslb.services.get("h")).toMatchObject({
    ...weights,
    otherAddresses: [[], ["192.0.2.1"]],
    publicPorts: [null, 81],
  });
});

describe("what the ADC accepts only once", () => {
  test("is taken again when a member was unbound in the meantime", () => {
    const estate = read(
      "add serviceGroup g HTTP",
      "bind serviceGroup g 10.0.0.1 80",
      "bind serviceGroup g 10.0.0.2 80",
      "unbind serviceGroup g 10.0.0.1 80",
      "bind serviceGroup g 10.0.0.1 80",
      "bind serviceGroup g 10.0.0.2 80",
    );
    expect(estate.services.get("g")?.members.map(({ server }) => server)).toEqual([
      "10.0.0.2",
      "10.0.0.1",
    ]);
    expect(said(estate)).toEqual(["warning duplicate_service_endpoint g"]);
  });

  const page = (...lines: readonly string[]): string[] => ["A page.", "", ...lines, "", "Its end."];

  test.each([
    ["server", ["add server s 10.0.0.1", "add server s 10.0.0.2"], "warning duplicate_name s"],
    [
      "member",
      ["add serviceGroup g HTTP", "bind serviceGroup g s 80", "bind serviceGroup g s 80"],
      "warning duplicate_service_endpoint g",
    ],
    [
      "monitor",
      [
        "add service s 10.0.0.1 HTTP 80",
        "bind service s -monitorName http",
        "bind service s -monitorName http",
      ],
      "info duplicate_binding s",
    ],
    [
      "priority",
      [
        "add responder policy p true NOOP",
        "add responder policy q true NOOP",
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v -policyName p -priority 10",
        "bind lb vserver v -policyName q -priority 10",
      ],
      "warning duplicate_priority v",
    ],
  ])("is reported on a page when one block has it twice: %s", (_kind, lines, diagnostic) => {
    expect(said(read(...page(...lines)))).toContain(diagnostic);
    const [last = "", ...before] = [...lines].reverse();
    const apart = read(...page(...before.reverse(), "", "Another example:", "", last));
    expect(said(apart)).not.toContain(diagnostic);
  });

  test("is one member, however often it is bound", () => {
    const bound = "bind serviceGroup g s 80";
    const estate = read("add server s 10.0.0.1", "add serviceGroup g HTTP", bound, bound);
    expect(estate.services.get("g")?.members).toHaveLength(1);
  });
});

describe("HTML source of a page", () => {
  test("is read with its entities and tags resolved, and reported as refused by the ADC", () => {
    const estate = read(
      "<pre><code>add server w 10.0.0.1",
      "add lb monitor m HTTP-ECV -send &quot;GET /a?b=1&amp;c=2&quot; -recv &quot;ok&quot; -customHeaders &quot;Host: a.example\\r\\n&quot; -secure YES<br/>",
      "add serviceGroup g SSL&nbsp;-usip NO",
      "bind serviceGroup g w 443",
      "bind serviceGroup g -monitorName m</code></pre>",
    );
    expect(said(estate)).toEqual([
      "error typographic_characters m",
      "error typographic_characters g",
      "error typographic_characters g",
    ]);
    expect(estate.monitors.get("m")).toMatchObject({
      secure: true,
      parameters: { send: "GET /a?b=1&c=2", recv: "ok", customHeaders: "Host: a.example\r\n" },
    });
    expect(estate.services.get("g")?.monitors).toMatchObject([{ monitor: "m" }]);
  });

  test.each([
    'add lb monitor m HTTP-ECV -send "GET /a?b=1&amp;c=2" -recv "<br>"',
    'add responder action a respondwith "\\"HTTP/1.1 200 OK\\r\\n\\r\\n<p>\\""',
  ])("is left as it stands in plain quotes: %s", (line) => {
    expect(said(read(line))).not.toContainEqual(expect.stringContaining("typographic"));
  });
});

test.each(["add lb monitor m HTTP -respCode <code>", "add server <div> <span>"])(
  "HTML source of a page › leaves a guide's placeholder at the end as it stands: %s",
  (line) => {
    expect(said(read(line))).not.toContainEqual(expect.stringContaining("typographic"));
  },
);

describe("forms of scripts and pages", () => {
  test.each([
    "nscli -U 10.0.0.1:nsroot:geheim add service t 10.0.0.2 HTTP 80",
    'nscli -c "add service t 10.0.0.2 HTTP 80"',
  ])("are read from a call in any form: %s", (line) => {
    const { services, diagnostics } = parseNsConf(line, { adc: "t" });
    expect([...services.keys()]).toEqual(["t"]);
    expect(JSON.stringify(diagnostics)).not.toContain("geheim");
  });

  test("are read from what nscli is given, without its account", () => {
    const estate = read(
      'nscli -U :nsroot:geheim "add serviceGroup sg HTTP"',
      "  nscli -U 10.0.0.1:nsroot:geheim 'bind serviceGroup sg 10.0.0.7 80'",
    );
    expect(estate.services.get("sg")?.members).toMatchObject([{ port: 80 }]);
    expect(JSON.stringify(estate)).not.toContain("geheim");
  });

  test.each(["* add lb vserver v1 HTTP 10.0.1.1 80", "  - add lb vserver v1 HTTP"])(
    "are read as commands when a list item can only be one: %s",
    (line) => {
      expect([...read(line).lbVservers.keys()]).toEqual(["v1"]);
    },
  );

  test.each([
    "* Add lb vserver for mail",
    "- add server to the farm",
    "* bind lb vserver and group",
  ])("are not read as commands when a list item is a sentence: %s", (line) => {
    const { lbVservers, servers, diagnostics } = read(line, "add server s 10.0.0.1");
    expect([lbVservers.size, servers.size]).toEqual([0, 1]);
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("text around commands in pages", () => {
  const longer = `add lb monitor m MYSQL-ECV -userName u -sqlQuery "select a from b where c" -evalRule "x"`;

  test("does not continue a command when it is a generator's tag", () => {
    expect(said(read("{% highlight bash %}", longer, "{% endhighlight %}"))).toEqual([
      "info unused_monitor m",
    ]);
  });

  test("is not part of the last name when it ends a block", () => {
    const estate = read(
      "add serviceGroup sg HTTP",
      "bind serviceGroup sg 10.0.0.1 80",
      "add lb vserver v HTTP 10.0.1.1 80",
      "bind lb vserver v sg` },",
    );
    expect(estate.lbVservers.get("v")?.services).toMatchObject([{ service: "sg" }]);
  });

  test("is not read as a command when it is a synopsis", () => {
    const estate = read("add lb monitor <name> <type> [-interval <n> [<units>]] [-recv <string>]");
    expect([...estate.monitors.keys()]).toEqual([]);
  });

  test("is not read when typographic quotes stand in a comment behind a command", () => {
    const estate = read("add service s 10.0.0.1 HTTP 80 ## exclude \u201c-devno 7\u201d");
    expect(said(estate).filter((one) => one.startsWith("error"))).toEqual([]);
  });

  test("is reported as information only when a value is to be filled in", () => {
    const estate = read("add lb monitor m TCP -destIP $db1_ip", "add lb vserver v HTTP <ip> 80");
    expect(said(estate).filter((one) => !one.startsWith("info"))).toEqual([]);
  });
});

describe("monitor bound by a part of its name", () => {
  test("is one error that names the monitor", () => {
    const estate = read(
      'add lb monitor MON_ocp-master HTTP-ECV -send "GET /healthz" -recv ok -secure YES',
      "add serviceGroup sg SSL_BRIDGE",
      "bind serviceGroup sg 10.0.0.1 443 -monitorName ocp-master",
    );
    expect(said(estate)).toEqual(["error dangling_reference sg"]);
    expect(estate.diagnostics[0]?.message).toContain("but MON_ocp-master is");
  });

  test("is not guessed when two monitors could be meant", () => {
    const estate = read(
      "add lb monitor A_master TCP",
      "add lb monitor B_master TCP",
      "add serviceGroup sg TCP",
      "bind serviceGroup sg 10.0.0.1 443 -monitorName master",
    );
    expect(said(estate)).toContain("info dangling_reference sg");
  });
});

test("unset lb monitor › is refused without its type, as set is", () => {
  const estate = read("add lb monitor m TCP -interval 20", "unset lb monitor m -interval");
  expect(said(estate)).toContain("error incomplete_statement m");
  expect(estate.monitors.get("m")?.intervalMs).toBe(20_000);
});

describe("commands about an object of another kind", () => {
  const OBJECTS = [
    "add cs vserver cs HTTP 10.0.0.1 80",
    "add lb vserver lb HTTP 10.0.0.2 80",
    "add authentication vserver aaa SSL 0.0.0.0",
    "add service s 10.0.0.3 HTTP 80",
    "add serviceGroup g HTTP",
    "add lb monitor m HTTP-ECV -send x -recv y",
  ];
  test.each([
    ["set lb vserver cs -cltTimeout 10", "use set cs vserver"],
    ["unset lb vserver cs -cltTimeout", "use unset cs vserver"],
    ["disable lb vserver cs", "use disable cs vserver"],
    ["bind cs vserver lb -lbvserver lb", "use bind lb vserver"],
    ["bind lb vserver aaa -policyName p -priority 1", "use bind authentication vserver"],
    ["bind service g -monitorName http", "use bind serviceGroup"],
    ["bind serviceGroup s -monitorName http", "use bind service"],
    ["set service g -maxClient 10", "use set serviceGroup"],
    ["disable serviceGroup s", "use disable service"],
    ["set lb monitor m HTTP -interval 30", "error 2155"],
    ["unset lb monitor m TCP -interval", "error 2155"],
    ["set lb monitor tcp-default TCP -LRTM ENABLED", "error 2139"],
    ["bind service s -monitorName tcp-default", "error 2165"],
  ])("have no effect and name the right command in %s", (line, told) => {
    const estate = read(...OBJECTS, line);
    const without = read(...OBJECTS);
    const found = estate.diagnostics.filter(({ rule }) => rule === "wrong_kind_reference");
    expect(found.map(({ message }) => message)).toEqual([expect.stringContaining(told)]);
    expect(estate.services).toEqual(without.services);
    expect(estate.monitors).toEqual(without.monitors);
    expect([estate.lbVservers, estate.csVservers]).toEqual([
      without.lbVservers,
      without.csVservers,
    ]);
  });

  test.each([
    "set lb monitor m http-ecv -interval 30",
    "set lb monitor http HTTP-ECV -interval 30",
    "disable service s",
    "bind serviceGroup g -monitorName http",
    "set cs vserver cs -cltTimeout 10",
    "bind lb monitor http g",
  ])("are not reported when the kind is right, or cannot be known: %s", (line) => {
    const rules = read(...OBJECTS, line).diagnostics.map(({ rule }) => rule);
    expect(rules).not.toContain("wrong_kind_reference");
  });
});

describe("names that differ only by case", () => {
  const missing = (estate: Estate): string[] =>
    said(estate).filter((one) => /dangling|wrong_kind/.test(one));

  test("lead to the same object in every reference", () => {
    const estate = read(
      "#NS13.1 Build 37.38",
      "add server Srv 10.0.0.1",
      "add netProfile Np -srcIP 10.0.0.9",
      "add ns tcpProfile Tp",
      "add ssl certKey Ck -cert a -key b",
      "add lb monitor Mon HTTP -respCode 200",
      "add service Svc srv HTTP 80 -netProfile np -tcpProfileName tp",
      "bind service SVC -monitorName mon",
      "add serviceGroup Grp SSL",
      "bind serviceGroup grp SRV 443",
      "add lb vserver Back HTTP",
      "bind lb vserver back GRP",
      "add lb vserver Lb HTTP 10.0.1.1 80 -backupVServer back",
      "bind lb vserver lb svc",
      "add responder policy Rp HTTP.REQ.IS_VALID DROP",
      "bind lb vserver LB -policyName RP -priority 10 -type REQUEST",
      "add authentication vserver Aaa SSL 10.0.1.9 443",
      "add authentication authnProfile Prof -authnVsName aaa",
      "add cs vserver Cs SSL 10.0.1.2 443 -authnProfile prof",
      "bind ssl vserver CS -certkeyName CK",
      "add cs action Act -targetLBVserver lb",
      'add cs policy Pol -rule "HTTP.REQ.URL.STARTSWITH(\\"/owa\\")" -action ACT',
      "bind cs vserver CS -policyName POL -priority 10",
      "bind cs vserver CS -lbvserver LB",
      "add gslb site Site LOCAL 10.0.0.250",
      "add gslb service Gs srv HTTP 80 -siteName site",
      "add gslb vserver Gv HTTP",
      "bind gslb vserver gv -serviceName gs",
      "add gslb vserver Gb HTTP",
      "set gslb vserver gv -backupVServer GB",
    );
    expect(missing(estate)).toEqual([]);
    expect(estate.csVservers.get("Cs")).toMatchObject({
      defaultTarget: "Lb",
      targets: [{ policy: "Pol", target: "Lb" }],
      authentication: { vserver: "Aaa" },
    });
  });

  test("lead to the same object in commands that remove or switch off", () => {
    const base = [
      "add server Srv 10.0.0.1",
      "add server Other 10.0.0.2",
      "add lb monitor Mon HTTP -respCode 200",
      "add serviceGroup Grp HTTP",
      "bind serviceGroup Grp Srv 80",
      "bind serviceGroup Grp Other 80",
      "bind serviceGroup Grp -monitorName Mon",
      "add service Svc Srv HTTP 81",
      "add lb vserver Lb HTTP 10.0.1.1 80",
      "bind lb vserver Lb Svc",
      "bind lb vserver Lb Grp",
      "add responder policy Rp HTTP.REQ.IS_VALID DROP",
      "bind lb vserver Lb -policyName Rp -priority 10",
    ];
    const after = (...lines: readonly string[]) => read(...base, ...lines);
    const members = (estate: Estate) => estate.services.get("Grp")?.members;
    expect(members(after("disable serviceGroup grp srv 80"))).toMatchObject([
      { enabled: false },
      { enabled: true },
    ]);
    expect(after("set serviceGroup grp SRV 80 -weight 7").services.get("Grp")).toMatchObject({
      members: [{ weight: 7 }, { weight: 1 }],
    });
    expect(members(after("unbind serviceGroup grp srv 80"))).toMatchObject([{ server: "Other" }]);
    expect(after("unbind serviceGroup grp -monitorName mon").services.get("Grp")).toMatchObject({
      monitors: [{ synthesised: true }],
    });
    const removed = after("rm server srv");
    expect([...removed.services.keys()]).toEqual(["Grp"]);
    expect(members(removed)).toMatchObject([{ server: "Other" }]);
    expect(removed.lbVservers.get("Lb")?.services).toMatchObject([{ service: "Grp" }]);
    const bound = (line: string) => after(line).lbVservers.get("Lb")?.services;
    expect(bound("rm service svc")).toMatchObject([{ service: "Grp" }]);
    expect(bound("unbind lb vserver lb grp")).toMatchObject([{ service: "Svc" }]);
    expect(after("unbind lb vserver lb -policyName rp").lbVservers.get("Lb")?.policies).toEqual([]);
    expect([...after("rm lb vserver lb").lbVservers.keys()]).toEqual([]);
  });

  test("lead to the same GSLB object in commands that remove it", () => {
    const base = [
      "add server Srv 10.0.0.1",
      "add gslb site Site LOCAL 10.0.0.250",
      "add gslb serviceGroup Grp HTTP -siteName Site",
      "bind gslb serviceGroup Grp Srv 80",
      "add gslb service Svc 10.0.0.2 HTTP 80 -siteName Site",
      "add gslb vserver Gv HTTP",
      "bind gslb vserver Gv -serviceName Svc",
      "bind gslb vserver Gv -domainName Mail.example.com",
    ];
    const after = (line: string) => read(...base, line).gslb;
    expect(after("unbind gslb serviceGroup grp srv 80").services.get("Grp")?.members).toEqual([]);
    expect(after("unbind gslb vserver gv -serviceName svc").vservers.get("Gv")?.services).toEqual(
      [],
    );
    expect(after("rm gslb service svc").vservers.get("Gv")?.services).toEqual([]);
    expect([...after("rm gslb service svc").services.keys()]).toEqual(["Grp"]);
    expect(
      after("unbind gslb vserver gv -domainName mail.example.com").vservers.get("Gv")?.domains,
    ).toEqual([]);
  });

  test("belong to two objects when both are defined: removing one leaves the other", () => {
    const estate = read(
      "add lb monitor web PING",
      "add lb monitor WEB TCP",
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName Web",
      "unbind service s -monitorName Web",
      "rm lb monitor WEB",
      "add service t 10.0.0.2 HTTP 80",
      "bind service t -monitorName Web",
    );
    expect([...estate.monitors.keys()]).toContain("web");
    expect(estate.services.get("t")?.monitors).toMatchObject([{ monitor: "web" }]);
  });
});

describe("abbreviated options that refer to other objects", () => {
  test.each([
    ["net profile gone", "add lb vserver v HTTP 10.0.1.1 80 -netProf gone"],
    ["TCP profile gone", "add lb vserver v HTTP 10.0.1.1 80 -tcpProf gone"],
    ["HTTP profile gone", "add lb vserver v HTTP 10.0.1.1 80 -httpProf gone"],
    ["SSL profile gone", "add lb monitor m HTTP -secure YES -sslProf gone"],
    ["monitor gone", "bind service s -monitorN gone"],
    ["policy gone", "bind lb vserver w -policyN gone -priority 1"],
  ])("are followed as the whole option: %s", (reference, line) => {
    const estate = read(
      "#NS13.1 Build 37.38",
      "add service s 10.0.0.1 HTTP 80",
      "add lb vserver w HTTP 10.0.1.2 80",
      "bind lb vserver w s",
      line,
    );
    expect(estate.diagnostics.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(`refers to ${reference}, which is not configured`),
    );
  });

  test("are followed in commands that remove and in routes", () => {
    const estate = read(
      "add lb monitor m HTTP -respCode 200",
      "add lb monitor gw PING",
      "add route 0.0.0.0 0.0.0.0 10.0.0.254 -msr ENABLED -monit GW",
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName m",
      "add lb vserver w HTTP 10.0.1.2 80",
      "add responder policy p HTTP.REQ.IS_VALID DROP",
      "bind lb vserver w -policyName p -priority 1",
      "unbind service s -monitorN m",
      "unbind lb vserver w -policyN p",
    );
    expect(estate.services.get("s")?.monitors).toMatchObject([{ synthesised: true }]);
    expect(estate.lbVservers.get("w")?.policies).toEqual([]);
    expect(said(estate)).not.toContain("info unused_monitor gw");
  });
});

describe("vservers of kinds that are not read", () => {
  const KINDS = [
    ["add vpn vserver w SSL 10.0.1.3 443", "bind vpn vserver"],
    ["add cr vserver w HTTP * 80", "bind cr vserver"],
    ["add authentication vserver w SSL 10.0.1.3 443", "bind authentication vserver"],
    ["add gslb vserver w HTTP", "bind gslb vserver"],
  ] as const;
  const SWITCH = ["#NS13.1 Build 37.38", "add cs vserver cs SSL 10.0.1.1 443"];
  const ways = [
    ["add cs action a -targetVserver W", "add cs policy p -rule true -action a"].concat(
      "bind cs vserver cs -policyName p -priority 1",
    ),
    ["bind cs vserver cs -vServer w"],
    ["add cs policy p -rule true", "bind cs vserver cs -policyName p -targetVserver w -priority 1"],
    ["add lb vserver lb HTTP 10.0.1.2 80 -backupVServer w"],
  ];
  const cases = KINDS.slice(0, 2).flatMap(([line]) => ways.map((way) => [line, way] as const));
  const targets = KINDS.slice(2).flatMap(([line]) =>
    ways.slice(0, 3).map((way) => [line, way] as const),
  );

  test.each([...cases, ...targets])("are found when %s is named by %j", (line, way) => {
    const rules = read(...SWITCH, line, ...way).diagnostics.map(({ rule }) => rule);
    expect(rules.filter((rule) => /dangling|wrong_kind/.test(rule))).toEqual([]);
  });

  test.each(KINDS)("are named when the command for another kind is used: %s", (line, right) => {
    const estate = read(...SWITCH, line, "bind lb vserver w s");
    expect(estate.diagnostics.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(`use ${right}`),
    );
  });

  test("are counted as statements that are not looked at", () => {
    const estate = read(...SWITCH, "add vpn vserver w SSL 10.0.1.3 443");
    expect(said(estate)).toContain("info not_looked_at file");
  });

  test("are missing after they are removed, and follow their new name", () => {
    const used = [...SWITCH, "add vpn vserver w SSL 10.0.1.3 443", "bind cs vserver cs -vServer w"];
    expect(said(read(...used, "rm vpn vserver W"))).toContain("error dangling_reference cs");
    const renamed = read(...used, "rename vpn vserver w gate");
    expect(renamed.csVservers.get("cs")?.defaultTarget).toBe("gate");
    expect(said(renamed)).not.toContain("error dangling_reference cs");
  });
});

describe("options of GSLB commands", () => {
  const SITE = "add gslb site here LOCAL 10.0.0.250";
  test.each([
    "add gslb service g 10.0.1.1 HTTP 80 -publicIP 1.1.1.1 -publicPort 80 -maxClient 0 -siteName here -cip ENABLED x-ip -sitePersistence ConnectionProxy -cookieTimeout 5 -sitePrefix a -cltTimeout 180 -svrTimeout 360 -maxBandwidth 0 -downStateFlush ENABLED -maxAAAUsers 0 -monThreshold 0 -hashId 3 -appflowLog ENABLED -naptrOrder 1 -naptrPreference 1 -devno 1",
    "add gslb service c -cnameEntry mail.example.com -siteName here -healthMonitor NO",
    "add gslb serviceGroup g HTTP -maxClient 0 -cip DISABLED -autoScale DNS -autoDelayedTrofs NO -siteName here -sitePersistence NONE",
    "add gslb vserver v HTTP -ipType IPV4 -dnsRecordType A -backupLBMethod ROUNDROBIN -backupSessionTimeout 0 -tolerance 0 -persistenceId 2 -EDR ENABLED -ECS ENABLED -ecsAddrValidation ENABLED -MIR DISABLED -dynamicWeight DISABLED -considerEffectiveState NONE -toggleorder ASCENDING -orderThreshold 0 -rule x -soMethod NONE -appflowLog ENABLED",
  ])("are known when they are real: %s", (line) => {
    expect(said(read(SITE, line))).toEqual([]);
  });

  test("are reported when there is no such option, and expanded when abbreviated", () => {
    const estate = read(
      SITE,
      "add gslb service g 10.0.1.1 HTTP 80 -siteN here -netProfile n",
      "add gslb vserver v HTTP -persistence SOURCEIP",
      "set gslb vserver v HTTP -backupLBMethod RTT",
      "add gslb serviceGroup h HTTP -siteName here -colour red",
    );
    expect(estate.gslb.services.get("g")?.site).toBe("here");
    expect(said(estate).filter((one) => one.startsWith("warning"))).toEqual([
      "warning unknown_option g",
      "warning unknown_option h",
      "warning stray_words v",
    ]);
  });
});

describe("lines that separate commands", () => {
  const longer =
    "add service svc_with_a_rather_long_name 10.0.0.1 HTTP 80 -gslb NONE -maxClient 0 -maxReq 0";
  test.each([
    "=== Mail",
    "--- step 2 ---",
    "---- ",
    "! next device",
    "!text",
    "*** web ***",
    "~~~",
  ])("do not continue a long command: %s", (line) => {
    const estate = read(longer, line, "add lb vserver v HTTP 10.0.1.1 80");
    expect(said(estate).filter((one) => one.includes("stray_words"))).toEqual([]);
    expect([...estate.lbVservers.keys()]).toEqual(["v"]);
  });

  test("end the command: text below them does not continue it, however long the command is", () => {
    const estate = read(
      longer,
      "=== lr1",
      "-lrtm is left out here, so the default applies",
      "and more",
    );
    expect(said(estate).filter((one) => /stray_words|unknown_option/.test(one))).toEqual([]);
  });

  test("continue a command when they are inside its quotes, or a negated expression", () => {
    const estate = read(
      'add lb monitor m HTTP-ECV -send "GET /a_rather_long_path_of_an_application_that_answers" -recv "==',
      '=== ok ==="',
      "add responder policy p_with_a_rather_long_name_for_an_application_that_answers_clients",
      "!HTTP.REQ.URL.STARTSWITH(/a) DROP",
    );
    expect(estate.monitors.get("m")?.parameters.recv).toBe("== === ok ===");
    expect(
      estate.policies.get("p_with_a_rather_long_name_for_an_application_that_answers_clients"),
    ).toMatchObject({ rule: "!HTTP.REQ.URL.STARTSWITH(/a)" });
  });
});

describe("counts in messages", () => {
  test.each([
    ["1 statement of 1 kind is not examined: add lsn pool.", ["add lsn pool a"]],
    [
      "1 statement of another admin partition is not examined.",
      ["add server t 10.0.0.2", "switch ns partition p", "add server s 10.0.0.1"],
    ],
    ["1 statement of 1 kind is no command of the ADC: add lbvserver.", ["add lbvserver v HTTP"]],
    ["1 word of this line belongs to no option", ["add server s 10.0.0.1 HTTP"]],
    [
      "1 command that the ADC rejected is ignored; it is line 1.",
      ["> add server s 10.0.0.1", "ERROR: Resource already exists", "> show server"],
    ],
  ])("agree with one: %s", (message, lines) => {
    expect(read(...lines).diagnostics.map((one) => one.message)).toContainEqual(
      expect.stringContaining(message),
    );
  });
});

describe("a service's server", () => {
  const address = (text: string): (string | null | undefined)[] =>
    [...read(text).services.values()].map(({ members: [member] }) => member?.address);

  test("has the address that was set last", () => {
    const service = "add service s 10.0.0.1 HTTP 80";
    expect(address(`${service}\nset service s -IPAddress 10.0.0.9`)).toEqual(["10.0.0.9"]);
    expect(address(`${service}\nset service s -maxClient 9`)).toEqual(["10.0.0.1"]);
  });

  test.each([
    ["add server a 10.0.0.1 -td 3", "add service s 10.0.0.1 HTTP 80", "10.0.0.1"],
    ["add server a 10.0.0.1 -td 3", "add service s 10.0.0.1 HTTP 80 -td 3", "a"],
    ["add server a 2001:DB8:0::5", "add service s 2001:db8::5 HTTP 80", "a"],
  ])("is the one of its traffic domain, however written: %s, %s", (server, service, name) => {
    const { services } = read(server, service);
    expect(services.get("s")?.members).toMatchObject([{ server: name }]);
  });
});
