import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import type { Estate } from "../../../src/model/estate.ts";
import type { Monitor } from "../../../src/model/monitor.ts";

/** What a whole configuration begins with. */
const WHOLE = "#NS13.1 Build 37.38";

function read(...lines: string[]): Estate {
  return parseNsConf(lines.join("\n"), { adc: "test" });
}

function monitor(...lines: string[]): Monitor {
  const found = [...read(...lines).monitors.values()][0];
  if (found === undefined) {
    throw new Error("no monitor was read");
  }
  return found;
}

/** The diagnostics as `severity rule object`. */
function said(estate: Estate): string[] {
  return estate.diagnostics.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`);
}

describe("header and system", () => {
  test.each([
    ["#NS13.1 Build 37.38", { major: 13, minor: 1, text: "NS13.1 Build 37.38" }],
    ["\uFEFF#NS9.3 Build 61.9", { major: 9, minor: 3, text: "NS9.3 Build 61.9" }],
    ["# just a comment", null],
  ])("firmware is read from %s", (line, firmware) => {
    expect(read(line).firmware).toEqual(firmware);
  });

  test("addresses and parameters are read", () => {
    const estate = read(
      "set ns config -IPAddress 10.0.0.2 -netmask 255.255.255.0",
      "add ns ip 10.0.0.3 255.255.255.0 -vServer DISABLED",
      "add ns ip 10.0.0.4 255.255.255.255 -type VIP",
      "add ns ip6 2001:db8::3/64 -scope global",
      "add netProfile np -srcIP 10.0.0.9",
      "set lb parameter -monitorConnectionClose RESET",
      "set cs parameter -stateupdate ENABLED",
      "set ssl parameter -defaultProfile ENABLED",
    );
    expect(estate.nsip).toBe("10.0.0.2");
    expect(estate.snips).toEqual(["10.0.0.3", "2001:db8::3"]);
    expect(estate.netProfiles.get("np")?.sourceIp).toBe("10.0.0.9");
    expect(estate.parameters).toEqual({
      monitorConnectionClose: "RESET",
      csStateUpdate: true,
      sessionSso: false,
      sessionDeniesByDefault: false,
      sslDefaultProfile: true,
    });
  });
});

describe("servers and services", () => {
  test("are read by address, name, domain, over IPv6 and in a traffic domain", () => {
    const estate = read(
      "add server ex01 10.0.0.11 -comment 'rack 1' -td 10 -devno 12356",
      "add server ex02 ex02.example.com",
      "add server ex03 2001:db8::3 -state DISABLED",
      "add service a ex01 HTTP 80 -usip YES -cltTimeout 180 -svrTimeout 360 -maxClient 5",
      "add service b ex02 SSL 443 -healthMonitor NO -monThreshold 3",
      "add service c ex03 TCP * -state DISABLED",
      "add service d 10.0.0.11 TCP 25 -netProfile np -td 10",
      "add service e 10.0.0.99 UDP 123",
    );
    expect(estate.servers.get("ex01")).toMatchObject({
      address: "10.0.0.11",
      comment: "rack 1",
      trafficDomain: 10,
    });
    const members = [...estate.services.values()].map(({ name, members: [member] }) => [
      name,
      member?.server,
      member?.address ?? null,
      member?.domain ?? null,
      member?.port,
      member?.enabled,
    ]);
    expect(members).toEqual([
      ["a", "ex01", "10.0.0.11", null, 80, true],
      ["b", "ex02", null, "ex02.example.com", 443, true],
      ["c", "ex03", "2001:db8::3", null, "*", false],
      ["d", "ex01", "10.0.0.11", null, 25, true],
      ["e", "10.0.0.99", "10.0.0.99", null, 123, true],
    ]);
    expect(estate.services.get("a")).toMatchObject({
      kind: "service",
      useSourceIp: true,
      clientTimeoutMs: 180_000,
      serverTimeoutMs: 360_000,
      maxClients: 5,
    });
    expect(estate.services.get("b")).toMatchObject({ healthMonitor: false, monThreshold: 3 });
  });

  test("groups, members, states and weights are read when they are bound before they are added", () => {
    const estate = read(
      "bind serviceGroup g ex01 443 -state DISABLED -weight 7",
      'bind serviceGroup g 10.0.0.12 443 -CustomServerID "\\"None\\""',
      "bind serviceGroup g exchange03.example.com 443",
      "bind serviceGroup g -monitorName M -monState DISABLED -weight 9",
      "add lb monitor M HTTP",
      "add server ex01 10.0.0.11",
      "add serviceGroup g ssl -monThreshold 2 -autoScale DNS",
    );
    const group = estate.services.get("g");
    expect(group).toMatchObject({ kind: "serviceGroup", serviceType: "SSL", autoScale: "DNS" });
    expect(group?.members).toMatchObject([
      { server: "ex01", address: "10.0.0.11", port: 443, enabled: false, weight: 7 },
      { server: "10.0.0.12", address: "10.0.0.12", enabled: true, weight: 1 },
      { server: "exchange03.example.com", address: null, domain: "exchange03.example.com" },
    ]);
    expect(group?.monitors).toMatchObject([{ monitor: "M", enabled: false, weight: 9 }]);
  });

  test.each([
    ["disable server ex01", ["g 10.0.0.11 false", "g 10.0.0.12 true", "s 10.0.0.11 false"]],
    [
      "disable service s 60 -graceFul YES",
      ["g 10.0.0.11 true", "g 10.0.0.12 true", "s 10.0.0.11 false"],
    ],
    ["disable serviceGroup g", ["g 10.0.0.11 false", "g 10.0.0.12 false", "s 10.0.0.11 true"]],
    [
      "disable serviceGroup g ex01 443 -delay 10",
      ["g 10.0.0.11 false", "g 10.0.0.12 true", "s 10.0.0.11 true"],
    ],
    [
      "disable server ex01\nenable server ex01",
      ["g 10.0.0.11 true", "g 10.0.0.12 true", "s 10.0.0.11 true"],
    ],
  ])("are enabled or not after %s", (command, expected) => {
    const estate = read(
      "add server ex01 10.0.0.11",
      "add serviceGroup g SSL",
      "add service s ex01 HTTP 80",
      "bind serviceGroup g ex01 443",
      "bind serviceGroup g 10.0.0.12 443",
      command,
    );
    const states = [...estate.services.values()].flatMap(({ members }) =>
      members.map((one) => `${one.adcService} ${String(one.address)} ${String(one.enabled)}`),
    );
    expect(states).toEqual(expected);
  });

  test("get default monitors by type and port unless another is bound or they are switched off", () => {
    const estate = read(
      "add service tcp 10.0.0.1 TCP 143",
      "add service bridge 10.0.0.1 SSL_BRIDGE 443",
      "add service any 10.0.0.1 ANY *",
      "add service wild 10.0.0.2 TCP *",
      "add service udp 10.0.0.1 UDP 123",
      "add service bound 10.0.0.1 HTTP 80",
      "bind service bound -monitorName HTTP",
      "add serviceGroup off TCP -nodefaultBindings YES",
      "add serviceGroup empty TCP",
    );
    const bindings = [...estate.services.values()].map(({ name, monitors }) => [
      name,
      ...monitors.map(
        ({ monitor: bound, synthesised }) => `${bound}${synthesised ? " (default)" : ""}`,
      ),
    ]);
    expect(bindings).toEqual([
      ["tcp", "tcp-default (default)"],
      ["bridge", "tcp-default (default)"],
      ["any", "ping-default (default)"],
      ["wild", "ping-default (default)"],
      ["udp", "ping-default (default)"],
      ["bound", "http"],
      ["off"],
      ["empty", "tcp-default (default)"],
    ]);
    expect([...estate.monitors.keys()].sort()).toEqual(["http", "ping-default", "tcp-default"]);
    expect(estate.monitors.get("http")).toMatchObject({ type: "HTTP", builtIn: true });
  });

  test("are bound to monitors by the old form bind lb monitor", () => {
    const estate = read(
      "add service s 10.0.0.1 HTTP 80",
      "add service t 10.0.0.2 HTTP 80",
      "bind lb monitor ping s",
      "bind lb monitor http t -state DISABLED -weight 4",
    );
    expect(estate.services.get("s")?.monitors).toMatchObject([
      { monitor: "ping", deprecatedForm: true, enabled: true, line: 3 },
    ]);
    expect(estate.services.get("t")?.monitors).toMatchObject([
      { monitor: "http", deprecatedForm: true, enabled: false, weight: 4 },
    ]);
  });

  test("have TLS settings towards the servers, with a profile before the service's own", () => {
    const estate = read(
      "add service a 10.0.0.1 SSL 443",
      "add serviceGroup b SSL",
      "set ssl service a -tls1 DISABLED -tls12 ENABLED -SNIEnable ENABLED -commonName m.example.com -serverAuth ENABLED",
      "add ssl profile p -sslProfileType BackEnd -tls1 DISABLED -tls11 DISABLED -SNIEnable ENABLED",
      "set ssl serviceGroup b -sslProfile p -tls1 ENABLED",
      "set ssl service nshttps-127.0.0.1-443 -tls1 ENABLED",
    );
    expect(estate.services.get("a")?.tls).toEqual({
      versions: { ssl3: null, tls1: false, tls11: null, tls12: true, tls13: null },
      sniEnabled: true,
      commonName: "m.example.com",
      serverAuth: true,
      sslProfile: null,
    });
    expect(estate.services.get("b")?.tls).toMatchObject({
      versions: { tls1: false, tls11: false, tls12: null },
      sniEnabled: true,
      sslProfile: "p",
    });
    expect(estate.sslProfiles.get("p")?.backEnd).toBe(true);
    expect(said(estate)).toEqual(["info service_without_member b"]);
  });
});

describe("monitors", () => {
  test("have NetScaler's defaults", () => {
    expect(monitor("add lb monitor m TCP")).toMatchObject({
      intervalMs: 5_000,
      responseTimeoutMs: 2_000,
      downTimeMs: 30_000,
      retries: 3,
      failureRetries: 0,
      successRetries: 1,
      alertRetries: 0,
      reverse: false,
      secure: false,
      lrtm: true,
      destIp: null,
      destPort: null,
      builtIn: false,
      enabled: true,
    });
  });

  test.each([
    ["HTTP", { httpRequest: "HEAD /", respCodes: [{ from: 200, to: 200 }] }],
    ["HTTP-INLINE", { httpRequest: "HEAD /", action: "DOWN" }],
    ["HTTP-ECV", { send: "GET /", recv: null }],
    ["TCP-ECV", { send: null, recv: null }],
    ["RTSP", { rtspRequest: "OPTIONS *" }],
    ["SIP-UDP", { sipMethod: "OPTIONS", maxForwards: 1 }],
    ["RADIUS", { respCodes: [{ from: 2, to: 2 }] }],
    ["POP3", { scriptName: "nspop3.pl", dispatcherIp: "127.0.0.1", dispatcherPort: 3013 }],
    ["USER", { scriptName: null, dispatcherIp: "127.0.0.1" }],
  ])("of type %s have that type's defaults", (type, parameters) => {
    expect(monitor(`add lb monitor m ${type}`).parameters).toMatchObject(parameters);
  });

  test.each([
    ["-interval 2 MIN", { intervalMs: 120_000 }],
    ["-interval 10MIN", { intervalMs: 600_000 }],
    ["-resptimeout 500 MSEC", { responseTimeoutMs: 500 }],
    ["-downTime 100 MSEC", { downTimeMs: 100 }],
    ["-deviation 1", { deviationMs: 1_000 }],
    [
      "-retries 5 -failureRetries 2 -successRetries 3 -alertRetries 4",
      { retries: 5, failureRetries: 2, successRetries: 3, alertRetries: 4 },
    ],
    ["-destIP 10.0.0.9 -destPort 143", { destIp: "10.0.0.9", destPort: 143 }],
    ["-destIP 0.0.0.0 -destPort 0", { destIp: null, destPort: null }],
    ["-destIP 0 -destPort *", { destIp: null, destPort: null }],
    [
      "-state DISABLED -reverse YES -secure YES -LRTM ENABLED -transparent YES",
      { enabled: false, reverse: true, secure: true, lrtm: true, transparent: true },
    ],
    ["-RESPTIMEOUT 4 -Interval 6", { responseTimeoutMs: 4_000, intervalMs: 6_000 }],
    [
      "-netProfile np -sslProfile sp -tos YES -ipTunnel YES",
      { netProfile: "np", sslProfile: "sp", tos: true, ipTunnel: true },
    ],
  ])("read %s", (keys, expected) => {
    expect(monitor(`add lb monitor m TCP ${keys}`)).toMatchObject(expected);
  });

  test.each([
    [
      'HTTP -respCode 200 301-302 403 -httpRequest "GET /x"',
      {
        respCodes: [
          { from: 200, to: 200 },
          { from: 301, to: 302 },
          { from: 403, to: 403 },
        ],
        httpRequest: "GET /x",
      },
    ],
    [
      'HTTP-ECV -send "GET /" -recv "\\"Version\\"" -customHeaders "Host: a.b\\r\\n"',
      { recv: '"Version"', customHeaders: "Host: a.b\r\n" },
    ],
    ["HTTP -trofsCode 503", { trofsCode: 503 }],
    ['TCP-ECV -recv "+OK" -trofsString "-ERR"', { recv: "+OK", trofsString: "-ERR" }],
    [
      "DNS -query a.example.com -queryType AAAA -IPAddress 10.0.0.1 10.0.0.2",
      { query: "a.example.com", queryType: "AAAA", ipAddresses: ["10.0.0.1", "10.0.0.2"] },
    ],
    [
      'LDAP -baseDN "dc=a,dc=b" -bindDN u@a.b -filter cn=x -attribute cn',
      { baseDn: "dc=a,dc=b", bindDn: "u@a.b", filter: "cn=x", attribute: "cn" },
    ],
    [
      "SNMP -snmpOID .1.3 -snmpVersion V2 -snmpThreshold 70",
      { snmpOid: ".1.3", snmpVersion: "V2", snmpThreshold: "70" },
    ],
    ["FTP-EXTENDED -fileName f -userName u", { fileName: "f", userName: "u" }],
    ["NNTP -group g", { group: "g" }],
    ['MYSQL -database d -sqlQuery "select 1"', { database: "d", sqlQuery: "select 1" }],
    [
      "RADIUS -radNASid n -radNASip 10.0.0.1 -respCode 2 3",
      {
        radNasId: "n",
        radNasIp: "10.0.0.1",
        respCodes: [
          { from: 2, to: 2 },
          { from: 3, to: 3 },
        ],
      },
    ],
    [
      "SIP-TCP -sipMethod INVITE -sipURI sip:a@b -maxForwards 7",
      { sipMethod: "INVITE", sipUri: "sip:a@b", maxForwards: 7 },
    ],
    [
      'USER -scriptName own.pl -scriptArgs "a\\\\\\\\b" -dispatcherIP 10.0.0.1 -dispatcherPort 99',
      { scriptName: "own.pl", scriptArgs: "a\\\\b", dispatcherIp: "10.0.0.1", dispatcherPort: 99 },
    ],
  ])("read the parameters of %s", (text, expected) => {
    expect(monitor(`add lb monitor m ${text}`).parameters).toMatchObject(expected);
  });

  test("hold no login of a header in their text as written", () => {
    const { written } = monitor(
      'add lb monitor m HTTP-ECV -customHeaders "Host: a\\r\\nAuthorization: Basic c2VjcmV0\\r\\nX-A: b\\r\\n"',
    );
    expect(written.get("customheaders")).toEqual([
      "Host: a\r\nAuthorization: <secret>\r\nX-A: b\r\n",
    ]);
  });

  test("keep unknown types and keys as they stand", () => {
    const estate = read("add lb monitor m imap-ecv -newKey 7 -flag");
    expect(estate.monitors.get("m")?.type).toBe("IMAP-ECV");
    expect([...(estate.monitors.get("m")?.written ?? [])]).toEqual([
      ["newkey", ["7"]],
      ["flag", []],
    ]);
    expect(said(estate)).toContain("warning unknown_monitor_type m");
  });

  test("keep the default and report values that cannot be read", () => {
    const estate = read("add lb monitor m HTTP -interval soon -retries -respCode 200 abc");
    expect(estate.monitors.get("m")).toMatchObject({
      intervalMs: 5_000,
      retries: 3,
      parameters: { respCodes: [{ from: 200, to: 200 }] },
    });
    expect(said(estate).filter((one) => one.includes("unreadable_value"))).toHaveLength(3);
  });

  test("report a key that lost its dash", () => {
    expect(said(read("add lb monitor m HTTP respCode 200"))).toContain("warning stray_words m");
  });

  test("change when built-ins are set, under any letter case", () => {
    const estate = read(
      "set lb monitor HTTP HTTP -respCode 200 403 -interval 9",
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName Http",
      "add service t 10.0.0.2 SSL 443",
      "bind service t -monitorName https",
    );
    expect(estate.monitors.get("http")).toMatchObject({
      builtIn: true,
      intervalMs: 9_000,
      parameters: { httpRequest: "HEAD /", respCodes: [{ from: 200 }, { from: 403 }] },
    });
    expect(estate.services.get("s")?.monitors[0]?.monitor).toBe("http");
    expect(estate.monitors.get("https")).toMatchObject({ type: "HTTP", secure: true });
  });

  test("change only what set names", () => {
    expect(
      monitor("set lb monitor m TCP -interval 7", "add lb monitor m TCP -retries 4 -interval 6"),
    ).toMatchObject({ intervalMs: 7_000, retries: 4 });
  });
});

describe("vservers", () => {
  test("are read with load balancing settings", () => {
    const estate = read(
      "add service s 10.0.0.1 HTTP 80",
      'add lb vserver v SSL 10.0.1.1 443 -persistenceType COOKIEINSERT -timeout 30 -cookieName c -lbMethod ROUNDROBIN -cltTimeout 180 -backupVServer b -AuthenticationHost aaa.example.com -Authentication ON -authnVsName a -comment "x y"',
      "add lb vserver b HTTP 0.0.0.0 0 -state DISABLED",
      'add lb vserver r HTTP 10.0.1.1 80 -redirectURL "https://mail" -range 2',
      "add lb vserver f SSL 10.0.1.9 443 -redirectFromPort 80 -httpsRedirectUrl https://x",
      "add lb vserver any ANY * *",
      "add lb vserver six TCP 2001:db8::1 25 -td 4",
      'add lb vserver q SSL -persistenceType RULE -rule "HTTP.REQ.HEADER(\\"Authorization\\")"',
      "add authentication vserver a SSL 0.0.0.0",
      "bind lb vserver v s -weight 3",
      "bind lb vserver v -policyName rw -priority 10 -gotoPriorityExpression END -type REQUEST",
      "add rewrite policy rw true NOREWRITE",
      "set lb vserver b -redirectURL http://sorry",
    );
    expect(estate.lbVservers.get("v")).toMatchObject({
      kind: "lb",
      serviceType: "SSL",
      address: "10.0.1.1",
      port: 443,
      method: "ROUNDROBIN",
      persistence: { type: "COOKIEINSERT", timeoutMs: 1_800_000, cookieName: "c" },
      clientTimeoutMs: 180_000,
      backupVserver: "b",
      authentication: { form: true, http401: false, host: "aaa.example.com", vserver: "a" },
      services: [{ service: "s", weight: 3 }],
      policies: [{ policy: "rw", priority: 10, goto: "END", bindPoint: "REQUEST" }],
      comment: "x y",
    });
    expect(estate.lbVservers.get("b")).toMatchObject({
      address: null,
      port: null,
      enabled: false,
      redirectUrl: "http://sorry",
    });
    expect(estate.lbVservers.get("r")).toMatchObject({ redirectUrl: "https://mail", range: 2 });
    expect(estate.lbVservers.get("f")).toMatchObject({
      redirectFromPort: 80,
      httpsRedirectUrl: "https://x",
    });
    expect(estate.lbVservers.get("any")).toMatchObject({ address: null, port: "*" });
    expect(estate.lbVservers.get("six")).toMatchObject({
      address: "2001:db8::1",
      trafficDomain: 4,
    });
    expect(estate.lbVservers.get("q")).toMatchObject({
      address: null,
      port: null,
      persistence: { type: "RULE", rule: 'HTTP.REQ.HEADER("Authorization")' },
    });
    expect(said(estate)).toEqual([]);
  });

  test("are read with content switching: actions, targets at the binding, defaults, classic policies", () => {
    const estate = read(
      "bind cs vserver c -lbvserver fallback",
      "bind cs vserver c -policyName owa -priority 100",
      "bind cs vserver c -policyName ews -targetLBVserver lb_ews -priority 110",
      "bind cs vserver c -policyName old -priority 120 -targetLBVserver lb_ews",
      "bind cs vserver c -policyName login -priority 130",
      "bind cs vserver c -policyName resp -priority 90 -type REQUEST",
      "add cs vserver c SSL 10.0.1.1 443 -stateupdate ENABLED -caseSensitive OFF",
      "add cs vserver d -td 10 SSL 10.0.1.2 443",
      'add cs policy owa -rule "HTTP.REQ.URL.STARTSWITH(\\"/owa\\")" -action to_owa',
      'add cs policy ews -rule q{HTTP.REQ.URL.STARTSWITH("/ews")}',
      "add cs policy old -url /ews/* -domain mail.example.com",
      'add cs policy login -rule "HTTP.REQ.HOSTNAME.EQ(\\"aaa\\")" -action to_aaa',
      "add cs action to_owa -targetLBVserver lb_owa",
      "add cs action to_aaa -targetVserver aaa",
      'add responder action redir redirect "\\"/owa\\"" -responseStatusCode 302',
      'add responder policy resp "HTTP.REQ.URL.EQ(\\"/\\")" redir',
      "add authentication vserver aaa SSL 0.0.0.0",
      "add lb vserver lb_owa SSL 0.0.0.0 0",
      "add lb vserver lb_ews SSL 0.0.0.0 0",
      "add lb vserver fallback SSL 0.0.0.0 0",
    );
    const cs = estate.csVservers.get("c");
    expect(cs).toMatchObject({
      stateUpdate: true,
      caseSensitive: false,
      defaultTarget: "fallback",
    });
    expect(cs?.targets.map(({ policy, target }) => `${policy} → ${String(target)}`)).toEqual([
      "owa → lb_owa",
      "ews → lb_ews",
      "old → lb_ews",
      "login → aaa",
    ]);
    expect(cs?.policies).toMatchObject([{ policy: "resp", priority: 90 }]);
    expect(estate.csVservers.get("d")).toMatchObject({ trafficDomain: 10, stateUpdate: false });
    expect(estate.policies.get("old")?.literals).toMatchObject({
      urls: [{ operator: "PATTERN", value: "/ews/*" }],
      hosts: [{ operator: "EQ", value: "mail.example.com" }],
    });
    expect(estate.actions.get("redir")).toMatchObject({
      feature: "responder",
      type: "redirect",
      expression: '"/owa"',
    });
    expect(said(estate)).toEqual([]);
  });

  test("are read with certificates, TLS versions and authentication profiles", () => {
    const estate = read(
      "add lb vserver v SSL 10.0.1.1 443 -authnProfile p",
      "add authentication authnProfile p -authnVsName a -AuthenticationHost aaa.example.com",
      "add authentication vserver a SSL 10.0.1.3 443 -AuthenticationDomain example.com",
      "add authentication ldapPolicy lp ns_true la",
      "bind authentication vserver a -policy lp -priority 100",
      'add ssl certKey "wild card" -cert w.cer -key w.key -passcrypt "hunter2"',
      "add ssl certKey ca -cert ca.cer",
      'link ssl certKey "wild card" ca',
      'bind ssl vserver v -certkeyName "wild card" -SNICert',
      "bind ssl vserver v -certkeyName ca -CA -ocspCheck Optional",
      "set ssl vserver v -tls1 DISABLED -sslProfile fe",
    );
    expect(estate.lbVservers.get("v")).toMatchObject({
      authentication: { host: "aaa.example.com", vserver: "a", profile: "p" },
      certKeys: [
        { certKey: "wild card", sni: true, ca: false },
        { certKey: "ca", sni: false, ca: true },
      ],
      tls: { tls1: false, tls12: null },
      sslProfile: "fe",
    });
    expect(estate.certKeys.get("wild card")).toMatchObject({
      certificateFile: "w.cer",
      linkedTo: "ca",
    });
    expect(estate.authenticationVservers.get("a")).toMatchObject({
      address: "10.0.1.3",
      port: 443,
      domain: "example.com",
      policies: [{ policy: "lp" }],
    });
    expect(said(estate)).toEqual([]);
  });
});

describe("diagnostics", () => {
  test("report a line longer than any command", () => {
    const { monitors, diagnostics } = read(
      "add lb monitor m1 TCP",
      `add lb monitor m2 HTTP${" -a b".repeat(100_000)}`,
      "add lb monitor m3 TCP",
    );
    expect([...monitors.keys()]).toEqual(["m1", "m3"]);
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ rule: "unreadable_lines", line: 2 }),
    );
  });

  test.each([
    [
      `${WHOLE}\nbind lb vserver v s\nadd lb vserver v HTTP 10.0.0.1 80`,
      "error dangling_reference v",
    ],
    [
      `${WHOLE}\nadd service s 10.0.0.1 HTTP 80\nbind service s -monitorName nope`,
      "error dangling_reference s",
    ],
    [`${WHOLE}\nbind serviceGroup g 10.0.0.1 80`, "error dangling_reference g"],
    [
      "add server s 10.0.0.1\nadd lb vserver v HTTP 10.0.0.2 80\nbind lb vserver v s",
      "error wrong_kind_reference v",
    ],
    ["add service s 10.0.0.1 HTTP", "error incomplete_statement s"],
    ["add service s 10.0.0.1 HTTP 99999", "error incomplete_statement s"],
    ["add server a 10.0.0.1\nadd server a 10.0.0.2", "warning duplicate_name a"],
    [
      "add lb vserver a HTTP 10.0.0.1 80\nadd cs vserver b HTTP 10.0.0.1 80",
      "warning duplicate_vserver_endpoint b",
    ],
    [
      "add service a 10.0.0.1 HTTP 80\nadd service b 10.0.0.1 HTTP 80",
      "warning duplicate_service_endpoint b",
    ],
    ['add lb monitor m TCP-ECV -recv "oops', "warning broken_line m"],
    ["add lb monitor m TCP", "info unused_monitor m"],
    ["no command at all", "warning unreadable_lines file"],
    [
      `${WHOLE}\nadd ssl certKey c -cert c.pem\nadd lb vserver v SSL 10.0.0.1 443\nbind ssl vserver v -certkeyName gone`,
      "error dangling_reference v",
    ],
    [
      "add lb vserver v SSL 10.0.0.1 443\nbind ssl vserver v -certkeyName gone",
      "info not_in_text file",
    ],
  ])("report an oddity with rule and object: %s", (text, expected) => {
    expect(said(read(text))).toContain(expected);
  });

  test("name what the text does not contain once, with its kind if a command says it", () => {
    const text = [
      "set lb vserver v -lbMethod ROUNDROBIN",
      "disable lb vserver v",
      "bind ssl vserver v -certkeyName gone",
    ].join("\n");
    expect(
      read(text)
        .diagnostics.find(({ rule }) => rule === "not_in_text")
        ?.message.match(/vserver v/g),
    ).toHaveLength(1);
  });

  test("name the line in which a quote is left open, and how many lines are lost", () => {
    const broken = (...lines: readonly string[]) =>
      read(...lines, '  -send "GET /x', "  -recv ok", "  hello")
        .diagnostics.filter(({ rule }) => rule === "broken_line")
        .map(({ line, object, message }) => [line, object, message]);
    const lost = "This line ends inside a quote or parenthesis; the rest of it";
    expect(broken("add server a 10.0.0.1", "add lb monitor m HTTP-ECV")).toEqual([
      [3, "m", `${lost}, and the next 2 lines, are ignored.`],
    ]);
    const nameless = read('add lb monitor "m POP3 -password canary');
    expect(said(nameless)).toEqual(["warning broken_line add lb monitor"]);
    expect(JSON.stringify([nameless.diagnostics, ...nameless.monitors])).not.toContain("canary");
  });

  test("do not report a monitor as unused when a GSLB service binds it", () => {
    const site = [
      "add gslb site a LOCAL 10.0.0.9",
      "add gslb service g 10.0.0.1 TCP 25 -siteName a",
    ];
    const estate = read("add lb monitor m TCP", ...site, "bind gslb service g -monitorName m");
    expect(said(estate)).toEqual([]);
  });

  test("report a pinned destination when it decides for other members", () => {
    const one = [
      "add lb monitor m TCP -destIP 10.0.0.1",
      "add service a 10.0.0.1 TCP 1",
      "bind service a -monitorName m",
    ];
    expect(said(read(...one))).toEqual([]);
    const two = [...one, "add service b 10.0.0.2 TCP 1", "bind service b -monitorName m"];
    expect(said(read(...two))).toEqual(["error pinned_dest_ip m"]);
  });

  test("count statements that are not read by kind", () => {
    const estate = read(
      "enable ns feature LB",
      "set ns hostName a",
      "enable ns feature SSL",
      'set system user nsroot "hash"',
      "set interface 0/1 -speed AUTO",
    );
    expect([...estate.otherStatements]).toEqual([
      ["enable ns feature", 2],
      ["set ns hostName", 1],
      ["set system user", 1],
      ["set interface", 1],
    ]);
  });

  test("allow policies of two features to share a name", () => {
    const estate = read(
      "add rewrite policy p true a",
      'add cs policy p -rule "HTTP.REQ.URL.EQ(\\"/\\")" -action x',
      "add responder policy p true b",
    );
    expect(estate.policies.get("p")?.feature).toBe("cs");
    expect(estate.policies.get("rewrite/p")?.action).toBe("a");
    expect(estate.policies.get("responder/p")?.action).toBe("b");
  });
});

test("ranges › are read up to a bound, which is reported, when they expand without end", () => {
  const line = "add server a[1-1000] 192.0.2.1\n";
  const estate = read(line.repeat(500));
  expect(said(estate)).toContain("error import_too_large file");
  expect(estate.diagnostics.length).toBeLessThan(1_100);
});

test.each([
  ["add lb monitor NAME HTTP", "add lb monitor"],
  ["add server NAME 192.0.2.1", "add server"],
  ["set lb monitor NAME HTTP -interval 5", "set lb monitor"],
  ["bind serviceGroup sg NAME 443", "bind servicegroup"],
])("overlong name › is ignored and not shown: %s", (line, kind) => {
  const name = "n".repeat(60_000);
  const estate = read("add serviceGroup sg SSL", line.replace("NAME", name));
  expect(said(estate)).toContain(`error unreadable_value ${kind}`);
  expect(JSON.stringify([...estate.monitors, ...estate.servers, estate.diagnostics])).not.toContain(
    name.slice(0, 300),
  );
});

test("name › may have 255 characters, as a server's domain may, and a pattern any length", () => {
  const name = "n".repeat(255);
  const estate = read(
    `add server ${name} 192.0.2.1`,
    "add policy patset p",
    `bind policy patset p ${"x".repeat(300)}`,
  );
  expect([...estate.servers.keys()]).toEqual([name]);
  expect(said(estate).filter((one) => one.startsWith("error"))).toEqual([]);
});
