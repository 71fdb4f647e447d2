import { describe, expect, test } from "vitest";
import { planJson } from "../../src/agent/plan/planned-probe.ts";
import type { PlanRow } from "../../src/agent/plan/plan-answer.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { holdsNothing, parseNsConf } from "../../src/adc/nsconf/import.ts";
import type { Estate } from "../../src/model/estate.ts";
import { groupFindings } from "../../src/lint/group.ts";
import { lint } from "../../src/lint/lint.ts";
import { notesOf } from "../../src/lint/notes.ts";
import { proofFailures } from "./proof.ts";

/** Many ways to write one kind of thing, each with what must come of it. */

function read(text: string): Estate {
  return parseNsConf(text, { adc: "test" });
}

function said(text: string): string[] {
  return lint(read(text)).map(({ rule, object }) => `${rule} ${object}`);
}

function commands(text: string): string[] {
  return lint(read(text)).flatMap((finding) => [...finding.commands]);
}

function plan(text: string): PlanRow[] {
  const estate = read(text);
  return [...planJson(planProbes(estate, BARE_SETTINGS), [estate]).probes];
}

const REDIRECT = [
  'add responder action red redirect "\\"https://\\" + HTTP.REQ.HOSTNAME + HTTP.REQ.URL"',
  "add responder policy redp HTTP.REQ.IS_VALID red",
  "add lb vserver v HTTP 10.2.3.4 80",
  "bind lb vserver v -policyName redp -priority 1 -gotoPriorityExpression END -type REQUEST",
];
const redirectWhen = (text: string): string[] =>
  REDIRECT.map((line) => line.replace("HTTP.REQ.IS_VALID", text));

/** What stands before the binding `bind lb vserver v up`. */
const DUMMIES: readonly (readonly [string, readonly string[]])[] = [
  ["1.1.1.1 and the default monitor", ["add service up 1.1.1.1 HTTP 80", ...REDIRECT]],
  [
    "1.2.3.4 and ping",
    ["add service up 1.2.3.4 HTTP 80", "bind service up -monitorName ping", ...REDIRECT],
  ],
  ["0.0.0.1", ["add service up 0.0.0.1 HTTP 80 -healthMonitor NO", ...REDIRECT]],
  ["a documentation network", ["add service up 192.0.2.1 TCP 80 -healthMonitor NO", ...REDIRECT]],
  ["an IPv6 documentation address", ["add service up 2001:db8::1 HTTP 80", ...REDIRECT]],
  ["a server by name", ["add server nobody 1.1.1.1", "add service up nobody HTTP 80", ...REDIRECT]],
  ["a group", ["add serviceGroup up HTTP", "bind serviceGroup up 1.1.1.1 80", ...REDIRECT]],
  [
    "a group with a monitor of the ADC itself",
    [
      "add lb monitor self PING -destIP 127.0.0.1",
      "add serviceGroup up HTTP",
      "bind serviceGroup up 1.1.1.1 80",
      "bind serviceGroup up -monitorName self",
      ...REDIRECT,
    ],
  ],
  [
    "a TCP monitor at the NSIP",
    [
      "set ns config -IPAddress 10.0.0.1",
      "add lb monitor self TCP -destIP 10.0.0.1 -destPort 80",
      "add service up 1.1.1.1 HTTP 80",
      "bind service up -monitorName self",
      ...REDIRECT,
    ],
  ],
  ["-healthMonitor NO alone", ["add service up 1.1.1.1 HTTP 80 -healthMonitor NO", ...REDIRECT]],
  [
    "no policy, but -redirectURL",
    [
      "add service up 1.1.1.1 HTTP 80",
      "add lb vserver v HTTP 10.2.3.4 80 -redirectURL https://www.example.com",
    ],
  ],
  [
    "-httpsRedirectUrl",
    [
      "add service up 1.1.1.1 HTTP 80",
      "add lb vserver v HTTP 10.2.3.4 80 -redirectFromPort 80 -httpsRedirectUrl https://www.example.com",
    ],
  ],
  ["its own loopback", ["add service up 127.0.0.1 HTTP 80", ...REDIRECT]],
  ["the rule true", ["add service up 1.1.1.1 HTTP 80", ...redirectWhen("true")]],
  [
    "the rule for the port",
    ["add service up 1.1.1.1 HTTP 80", ...redirectWhen("CLIENT.TCP.DSTPORT.EQ(80)")],
  ],
  [
    "the rule for clear text",
    ["add service up 1.1.1.1 HTTP 80", ...redirectWhen("CLIENT.SSL.IS_SSL.NOT")],
  ],
  [
    "the rule for any URL",
    ["add service up 1.1.1.1 HTTP 80", ...redirectWhen('"HTTP.REQ.URL.STARTSWITH(\\"/\\")"')],
  ],
  [
    "short verbs",
    [
      "add service up 1.1.1.1 HTTP 80",
      ...REDIRECT.map((line) => line.replace("lb vserver", "lb vs")),
    ],
  ],
  [
    "a name that says so",
    ["add service up 1.1.1.1 HTTP 80", "add lb vserver v HTTP 10.2.3.4 80"].map((line) =>
      line.replace(/\bup\b/, "always_up"),
    ),
  ],
  [
    "an answer of its own",
    [
      "add service up 8.8.8.8 HTTP 80",
      ...REDIRECT.map((line) =>
        line.replace(/redirect .*/, 'respondwith "\\"HTTP/1.1 200 OK\\r\\n\\r\\n\\""'),
      ),
    ],
  ],
];

describe("a line that ends inside a quote", () => {
  test("is all that is said about its object, because the rest of it is not known", () => {
    const text = [
      'add lb monitor m HTTP-ECV -send "GET /x -recv ok',
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName m",
    ];
    const found = lint(parseNsConf(text.join("\n"), { adc: "test" }));
    expect(found.map(({ rule: id, object }) => `${id} ${object}`)).toEqual(["broken_line m"]);
  });
});

describe("dummy that keeps a vserver up", () => {
  const whole = (lines: readonly string[]): string => {
    const name = lines.some((line) => line.includes("always_up")) ? "always_up" : "up";
    return [...lines, `bind lb vserver v ${name}`].join("\n");
  };

  test.each(DUMMIES)("%s › has no finding", (_what, lines) => {
    expect(said(whole(lines)).filter((one) => !one.startsWith("unreadable"))).toEqual([]);
  });

  test.each(DUMMIES)("%s › gets no looks", (_what, lines) => {
    const asked = plan(whole(lines)).filter(
      ({ vantage, kind, supported }) =>
        supported && vantage === "backend" && kind === "transaction",
    );
    expect(asked).toEqual([]);
  });

  test("plan › does not repeat its monitor when its address belongs to nobody", () => {
    const [row] = plan(whole(["add service up 1.1.1.1 HTTP 80", ...REDIRECT]));
    expect(row?.unsupported_reason).toMatch(/^this member serves no clients/);
  });

  test.each([
    ["a server of its own", "add service up 10.0.0.5 HTTP 80"],
    ["1.1.1.1 as the name server that it is", "add service up 1.1.1.1 DNS 53"],
  ])("plan › probes %s", (_what, service) => {
    const rows = plan(
      [service, "add lb vserver v HTTP 10.2.3.4 80", "bind lb vserver v up"].join("\n"),
    );
    expect(rows.some(({ supported, vantage }) => supported && vantage === "backend")).toBe(true);
  });
});

const MEMBER = "add server s1 10.0.0.97\nadd service svc1 s1 HTTP 80\nadd serviceGroup sg HTTP";
const MONITOR = 'add lb monitor m1 HTTP -httpRequest "GET /a" -respCode 200';

/** Lines as they are typed, and what the service or group is then watched by. */
const TYPED: readonly (readonly [string, string, readonly string[]])[] = [
  ["bind mon m1 svc1", "svc1", ["m1"]],
  ["bind monitor m1 svc1", "svc1", ["m1"]],
  ["bind lb mon m1 svc1", "svc1", ["m1"]],
  ["bind lb monit m1 svc1", "svc1", ["m1"]],
  ["BIND LB MONITOR m1 svc1", "svc1", ["m1"]],
  ["bin service svc1 -monitorName m1", "svc1", ["m1"]],
  ["bind service svc1 -MONITORNAME m1", "svc1", ["m1"]],
  ["bind service SVC1 -monitorName M1", "svc1", ["m1"]],
  ["bind servicegroup sg -monitorName m1", "sg", ["m1"]],
  ["bind serviceg sg -monitorName m1", "sg", ["m1"]],
  ["bind mon m1 sg", "sg", ["m1"]],
  ["bind lb monitor m1 -serviceGroupName sg", "sg", ["m1"]],
  [
    "bind service svc1 -monitorName m1\nunbind service svc1 -monitorName m1",
    "svc1",
    ["tcp-default"],
  ],
  ["bind service svc1 -monitorName m1\nunb service svc1 -monitorName m1", "svc1", ["tcp-default"]],
  ["bind service svc1 -monitorName m1\nunbind mon m1 svc1", "svc1", ["tcp-default"]],
  // Error 2131: it must be unbound before.
  ["bind service svc1 -monitorName m1\nrm lb monitor m1", "svc1", ["m1"]],
  ["bind service svc1 -monitorName m1\nrm monitor m1 HTTP", "svc1", ["m1"]],
  [
    "bind service svc1 -monitorName m1\nunbind service svc1 -monitorName m1\nrm lb monitor m1 HTTP",
    "svc1",
    ["tcp-default"],
  ],
  ["bind service svc1 -monitorName m1\ndisable monitor svc1 m1", "svc1", ["m1 off"]],
  ["bind service svc1 -monitorName m1\ndis lb mon svc1 m1", "svc1", ["m1 off"]],
  ["bind service svc1 -monitorName m1 -monState DISABLED\nena mon svc1 m1", "svc1", ["m1"]],
  ["bind service svc1 -monitorName m1\ndisable lb monitor svc1", "svc1", ["m1 off"]],
  ["bind service svc1 -monitorName m1 -monState disabled", "svc1", ["m1 off"]],
  ["nsroot@ns1-Primary> bind mon m1 svc1\n Done", "svc1", ["m1"]],
  ["> bind mon m1 svc1\n Done", "svc1", ["m1"]],
  ["[root@ns (active)]> bind mon m1 svc1\nWarning: [x]\n Done", "svc1", ["m1"]],
];

describe("typed forms", () => {
  test.each(TYPED)("bind the monitors meant by %s", (typed, service, watched) => {
    const bound = read([MEMBER, MONITOR, typed].join("\n")).services.get(service)?.monitors ?? [];
    expect(bound.map(({ monitor, enabled }) => (enabled ? monitor : `${monitor} off`))).toEqual(
      watched,
    );
  });

  test.each([
    ["add serv s 10.0.0.1", "add serv (server or service or servicegroup)"],
    ["add ser s 10.0.0.1 HTTP 80", "add ser (server or service or servicegroup)"],
    ["bind servi s -monitorName http", "bind servi (service or servicegroup)"],
    ["add lb m x HTTP", "add lb m (monitor or metrictable)"],
    ["add cs pol p -rule true", "add cs pol (policy or policylabel)"],
  ])("are reported as ambiguous: %s", (typed, told) => {
    const found = lint(read(typed)).find((one) => one.rule === "unknown_command");
    expect(found?.message).toContain(told);
  });

  test.each([
    'add cs policy p -rule "HTTP.REQ.URL.CONTAINS("/ews")" -action a',
    'add cs policy p -rule HTTP.REQ.HOSTNAME.EQ("x") && HTTP.REQ.URL.EQ("y") -action a',
    'add responder policy p "HTTP.REQ.URL.CONTAINS("/x")" a',
    'add rewrite policy p "HTTP.REQ.HEADER("Host").EQ("x")" a',
    'set cs policy p -rule "HTTP.REQ.URL.CONTAINS("/ews")"\nadd cs policy p -rule true',
  ])("are reported when quotes end too soon: %s", (line) => {
    expect(said(line)).toContain("unreadable_value p");
  });

  test.each([
    'add cs policy p -rule "HTTP.REQ.URL.CONTAINS(\\"/ews\\")" -action a',
    'add cs policy p -rule q{HTTP.REQ.URL.CONTAINS("/ews")} -action a',
    "add cs policy p -rule \"REQ.HTTP.URL == '/owa/*'\" -action a",
    'add cs policy p -url "/owa/*"',
    'add responder policy p "HTTP.REQ.URL.REGEX_MATCH(re/\\(\\"x/)" a',
    'add responder policy p HTTP.REQ.URL.CONTAINS("a b") a',
    'add vpn sessionPolicy p "REQ.HTTP.HEADER User-Agent NOTCONTAINS CitrixReceiver" a',
  ])("are not reported when the rule is whole: %s", (line) => {
    expect(said(line)).not.toContain("unreadable_value p");
  });
});

/** Service type and port, and the type of the monitor that is proposed; null: none. */
const PROPOSED: readonly (readonly [string, number, string | null])[] = [
  ["HTTP", 80, "HTTP-ECV"],
  ["HTTP", 8080, "HTTP-ECV"],
  ["SSL", 443, "HTTP-ECV secure"],
  ["SSL", 8443, "HTTP-ECV secure"],
  ["SSL_BRIDGE", 443, "HTTP-ECV secure"],
  ["SSL_BRIDGE", 993, "TCP-ECV secure"],
  ["TCP", 143, "TCP-ECV"],
  ["TCP", 110, "TCP-ECV"],
  ["TCP", 995, "TCP-ECV secure"],
  ["TCP", 25, "TCP-ECV"],
  ["TCP", 587, "TCP-ECV"],
  ["TCP", 465, null],
  ["SSL_TCP", 465, "TCP-ECV secure"],
  ["SSL_TCP", 587, "TCP-ECV secure"],
  ["TCP", 389, "LDAP"],
  ["TCP", 636, "LDAP secure"],
  ["SSL_TCP", 636, "LDAP secure"],
  ["TCP", 3268, "LDAP"],
  ["TCP", 3269, "LDAP secure"],
  ["DNS", 53, "DNS"],
  ["UDP", 53, "DNS"],
  ["DNS_TCP", 53, "DNS-TCP"],
  ["TCP", 53, "DNS-TCP"],
  ["UDP", 123, "UDP-ECV"],
  ["RADIUS", 1812, "RADIUS"],
  ["RADIUS", 1645, "RADIUS"],
  ["UDP", 1812, "RADIUS"],
  ["RADIUS", 1813, "RADIUS_ACCOUNTING"],
  ["RADIUS", 1646, "RADIUS_ACCOUNTING"],
  ["UDP", 1813, "RADIUS_ACCOUNTING"],
  ["RADIUS", 18120, "RADIUS"],
  ["SIP_UDP", 5060, "SIP-UDP"],
  ["SIP_TCP", 5060, "SIP-TCP"],
  ["UDP", 5060, "SIP-UDP"],
  ["TCP", 5060, "SIP-TCP"],
  ["FTP", 21, "FTP"],
  ["TCP", 21, "FTP"],
  ["FTP", 2121, "FTP"],
  ["MYSQL", 3306, "MYSQL-ECV"],
  ["TCP", 3306, "MYSQL-ECV"],
  ["MSSQL", 1433, "MSSQL-ECV"],
  ["TCP", 1433, "MSSQL-ECV"],
  ["MSSQL", 14330, "MSSQL-ECV"],
  ["TCP", 1521, "ORACLE-ECV"],
  ["ORACLE", 1521, "ORACLE-ECV"],
  ["RDP", 3389, null],
  ["TCP", 3389, null],
  ["UDP", 514, null],
  ["SYSLOGUDP", 514, null],
  ["UDP", 162, null],
  ["UDP", 2055, null],
  ["ANY", 80, null],
  ["ADNS", 53, null],
  ["TCP", 9999, null],
  ["SSL_TCP", 9999, "tcps"],
];

describe("proposed monitor", () => {
  const written = [
    (type: string, port: number) => `add service x 10.0.0.1 ${type} ${String(port)}`,
    (type: string, port: number) =>
      `add serviceGroup x ${type}\nbind serviceGroup x 2001:db8:1::5 ${String(port)}`,
    (type: string, port: number) =>
      `add server ex 10.0.0.1\nadd serviceGroup x ${type.toLowerCase()}\nbind serviceGroup x ex ${String(port)}\nbind serviceGroup x -monitorName ${/UDP|DNS$|RADIUS|ANY/.test(type) ? "ping" : "tcp"}`,
  ];
  test.each(PROPOSED)("for %s on port %i is %s", (type, port, wanted) => {
    for (const write of written) {
      const text = write(type, port);
      const lines = commands(text).filter((one) => !one.startsWith("set lb monitor tcp "));
      const [, kind = null] = /^add lb monitor \S+ (\S+)/.exec(lines[0] ?? "") ?? [];
      const builtIn = /-monitorName (tcps)$/.exec(lines[0] ?? "")?.[1] ?? null;
      const secure = /-secure YES/.test(lines[0] ?? "") ? " secure" : "";
      expect(kind === null ? builtIn : `${kind}${secure}`, text).toBe(wanted);
      expect(proofFailures(text)).toEqual([]);
    }
  });
});

test.each([
  ["ORACLE", "select 1 from dual", "-oracleSid <SID>"],
  ["MYSQL", "select 1", "-database <database>"],
  ["MSSQL", "select 1", "-database <database>"],
])("database monitor proposal › queries %s in its own dialect", (type, query, place) => {
  const [line = ""] = commands(`add service x 10.0.0.1 ${type} 1500`);
  expect(line).toContain(`-sqlQuery "${query}" -evalRule "${type}.RES.ATLEAST_ROWS_COUNT(1)"`);
  expect(line).toContain(place);
});

test.each([
  ["bind lb vserver v K", "wrong_kind_reference v"],
  ["bind lb vserver v -certkeyName K", "wrong_kind_reference v"],
])(
  "wrong_kind_reference › is reported once for a certificate bound by the wrong command: %s",
  (line, told) => {
    const text = [
      "add lb vserver v SSL 10.0.1.1 443",
      "add ssl certKey K -cert k.pem -key k.key",
      line,
    ];
    expect(said(text.join("\n"))).toEqual([told]);
  },
);

test("script arguments › are unset, not left empty, when they hold only the password", () => {
  const text = [
    "add service s 10.0.0.1 HTTP 80",
    'add lb monitor m USER -scriptName check.pl -scriptArgs "pass=hunter2"',
    "bind service s -monitorName m",
  ].join("\n");
  expect(commands(text)).toEqual([
    "set lb monitor m USER -secureArgs pass=<password>",
    "unset lb monitor m USER -scriptArgs",
  ]);
});

test("every secret of script arguments is a placeholder", () => {
  const text = [
    "add service s 10.0.0.1 HTTP 80",
    'add lb monitor m USER -scriptName nsntlm-lwp.pl -scriptArgs "/health;user;pw;CORP"',
    "bind service s -monitorName m",
  ].join("\n");
  expect(commands(text)).toEqual([
    'set lb monitor m USER -scriptArgs /health -secureArgs "<argument>;<argument>;<argument>"',
  ]);
});

test.each([
  ['HTTP -httpRequest "GET /ag" -destPort 80', false],
  ['HTTP-ECV -send "GET /ag.aspx" -recv PRIMARY -destPort 8080', false],
  ['HTTP -httpRequest "HEAD /" -destPort 80', true],
  ["TCP -destPort 80", true],
])(
  "dest_port_of_another_protocol › is reported for a database unless a page is asked for at a web port: %s",
  (monitor, isOther) => {
    const text = [
      "add service s 10.0.0.1 TCP 1433",
      `add lb monitor m ${monitor}`,
      "bind service s -monitorName m",
    ].join("\n");
    expect(said(text).includes("dest_port_of_another_protocol m")).toBe(isOther);
  },
);

const WEB = "add service web 10.0.0.71 HTTP 80";
const bound = (monitor: string, service = WEB): string =>
  `${service}\n${monitor}\nbind service web -monitorName m`;

test("an inline monitor, which watches clients' requests, is not blamed for its HEAD", () => {
  expect(said(bound("add lb monitor m HTTP-INLINE -respCode 200 -action LOG"))).not.toContain(
    "head_request m",
  );
});

/** A mistake, and the rule that names it. */
const MISTAKES: readonly (readonly [string, string])[] = [
  [bound("add lb monitor m HTTP -secure YES -destPort 80"), "secure_to_clear_port m"],
  [bound("add lb monitor m HTTP-ECV -recv ok -secure YES"), "secure_to_clear_port m"],
  [
    bound("bind service web -monitorName https").replace("\nbind service web -monitorName m", ""),
    "secure_to_clear_port https",
  ],
  [
    bound('add lb monitor m TCP-ECV -recv "220 " -secure YES', "add service web 10.0.0.1 TCP 25"),
    "secure_to_clear_port m",
  ],
  [bound("add lb monitor m HTTP -respCode 200-599"), "resp_codes_accept_errors m"],
  [bound("add lb monitor m HTTP -respCode 404"), "resp_codes_accept_errors m"],
  [bound("add lb monitor m HTTP -respCode 200 400-404"), "resp_codes_accept_errors m"],
  [bound("add lb monitor m HTTP2 -respCode 200 503"), "resp_codes_accept_errors m"],
  [
    bound('add lb monitor m HTTP -customHeaders "Host: a.example.com"'),
    "header_without_line_end m",
  ],
  [
    bound('add lb monitor m HTTP-ECV -recv ok -customHeaders "A: b\\r\\nHost: c"'),
    "header_without_line_end m",
  ],
  [
    bound('add lb monitor m USER -scriptName x.pl -scriptArgs "user=a;password=b"'),
    "password_in_script_args m",
  ],
  [
    bound('add lb monitor m USER -scriptName x.pl -scriptArgs "pwd=b;user=a"'),
    "password_in_script_args m",
  ],
  [
    bound('add lb monitor m USER -scriptName nspop3.pl -scriptArgs "a;b"'),
    "password_in_script_args m",
  ],
  [bound("add lb monitor m HTTP -interval 10 MIN -retries 10 -resptimeout 20"), "slow_detection m"],
  [bound("add lb monitor m TCP -interval 300 -retries 3"), "slow_detection m"],
  [bound("add lb monitor m TCP -interval 601000 MSEC -retries 1"), "slow_detection m"],
  [
    bound("add lb monitor m HTTP -retries 3 -failureRetries 3"),
    "failure_retries_not_below_retries m",
  ],
  [bound("add lb monitor m TCP -failureRetries 5"), "failure_retries_not_below_retries m"],
  [
    bound("set lb monitor m HTTP -failureRetries 9\nadd lb monitor m HTTP"),
    "failure_retries_not_below_retries m",
  ],
  [bound('add lb monitor m HTTP -httpRequest "GET / HTTP/1.1\\r\\nHost: x"'), "host_in_request m"],
  [bound("add lb monitor m HTTP -httpRequest GET /x"), "unquoted_value m"],
  [bound("add lb monitor m HTTP-ECV -send GET /x -recv ok"), "unquoted_value m"],
  [bound("add lb monitor m TCP -send x -recv y"), "option_of_another_type m"],
  [bound("add lb monitor m HTTP -recv ok"), "option_of_another_type m"],
  [bound("add lb monitor m TCP-ECV -recv ok -respCode 200"), "option_of_another_type m"],
  [
    bound('add lb monitor m LDAP -scriptName nsldap.pl -ldapBase "dc=a"'),
    "option_of_another_type m",
  ],
  ["add lb vserver web SSL 443 -cltTimeout 180", "incomplete_statement web"],
  ["add cs vserver web SSL 443", "incomplete_statement web"],
  [`${bound("add lb monitor m HTTP")}\nset lb monitor m -interval 30`, "incomplete_statement m"],
  [
    "add lb monitor m HTTP\nadd lb vserver v HTTP 10.0.1.1 80\nbind lb vserver v -monitorName m",
    "wrong_kind_reference v",
  ],
  ["add lb vserver v SSL 10.0.1.1 443\nbind lb vserver v -certkeyName c", "wrong_kind_reference v"],
  ["add service web 10.0.0.1 HTTPS 443", "unknown_service_type web"],
  ["add serviceGroup web TLS", "unknown_service_type web"],
  ["add lb vserver web HTTPS 10.0.0.1 443", "unknown_service_type web"],
  [
    `${WEB} -monThreshold 10\nbind service web -monitorName http -weight 3\nbind service web -monitorName tcp -weight 4`,
    "threshold_out_of_reach web",
  ],
  [
    "add serviceGroup web HTTP -monThreshold 3\nbind serviceGroup web 10.0.0.1 80\nbind serviceGroup web -monitorName http -weight 2",
    "threshold_out_of_reach web",
  ],
  [`${WEB}\nset service web -monThreshold 2`, "threshold_out_of_reach web"],
  [
    `${WEB} -monThreshold 2\nbind service web -monitorName http -weight 2 -monState DISABLED`,
    "threshold_out_of_reach web",
  ],
  [
    "add cs vserver c HTTP 10.0.0.1 80\nadd lb vserver v HTTP 0.0.0.0 0\nbind lb vserver c v",
    "wrong_kind_reference c",
  ],
  [
    "add cs vserver c HTTP 10.0.0.1 80\nadd responder policy p true DROP\nbind lb vserver c -policyName p -priority 1",
    "wrong_kind_reference c",
  ],
  [
    "add server s 10.0.0.1\nadd serviceGroup web HTTP\nbind serviceGroup web ghost 80",
    "dangling_reference web",
  ],
  [
    "add cs action a -targetLBVserver v\nadd cs policy p -rule true -action gone",
    "dangling_reference p",
  ],
];

describe("mistakes in any spelling", () => {
  test.each(MISTAKES)("are found in %s", (text, finding) => {
    expect(said(text)).toContain(finding);
    expect(proofFailures(text)).toEqual([]);
  });
});

const TWO = "add service a 10.0.0.11 HTTP 80\nadd service b 10.0.0.12 HTTP 80";

describe("monitor's own destination", () => {
  test.each([
    [
      "a standby's reversed monitor",
      `${TWO}\nadd lb monitor m HTTP -destIP 10.0.0.11 -reverse YES\nbind service b -monitorName m`,
    ],
    [
      "a reversed TCP monitor of a group",
      "add serviceGroup g TCP\nbind serviceGroup g 10.0.0.12 25\nadd lb monitor m TCP -reverse YES -destIP 10.0.0.11 -destPort 25\nbind serviceGroup g -monitorName m",
    ],
    [
      "a transparent monitor",
      "add service f 10.0.0.1 ANY *\nadd lb monitor m TCP -destIP 10.9.9.9 -destPort 80 -transparent YES\nbind service f -monitorName m",
    ],
    [
      "a tunnelled monitor",
      "add service f 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -destIP 10.9.9.9 -ipTunnel YES\nbind service f -monitorName m",
    ],
    [
      "TOS",
      "add service f 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -destIP 10.9.9.9 -tos YES -tosId 3\nbind service f -monitorName m",
    ],
    [
      "a VIP of this ADC",
      "add lb vserver v HTTP 10.0.0.99 80\nadd service f 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -destIP 10.0.0.99\nbind service f -monitorName m",
    ],
    [
      "its own member",
      "add service f 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -destIP 10.0.0.1\nbind service f -monitorName m",
    ],
    [
      "the loopback of the ADC",
      "add service f 10.0.0.1 HTTP 80\nadd lb monitor m PING -destIP 127.0.0.1\nbind service f -monitorName m",
    ],
    [
      "0.0.0.0, which means none",
      "add service f 10.0.0.1 HTTP 80\nadd lb monitor m HTTP -destIP 0.0.0.0\nbind service f -monitorName m",
    ],
  ])("is not reported when it is meant: %s", (_what, text) => {
    expect(said(text).filter((one) => one.startsWith("pinned_dest_ip"))).toEqual([]);
    expect(commands(text).join("\n")).not.toMatch(/-destIP (?!127|10\.)/);
  });

  test.each([
    [
      "one address for two services",
      `${TWO}\nadd lb monitor m HTTP -destIP 10.0.0.11\nbind service a -monitorName m\nbind service b -monitorName m`,
    ],
    [
      "one address for a group",
      "add serviceGroup g HTTP\nbind serviceGroup g 10.0.0.11 80\nbind serviceGroup g 10.0.0.12 80\nadd lb monitor m HTTP -destIP 10.0.0.11\nbind serviceGroup g -monitorName m",
    ],
    [
      "in the old form of binding",
      `${TWO}\nadd mon m HTTP -destIP 10.0.0.11\nbind mon m a\nbind mon m b`,
    ],
    [
      "IPv6",
      "add service a 2001:db8::1 HTTP 80\nadd lb monitor m HTTP -destIP 2001:db8::2\nbind service a -monitorName m",
    ],
  ])("is reported as pinned when it is %s", (_what, text) => {
    expect(said(text)).toContain("pinned_dest_ip m");
    expect(proofFailures(text)).toEqual([]);
  });
});

const SWITCHED = [
  "add service s 10.0.0.1 HTTP 80",
  "add lb vserver lb HTTP 0.0.0.0 0",
  "bind lb vserver lb s",
  "add cs vserver cs HTTP 10.0.1.1 80",
  "bind cs vserver cs -lbvserver lb",
];

describe("cs_without_stateupdate", () => {
  const severity = (...lines: readonly string[]): string | undefined =>
    lint(read(lines.join("\n"))).find((one) => one.rule === "cs_without_stateupdate")?.severity;

  test("is not reported when nothing depends on the state", () => {
    expect(severity(...SWITCHED)).toBeUndefined();
  });

  test.each([
    ["a backup waits for DOWN", "set cs vserver cs -backupVServer lb"],
    ["a redirect waits for DOWN", "set cs vserver cs -redirectURL https://sorry.example.com"],
    ["another vserver sends clients to it", "add service other 10.0.1.1 HTTP 8080"],
    ["GSLB answers its address", "add gslb service g 10.0.1.1 HTTP 80 -siteName one"],
  ])("is a warning when %s", (_what, line) => {
    expect(severity(...SWITCHED, line)).toBe("warning");
  });

  test("is information when Exchange is behind it and nothing waits for DOWN", () => {
    const exchange = [
      'add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK"',
      "bind service s -monitorName m",
    ];
    expect(severity(...SWITCHED, ...exchange)).toBe("info");
    expect(severity(...SWITCHED, ...exchange, "set cs vserver cs -backupVServer lb")).toBe(
      "warning",
    );
  });
});

describe("wildcard_port", () => {
  const found = (...lines: readonly string[]): readonly (readonly [string, number])[] =>
    lint(read(["add service s 10.0.0.1 TCP *", ...lines].join("\n")))
      .filter((one) => one.rule === "wildcard_port")
      .map(({ severity, commands: printed }) => [severity, printed.length]);
  const health = (keys: string, name = "m"): readonly string[] => [
    `add lb monitor ${name} ${keys}`,
    `bind service s -monitorName ${name}`,
  ];

  test("is information when a page decides the health", () => {
    expect(found(...health('HTTP-ECV -send "GET /up" -recv ok -destPort 8000'))).toEqual([
      ["info", 0],
    ]);
  });

  test("is not reported when several ports decide the health", () => {
    expect(found(...health("TCP -destPort 80"), ...health("TCP -destPort 443", "n"))).toEqual([]);
  });

  test("is a warning when one open port or none decides", () => {
    expect(found()).toEqual([["warning", 1]]);
    expect(found(...health("TCP -destPort 80"))).toEqual([["warning", 1]]);
    expect(found(...health("PING"))).toEqual([["warning", 1]]);
  });
});

describe("requests", () => {
  const requested = (keys: string): readonly string[] =>
    said(
      [
        "add service s 10.0.0.1 HTTP 80",
        `add lb monitor m ${keys}`,
        "bind service s -monitorName m",
      ].join("\n"),
    );

  test.each(["/keepalive.jsp", "/a/Check.aspx?full=1", "/ping.php", "/status.do"])(
    "head_request is not reported when the server runs %s for HEAD, too",
    (page) => {
      expect(requested(`HTTP -httpRequest "HEAD ${page}"`)).not.toContain("head_request m");
      expect(requested('HTTP -httpRequest "HEAD /keepalive.html"')).toContain("head_request m");
    },
  );

  test("head_request is not reported when only an error counts as success", () => {
    const rules = requested('HTTP -respCode 400 -httpRequest "HEAD /keepAlive.html"');
    expect(rules).toContain("resp_codes_accept_errors m");
    expect(rules).not.toContain("head_request m");
  });

  test("a request is not judged when the ADC rejects its monitor", () => {
    const rules = requested('HTTP -httpRequest "GET / HTTP/1.1\\r\\nHost: a.example.com" -recv ok');
    expect(rules).toContain("option_of_another_type m");
    expect(rules).not.toContain("host_in_request m");
  });
});

describe("a protocol of the administrator's own", () => {
  test("is not reported as in need of an HTTP monitor when its port is one of the web", () => {
    expect(said("add service s 10.0.0.1 TCP 80")).toEqual(["tcp_only s"]);
    expect(said("add service s 10.0.0.1 USER_TCP 80")).toEqual([]);
  });
});

describe("option_of_another_type", () => {
  test.each([
    'LDAP -scriptName nsldap.pl -password -ldapBase "dc=a"',
    "HTTP -httpreq /a",
    "STOREFRONT -storename Store -storefrontacctservice YES -hostName a",
    "MQTT -mqttClientIdentifier a",
    'USER -scriptName a.pl -comment "ours"',
  ])("is not reported for %s", (keys) => {
    expect(said(`add lb monitor m ${keys}`)).not.toContain("option_of_another_type m");
  });
});

describe("disabled service", () => {
  const severities = (...lines: readonly string[]): string[] =>
    lint(read(lines.join("\n")))
      .filter(({ object }) => object === "s" || object === "m")
      .map((one) => `${one.severity} ${one.rule}`);
  const HEAD = ['add lb monitor m HTTP -httpRequest "HEAD /"', "bind service s -monitorName m"];

  test.each([
    ["by itself", "add service s 10.0.0.1 HTTP 80 -state DISABLED"],
    ["by a command", "add service s 10.0.0.1 HTTP 80\ndisable service s"],
    ["with its server", "add server one 10.0.0.1 -state DISABLED\nadd service s one HTTP 80"],
  ])(
    "has no finding of what could be better, as has its monitor, when it is disabled %s",
    (_what, service) => {
      expect(severities(service)).toEqual([]);
      expect(severities(service, ...HEAD)).toEqual([]);
    },
  );

  test("has findings of the usual severity when its monitor serves another service too", () => {
    const other = ["add service t 10.0.0.2 HTTP 80", "bind service t -monitorName m"];
    const off = "add service s 10.0.0.1 HTTP 80 -state DISABLED";
    expect(severities(off, ...HEAD, ...other)).toEqual(
      severities("add service s 10.0.0.1 HTTP 80", ...HEAD, ...other),
    );
  });

  test("keeps its mistakes as information, and its findings of wrong spelling", () => {
    const off = "add service s 10.0.0.1 HTTP 80 -state DISABLED";
    const on = severities("add service s 10.0.0.1 HTTP 80", "bind service s t");
    expect(severities(off, "bind service s t")).toEqual(
      on.filter((one) => one !== "warning tcp_only"),
    );
    expect(severities(`${off} -healthMonitor NO`)).toEqual(["info health_monitor_off"]);
  });
});

describe("consequences of a reported mistake", () => {
  test("are not reported when an object could not be added", () => {
    expect(
      said(
        [
          "#NS13.1 Build 37.38",
          "add gslb site one 10.0.0.1",
          "add gslb service g one 10.0.1.1 HTTP 80",
          "add gslb vserver v HTTP",
          "bind gslb vserver v -serviceName g",
          "bind gslb service g -monitorName http",
          "set gslb service g -maxClient 5",
        ].join("\n"),
      ),
    ).toEqual(["incomplete_statement g"]);
    expect(
      said("#NS13.1 Build 37.38\nadd server one\nadd service s one HTTP 80").filter((one) =>
        one.startsWith("dangling"),
      ),
    ).toEqual([]);
  });

  test("are not reported as a missing monitor when the service type does not exist", () => {
    expect(said("add service s HTTP 10.0.0.1 80")).toEqual(["unknown_service_type s"]);
    expect(said("add serviceGroup s TCP-cltTimeout\nbind serviceGroup s 10.0.0.1 80")).toEqual([
      "unknown_service_type s",
    ]);
  });
});

describe("commands in a program's source", () => {
  const ADD = "add service s 10.0.0.1 HTTP 80";

  test.each([
    [`echo "${ADD}"`],
    [`printf '${ADD}\\n' >> batch.txt`],
    [`    "${ADD} -devno 5",`],
    [`  - '${ADD}'`],
    [`            '${ADD} \\n' + \\`],
    [`Write-Output "${ADD}";`],
    [`    Write-Output "${ADD}" | Out-File -Append $ConfigFile`],
    [`  @{"protocol"= "SSH";"command"= "${ADD}"};`],
    [`  {"command": "${ADD}"},`],
    [`    vpx_ns.cli("${ADD}")`],
    [`    $commands.Add( "${ADD}")`],
    [`    self.nscli(vpx_ns, "${ADD}")`],
    [`    +"${ADD}\\n"`],
    ["* add servicegroup s1 http", "s1"],
    [`\`\`\`${ADD}\`\`\``],
    [`\`\`\`${ADD}`],
    [`os.system("docker exec -i cpx cli_script.sh '${ADD}'")`],
    [`  { code: \`${ADD}`],
    [`const commands = \`${ADD}`],
    [`config = """${ADD}`],
  ])("are read from %s", (line, name = "s") => {
    expect([...read(line).services.keys()]).toEqual([name]);
  });

  test.each([
    [`The command "${ADD}" adds it.`],
    [`"${ADD}" and "add server a 10.0.0.2"`],
    [`print("added")`],
    [`self.nscli(vpx_ns, "add service s 10.0.0.%d HTTP 80" % (i))`],
    [`- add service s1 discovery to every site of HTTP`],
  ])("are not read from %s", (line) => {
    expect([...read(line).services.keys()]).toEqual([]);
  });

  test("are read when they remove something, unless the shell removes it", () => {
    const added = `  "${ADD}\\n",`;
    expect(read(`${added}\n  "rm service s\\n",`).services.size).toBe(0);
    expect(read(`${added}\necho "rm -rf /tmp/s"`).otherStatements).toEqual(
      read(added).otherStatements,
    );
  });

  test("are read as JSON and shells read text in double quotes", () => {
    const line = 'echo "add lb monitor m HTTP-ECV -send \\"GET /a\\" -recv ok"';
    expect(read(line).monitors.get("m")?.parameters.send).toBe("GET /a");
  });

  test("end at their quotes, whatever the next line has", () => {
    const long = `    @{"command"= "${ADD} -maxClient 0 -maxReq 0 -cip DISABLED -usip NO -CKA NO"};`;
    const next = '    @{"command"= ""add"" responder "action" -gslb LOCAL};';
    expect(said(`${long}\n${next}`)).toEqual(["tcp_only s", "unreadable_lines file"]);
  });

  test("are read as PowerShell doubles quotes", () => {
    const line = 'Write-Output "add lb monitor m HTTP-ECV -send ""GET /a"" -recv ok"';
    expect(read(line).monitors.get("m")?.parameters.send).toBe("GET /a");
  });

  test("are read from a comment, and its other lines continue none of them", () => {
    const text = [
      "\t * <pre>",
      '\t * add server one 10.0.0.1 -comment "long enough to be cut at the end of the line"',
      "\t * ",
      "\t * add service a one TCP 25 -gslb NONE -maxClient 0 -maxReq 0 -cip DISABLED -usip NO",
      "\t * </pre>",
      "\t */",
    ].join("\n");
    expect(said(text)).toEqual(["tcp_only a"]);
  });

  test("are not continued by a title or a tool's message", () => {
    const command =
      "add lb monitor m RADIUS -respCode 2 -userName u -password p -radKey k -destPort 1812 -resptimeout 4";
    const text = [command, "[*] Config line:", command.replace(" m ", " n "), "[+] Pass: none"];
    const { monitors, passedOver } = read(text.join("\n"));
    expect([...monitors.keys()]).toEqual(["m", "n"]);
    expect(passedOver).toBe(2);
  });

  test("are read when the source doubles each backslash", () => {
    const written =
      'HTTP.REQ.URL.STARTSWITH(\\\\"/api/\\\\") || HTTP.REQ.URL.ENDSWITH(\\\\".css\\\\")';
    expect(read(`add cs policy p -rule "${written}" -action a`).policies.get("p")?.rule).toBe(
      'HTTP.REQ.URL.STARTSWITH("/api/") || HTTP.REQ.URL.ENDSWITH(".css")',
    );
  });

  test("keep a backslash at the end of a value", () => {
    const line = 'add lb monitor m TCP-ECV -send "a\\\\" -recv "b\\\\"';
    expect(read(line).monitors.get("m")?.parameters).toMatchObject({ send: "a\\", recv: "b\\" });
  });

  test("do not continue behind the end of a text of several lines", () => {
    const text = [
      'SHOW = """ 1) a list',
      '"""',
      'CONFIG = """# NS13.1 Build 49.13.nc',
      "add service svc_with_a_long_name_to_be_wrapped 10.0.0.1 TCP 25 -maxClient 0",
      '"""',
    ].join("\n");
    expect(said(text)).toEqual(["tcp_only svc_with_a_long_name_to_be_wrapped"]);
  });
});

describe("a guide's commands", () => {
  test("may have the short form of -certkeyName, although another option begins like it", () => {
    const lines = [
      "add ssl certKey c -cert c.pem",
      "add lb vserver v SSL 10.0.0.1 443",
      "bind ssl vserver v -certkey c",
    ];
    const estate = read(lines.join("\n"));
    expect(estate.lbVservers.get("v")?.certKeys.map(({ certKey }) => certKey)).toEqual(["c"]);
    expect(said(lines.join("\n"))).not.toContain("doubtful_option v");
  });

  test("are a synopsis when a parenthesis holds a placeholder", () => {
    const page = [
      "Some prose.",
      "add server <name> (<IPAddress> | (<domain>)",
      "add server s 10.0.0.1",
    ];
    expect(said(page.join("\n"))).toEqual([]);
  });

  test("may say -force where the ADC would ask", () => {
    expect(said("set ssl parameter -defaultProfile ENABLED -force")).toEqual([]);
  });

  test("for an existing service group do not mean a service that nothing uses", () => {
    const lines = ["add service s 10.0.0.1 FTP 21", "set serviceGroup g -maxClient 100"];
    expect(said(lines.join("\n")).filter((one) => one.startsWith("dangling"))).toEqual([]);
  });

  test("without a fix are the same cause as those with one", () => {
    const text = [
      "#NS13.1 Build 37.38",
      "set ns config -IPAddress 10.9.9.9 -netmask 255.255.255.0",
      "add lb monitor a TCP -send x",
      "add lb monitor b TCP-ECV -send x -recv y",
    ].join("\n");
    const [cause, ...others] = groupFindings(lint(read(text))).filter(
      ({ rule }) => rule === "unused_monitor",
    );
    expect(others).toEqual([]);
    expect(cause?.objects.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(cause?.commands).toEqual(["rm lb monitor b TCP-ECV"]);
  });
});

describe("unreadable_lines", () => {
  const BOTH = ["add server a 10.0.0.1", "add service s a TCP 9"];
  const severity = (...lines: string[]): string | undefined =>
    lint(read(lines.join("\n"))).find((found) => found.rule === "unreadable_lines")?.severity;

  test("does not count a shell's prompt", () => {
    const shell = "root@cpx-ingress-64464fdb75-9wchv:/# ";
    expect(severity(`${shell}cat ns.conf`, "#NS13.0 Build 79.64", ...BOTH, shell)).toBeUndefined();
  });

  test("is not reported when the only line is a title above several commands", () => {
    const lines = ["Rules created in the ADC:", ...BOTH];
    expect(severity(...lines)).toBeUndefined();
    expect(read(lines.join("\n")).passedOver).toBe(1);
    expect(read(BOTH.join("\n")).passedOver).toBeUndefined();
  });

  test.each([
    [[...BOTH, "what is this"]],
    [["what is this", ...BOTH.slice(0, 1)]],
    [["#NS13.1 Build 37.38", "what is this", ...BOTH]],
  ])("is a warning when it may be a lost command: %j", (lines) => {
    expect(severity(...lines)).toBe("warning");
  });
});

describe("shallow monitors", () => {
  const service = (name: string): string[] => [
    `add service ${name} 10.0.0.1 HTTP ${String(9_000 + name.length)}`,
    `add lb monitor mon_${name} TCP`,
    `bind service ${name} -monitorName mon_${name}`,
  ];
  const messages = (text: string[]): Set<string> =>
    new Set(
      lint(read(text.join("\n")))
        .filter((one) => one.rule === "tcp_only")
        .map(({ message }) => message),
    );

  test("are one finding when each of several services has its own monitor", () => {
    const [only = "", ...others] = messages([...service("a"), ...service("bb")]);
    expect(others).toEqual([]);
    expect(only).toContain("(its own TCP monitor)");
  });

  test("are named when only one service has its own", () => {
    expect([...messages(service("a"))].join()).toContain("(mon_a)");
  });

  const WHOLE = [
    "#NS13.1 Build 37.38",
    "add service used 10.0.0.1 HTTP 80",
    "add service spare 10.0.0.2 HTTP 80",
    "add lb vserver v HTTP 10.0.1.1 80",
    "bind lb vserver v used",
  ];

  test("are not reported for a service that no vserver of a saved configuration has", () => {
    expect(said(WHOLE.join("\n"))).toEqual(["tcp_only used"]);
    expect(said(WHOLE.slice(1).join("\n"))).toEqual(["tcp_only used", "tcp_only spare"]);
  });

  test("are not reported for a service whose vservers are all disabled", () => {
    const found = lint(read([...WHOLE, "disable lb vserver v"].join("\n")));
    expect(found.find((one) => one.rule === "tcp_only")).toBeUndefined();
    const second = ["add lb vserver w HTTP 10.0.1.2 80", "bind lb vserver w used"];
    const both = lint(read([...WHOLE, "disable lb vserver v", ...second].join("\n")));
    expect(both.find((one) => one.rule === "tcp_only")?.severity).toBe("warning");
  });

  test.each([
    ["TCP 1801", "tcp"],
    ["LOGSTREAM 5557", "tcp"],
    ["UDP 514", "ping"],
  ])("are not reported for %s, where no monitor checks more", (where, monitor) => {
    expect(said(`add service s 10.0.0.1 ${where}\nbind service s -monitorName ${monitor}`)).toEqual(
      [],
    );
  });

  test("are not reported when a search shows only some lines of a service", () => {
    const shown = ["> sh run | grep one", "add server one 10.0.0.1", "add service s one HTTP 80"];
    expect(said(shown.join("\n"))).toEqual([]);
    expect(said([...shown, "bind service s -monitorName tcp"].join("\n"))).toEqual(["tcp_only s"]);
    expect(said(["> sh run", ...shown.slice(1)].join("\n"))).toEqual(["tcp_only s"]);
  });
});

describe("statements that are not examined", () => {
  test("include vservers of a protocol extension", () => {
    const text =
      "add user protocol P -transport TCP -extension e\nadd user vserver u P 10.0.0.1 80";
    expect(said(text)).toEqual([]);
    expect(notesOf(read(text))).toEqual([expect.stringContaining("add user vserver")]);
  });

  test("do not include what every saved configuration has, nor settings that direct no client", () => {
    const label = "policylabel ns_cvpn_v2_url_label ns_cvpn_v2_bypass_url_pol 20000 NEXT";
    const text = `#NS13.1 Build 37.38\nset gslb parameter -ldnsEntryTimeout 30\nbind rewrite ${label}`;
    expect(notesOf(read(text))).toEqual([]);
    expect(notesOf(read(`${text}\nbind rewrite policylabel mine p 100 NEXT`))).toHaveLength(1);
  });

  test("include commands of no known kind, unless a page's sentence begins with a verb", () => {
    const text = `#NS13.1 Build 37.38\n${WEB}\nadd foo bar baz\nset foo bar\nadd rnat x\nset L2Param -x y`;
    expect(notesOf(read(text))).toEqual([expect.stringMatching(/: add foo, set foo\.$/)]);
    const page = `Add your own values.\nSet up the rest.\nThe end of it.\n${WEB}`;
    expect(notesOf(read(page))).toEqual([]);
  });

  test("are no reason to find nothing in a file that holds only GSLB", () => {
    expect(holdsNothing(read("add gslb vserver g HTTP"))).toBe(false);
    expect(holdsNothing(read("add gslb service s 10.0.0.1 HTTP 80 -siteName here"))).toBe(false);
  });

  test("include no mistake where a guide leaves arguments open", () => {
    const text = [
      "add service s1 <COE IP1> LOGSTREAM <COE PORT1>",
      "add service s2 <IP> HTTP <PORT>",
      "add serviceGroup g HTTP",
      "bind serviceGroup g one <PORT>",
    ];
    expect(said(text.join("\n")).filter((one) => !one.startsWith("dangling"))).toEqual([]);
  });

  test("have no value in a template whose names are open too", () => {
    expect(said("add lb monitor ${1:<name>} TCP-ECV -recv ok -secure ${2:YES}")).not.toContain(
      "unreadable_value ${1:<name>}",
    );
  });

  test("name a value that is still to be filled in", () => {
    const text = "add lb monitor m TCP -destIP $db1_ip";
    expect(said(text)).toEqual([]);
    expect(notesOf(read(text))).toEqual([
      "-destIP of m: the value is still to be filled in; this import uses the default (0.0.0.0).",
    ]);
  });

  test("name several values that are still to be filled in once", () => {
    const text = ["$one", "$two", "$three"].map(
      (ip, at) => `add lb monitor m${String(at)} TCP -destIP ${ip}`,
    );
    expect(notesOf(read(text.join("\n")))).toEqual([
      "-destIP of m0: the value is still to be filled in; this import uses the default (0.0.0.0). So it does for 2 more values.",
    ]);
  });
});

test.each(["KAFKA_BROKER", "DOT", "ADNS_DOH", "QUIC_BRIDGE", "MQTT_TLS"])(
  "unknown_service_type › knows newer firmware's %s",
  (type) => {
    expect(said(`add service s 10.0.0.1 ${type} 9092`)).not.toContain("unknown_service_type s");
  },
);

test.each([
  ["HTTPS", "use SSL"],
  ["SSL-BRIDGE", "use SSL_BRIDGE"],
])("unknown_service_type › names the type that %s stands for", (type, meant) => {
  const [finding] = lint(read(`add service s 10.0.0.1 ${type} 443`));
  expect(finding?.message).toContain(meant);
});

test("slow_detection › is silent about LOAD monitors, which take no server out", () => {
  const text = `${WEB}\nadd lb metricTable t\nadd lb monitor l LOAD -interval 5 MIN -metricTable t\nbind service web -monitorName l`;
  expect(said(text)).not.toContain("slow_detection l");
});

test("set lb monitor › writes seconds out when the present value has another unit", () => {
  const slow = bound(
    'add lb monitor m HTTP -httpRequest "GET /a" -interval 10 MIN -resptimeout 20 -retries 10',
  );
  expect(commands(slow)).toContain("set lb monitor m HTTP -interval 30 SEC");
  expect(commands(slow.replace("10 MIN", "600"))).toContain("set lb monitor m HTTP -interval 30");
});

test("header_without_line_end › leaves the decision open when rn may be a lost line end", () => {
  const text = bound('add lb monitor m HTTP -httpRequest "GET /a" -customHeaders "Host: a.comrn"');
  const found = lint(read(text)).find((one) => one.rule === "header_without_line_end");
  expect(found).toMatchObject({ complete: false });
});

test("lrtm_suppresses_probes › prints no command when a default monitor was bound by hand", () => {
  const text = "add service s 10.0.0.1 TCP 9000\nbind service s -monitorName tcp-default";
  expect(commands(text)).toEqual([]);
});

test("not_looked_at › names clear ns config", () => {
  const [note] = notesOf(read(`${WEB}\nclear ns config basic`));
  expect(note).toContain("clear ns config");
});

describe("groups on several ports", () => {
  const group = (type: string, ...ports: (number | string)[]): string =>
    [
      `add serviceGroup g ${type}`,
      ...ports.map((port) => `bind serviceGroup g 10.0.0.1 ${String(port)}`),
    ].join("\n");
  test.each([
    ["TCP", 143, 993],
    ["TCP", 143, 110],
    ["TCP", 25, 465],
    ["TCP", 80, 443],
    ["TCP", 143, "*"],
    ["TCP", 143, 1143],
    ["UDP", 123, 53],
  ] as const)("get no monitor that fits only some of them: %s on %s and %s", (type, ...ports) => {
    expect(commands(group(type, ...ports))).toEqual([]);
  });

  test.each([
    ["TCP", 25, 587, 'TCP-ECV -recv "220 "'],
    ["SSL_TCP", 143, 993, 'TCP-ECV -recv "* OK" -secure YES'],
    ["SSL_BRIDGE", 443, 993, "-monitorName tcps"],
    ["HTTP", 80, 9000, "HTTP-ECV"],
  ] as const)("get the one that fits all: %s on %i and %i", (type, one, other, wanted) => {
    const text = group(type, one, other);
    expect(commands(text)[0]).toContain(wanted);
    expect(proofFailures(text)).toEqual([]);
  });

  test("get no request without TLS when the port is one on which both are common", () => {
    expect(commands("add service s 10.0.0.1 TCP 8443")).toEqual([]);
  });
});

test.each(["it's mail", "zürich", "(x)", "-mail"])(
  "new names › have only characters that the ADC accepts when an old name is %s",
  (name) => {
    const [add = ""] = commands(`add service "${name}" 10.0.0.1 TCP 143`);
    expect(add).toMatch(/^add lb monitor ("[A-Za-z0-9_#. :@=-]+"|[A-Za-z0-9_#.:@=-]+) TCP-ECV /);
    expect(add).not.toContain("monitor -");
  },
);

test("authentication_without_sso › counts what is bound to content switching in front", () => {
  const text = [
    "add server ex01 10.0.0.1",
    "add serviceGroup g SSL",
    "bind serviceGroup g ex01 443",
    'add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
    "bind serviceGroup g -monitorName m",
    "add authentication vserver aaa SSL 0.0.0.0",
    "add lb vserver v SSL 0.0.0.0 0 -AuthenticationHost aaa.example.com -Authentication ON -authnVsName aaa",
    "bind lb vserver v g",
    "add cs vserver cs SSL 10.0.1.1 443",
    "bind cs vserver cs -lbvserver v",
    "add tm trafficAction t -SSO ON",
    "add tm trafficPolicy p true t",
  ].join("\n");
  expect(said(text)).toContain("authentication_without_sso v");
  expect(
    said(`${text}\nbind cs vserver cs -policyName p -priority 100 -type REQUEST`),
  ).not.toContain("authentication_without_sso v");
});

describe("TLS settings in a form of their own", () => {
  test.each([
    ["add service s 10.0.0.1 SSL 443", "set ssl serviceGroup s -SNIEnable ENABLED"],
    ["add serviceGroup s SSL", "set ssl service s -SNIEnable ENABLED"],
    ["add serviceGroup s SSL", "bind ssl service s -certkeyName ck"],
  ])("name the command that the object has: %s and %s", (add, line) => {
    const text = `add ssl certKey ck -cert a -key b\n${add}\n${line}`;
    expect(said(text)).toContain("wrong_kind_reference s");
    expect(read(text).services.get("s")).not.toHaveProperty("clientCertificate");
  });

  test("bind a certificate as old firmware does", () => {
    const text = [
      "add ssl certKey ck -cert a -key b",
      "add lb vserver v SSL 10.0.0.9 443",
      "add service s 10.0.0.1 SSL 443",
      "bind lb vserver v s",
    ].join("\n");
    expect(said(text)).toContain("vserver_without_certificate v");
    expect(said(`${text}\nbind ssl certKey v ck`)).not.toContain("vserver_without_certificate v");
    expect(read("add ssl certKey ck -cert a\nbind ssl certKey ck -ocspResponder o")).toMatchObject({
      diagnostics: [],
    });
  });
});

describe("cs_passes_every_url", () => {
  const behind = (...policies: string[]): string =>
    [
      "add server ex01 10.0.0.1",
      "add serviceGroup g SSL",
      "bind serviceGroup g ex01 443",
      'add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
      "bind serviceGroup g -monitorName m",
      "add lb vserver v SSL 0.0.0.0 0",
      "bind lb vserver v g",
      "add cs vserver cs SSL 10.0.1.1 443",
      ...policies.map((line, at) => `add cs policy p${String(at)} ${line}`),
      ...policies.map(
        (_line, at) => `bind cs vserver cs -policyName p${String(at)} -targetLBVserver v`,
      ),
    ].join("\n");
  const narrowing = (text: string): string[] =>
    commands(text).filter((line) => line.startsWith("set cs policy p0"));
  test.each([
    [
      "another branch would be restricted",
      '-rule q{HTTP.REQ.URL.CONTAINS("/ecp") || HTTP.REQ.HOSTNAME.EQ("a.example.com")}',
    ],
    ["the policy is classic", "-domain a.example.com"],
    ["the rule is classic", "-rule \"REQ.HTTP.HEADER Host == 'a.example.com'\""],
  ])("prints no narrower rule when %s", (_when, policy) => {
    const text = behind(policy, '-rule q{HTTP.REQ.URL.PATH.STARTSWITH("/owa")}');
    expect(said(text)).toContain("cs_passes_every_url p0");
    expect(narrowing(text)).toEqual([]);
  });

  test("prints a narrower rule when the whole rule is meant", () => {
    const text = behind(
      '-rule q{HTTP.REQ.HOSTNAME.EQ("a.example.com")}',
      '-rule q{HTTP.REQ.URL.PATH.STARTSWITH("/owa")}',
    );
    expect(narrowing(text)).toHaveLength(1);
  });
});

test.each([
  ["HTTP -respCode 200", true],
  ["HTTP", true],
  ["HTTP -respCode 200 302", false],
  ["HTTP -respCode 200-299", false],
  ["HTTP-INLINE -respCode 200", false],
])("http_ignores_body › replaces %s without a decision: %s", (type, complete) => {
  const text = bound(`add lb monitor m ${type} -httpRequest "GET /owa/healthcheck.htm"`);
  const found = lint(read(text)).find(({ rule }) => rule === "http_ignores_body");
  expect(found).toMatchObject({ complete });
  expect(proofFailures(text)).toEqual([]);
});

test("duplicate_vserver_endpoint › is silent when a listen policy tells the vservers apart", () => {
  const text =
    'add lb vserver a HTTP 10.0.1.1 80 -Listenpolicy "CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16)" -Listenpriority 5\nadd lb vserver b HTTP 10.0.1.1 80';
  expect(said(text)).not.toContain("duplicate_vserver_endpoint b");
  expect(said(text.replace(/ -Listen.* 5/, ""))).toContain("duplicate_vserver_endpoint b");
});

test("missing_secure › finds a POP3 login on a TLS port, and prints no option that it does not have", () => {
  const login = "add lb monitor m POP3 -scriptName nspop3.pl -userName u -password p";
  const text = bound(login, "add service web 10.0.0.1 TCP 995");
  expect(said(text)).toContain("missing_secure m");
  expect(commands(text).filter((line) => line.includes("secure"))).toEqual([]);
  expect(said(text.replace("995", "110"))).not.toContain("missing_secure m");
});

describe("a fixed destination", () => {
  const group = (...lines: string[]): string =>
    [
      "add serviceGroup g HTTP",
      "bind serviceGroup g 10.0.0.1 80",
      "bind serviceGroup g 10.0.0.2 80",
      "add lb monitor m TCP -destIP 10.0.0.50 -destPort 1433",
      "bind serviceGroup g -monitorName m",
      ...lines,
    ].join("\n");
  const OWN =
    'add lb monitor own HTTP-ECV -send "GET /a" -recv ok\nbind serviceGroup g -monitorName own';

  test("is no finding when another monitor probes each member itself", () => {
    expect(said(group(OWN))).not.toContain("pinned_dest_ip m");
    expect(said(group(OWN))).not.toContain("dest_port_of_another_protocol m");
    expect(commands(group(OWN)).filter((line) => line.includes("destIP"))).toEqual([]);
  });

  test.each([
    ["is disabled", `${OWN} -monState DISABLED`],
    ["need not pass", `${OWN}\nset serviceGroup g -monThreshold 1`],
    ["is missing", ""],
  ])("is a finding when the other monitor %s", (_when, more) => {
    expect(said(group(more))).toContain("pinned_dest_ip m");
  });

  test("is left to the administrator when it is no member's address", () => {
    const found = (text: string) => lint(read(text)).find(({ rule }) => rule === "pinned_dest_ip");
    expect(found(group())).toMatchObject({ complete: false });
    expect(found(group().replace("10.0.0.50 -destPort 1433", "10.0.0.1"))).toMatchObject({
      complete: true,
    });
  });

  test("is the member's own when IPv6 is written in another way", () => {
    const text = bound(
      "add lb monitor m TCP-ECV -send x -recv y -destIP 2001:0db8:0:0::1",
      "add service web 2001:db8::1 TCP 9000",
    );
    expect(said(text)).not.toContain("pinned_dest_ip m");
  });
});

test.each(["bind servce web -monitorName http", "add monitr m HTTP"])(
  "unknown_command › names a mistyped object: %s",
  (line) => {
    expect(said(`${WEB}\n${line}`)).toContain("unknown_command file");
  },
);

test.each(["add lb monitor m", "switch ns partition P1\nadd service s 10.0.0.1 HTTP 80"])(
  "import › does not call a text empty when it can say what is wrong with it: %s",
  (text) => {
    expect(holdsNothing(read(text))).toBe(false);
  },
);

test.each([
  ["HTTP -respCode 400", false],
  ["HTTP -respCode 200-499", false],
  ['TCP-ECV -send "GET / HTTP/1.0" -recv "400 Bad Request"', false],
  ["HTTP -respCode 200", true],
])("missing_secure › is fixed without a decision for %s: %s", (type, complete) => {
  const text = bound(`add lb monitor m ${type}`, "add service web 10.0.0.1 SSL 443");
  const found = lint(read(text)).find(({ rule }) => rule === "missing_secure");
  expect(found).toMatchObject({ complete });
});

test.each([
  ["GET /owa/healthcheck.htm HTTP/1.1", true],
  ["GET /app HTTP/1.1", false],
])("recv_bare_200 › is fixed without a decision for %s: %s", (request, complete) => {
  const text = bound(
    `add lb monitor m TCP-ECV -send "${request}\\r\\nHost: a\\r\\n\\r\\n" -recv 200`,
  );
  const found = lint(read(text)).find(({ rule }) => rule === "recv_bare_200");
  expect(found).toMatchObject({ complete });
});

describe("monitor_of_another_directory", () => {
  const conf = (ready: string): string =>
    [
      "#NS13.0 Build 92.21",
      "add server ex1 10.0.0.9",
      "add serviceGroup sg_ews SSL",
      "add lb vserver lb_ews HTTP 10.0.1.1 80",
      "bind lb vserver lb_ews sg_ews",
      'add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
      ready,
      "bind serviceGroup sg_ews ex1 443",
      "bind serviceGroup sg_ews -monitorName m_owa",
    ].join("\n");

  test("binds the unused monitor that requests the right page when there is one", () => {
    const text = conf(
      'add lb monitor m_ews HTTP-ECV -send "GET /EWS/healthcheck.htm" -recv "200 OK" -secure YES',
    );
    expect(said(text)).toEqual(["monitor_of_another_directory sg_ews"]);
    expect(commands(text)).toEqual([
      "bind serviceGroup sg_ews -monitorName m_ews",
      "unbind serviceGroup sg_ews -monitorName m_owa",
    ]);
    expect(proofFailures(text)).toEqual([]);
  });

  test.each([
    ["speaks without TLS", '"GET /ews/healthcheck.htm" -recv "200 OK"'],
    [
      "probes another server",
      '"GET /ews/healthcheck.htm" -recv "200 OK" -secure YES -destIP 10.9.9.9',
    ],
    ["expects something else", '"GET /ews/healthcheck.htm" -recv ok -secure YES'],
  ])("copies the wrong one when the unused one %s", (_what, options) => {
    const text = conf(`add lb monitor m_ews HTTP-ECV -send ${options}`);
    expect(commands(text)).toContain("bind serviceGroup sg_ews -monitorName m_owa_ews");
  });
});

test("recognition › does not take Skype for Exchange when its Autodiscover service is requested", () => {
  const text = [
    "add serviceGroup fe TCP",
    "bind serviceGroup fe 10.0.0.31 443",
    'add lb monitor m HTTP-ECV -send "GET /autodiscover/autodiscoverservice.svc/root" -recv _links -secure YES',
    "bind serviceGroup fe -monitorName m",
    "add serviceGroup sip TCP",
    "bind serviceGroup sip 10.0.0.31 5061",
    "add lb monitor t TCP -LRTM DISABLED -secure YES",
    "bind serviceGroup sip -monitorName t",
  ].join("\n");
  expect(said(text)).toEqual([]);
  expect(plan(text).map(({ transaction }) => transaction)).not.toContain("health_page");
});

describe("logins at the ADC", () => {
  const site = [
    "add service exch 10.0.0.9 SSL 443",
    'add lb monitor health HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES',
    "bind service exch -monitorName health",
    "add lb vserver v SSL 10.0.1.1 443 -authn401 ON -authnVsName vs_aaa_mail",
    "bind lb vserver v exch",
  ];
  const login = "add authentication vserver vs_aaa_mail SSL 0.0.0.0";
  const policies = [
    "add authentication ldapPolicy ldap ns_true 10.0.0.7",
    "add tm sessionAction a -SSO ON -kcdAccount kcd",
    "add tm sessionPolicy p true a",
  ];
  const boundTo = (name: string): string[] => [
    `bind authentication vserver ${name} -policy ldap -priority 100`,
    `bind authentication vserver ${name} -policy p -priority 110`,
  ];
  const text = (...lines: readonly string[]): string => [...site, ...policies, ...lines].join("\n");

  test("are not called unable to pass a login on when their policies are bound under a mistyped name", () => {
    const rules = said(text(login, ...boundTo("aaa_vs_mail")));
    expect(rules).toContain("dangling_reference aaa_vs_mail");
    expect(rules.join()).not.toMatch(/authentication_without_sso|ntlm_without_kcd/);
  });

  test("are not called unable to pass a login on when the text does not contain them", () => {
    expect(said(text()).join()).not.toMatch(/authentication_without_sso|ntlm_without_kcd/);
  });

  test("are called unable to pass a login on when the policies that they have do not", () => {
    const [toLdap = ""] = boundTo("vs_aaa_mail");
    expect(said(text(login, toLdap))).toEqual(
      expect.arrayContaining(["authentication_without_sso v", "ntlm_without_kcd v"]),
    );
  });

  test("ntlm_without_kcd › is one finding for all directories", () => {
    const owner = (directory: string): string[] => [
      `add service ${directory} 10.0.0.8 SSL 443`,
      `add lb monitor m_${directory} HTTP-ECV -send "GET /${directory}/healthcheck.htm" -recv "200 OK" -secure YES`,
      `bind service ${directory} -monitorName m_${directory}`,
      `add lb vserver v_${directory} SSL 0.0.0.0 0 -authn401 ON`,
      `bind lb vserver v_${directory} ${directory}`,
    ];
    const groups = groupFindings(lint(read([...owner("ews"), ...owner("mapi")].join("\n"))));
    expect(groups.filter(({ rule }) => rule === "ntlm_without_kcd")).toMatchObject([
      { objects: [{ name: "v_ews" }, { name: "v_mapi" }] },
    ]);
  });
});

test("cs_passes_every_url › passes a default that redirects every request", () => {
  const text = (...more: readonly string[]): string =>
    [
      "add service exch 10.0.0.9 SSL 443",
      'add lb monitor health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
      "bind service exch -monitorName health",
      "add lb vserver lb_owa HTTP 0.0.0.0 0",
      "add lb vserver lb_rest HTTP 0.0.0.0 0",
      "bind lb vserver lb_owa exch",
      "bind lb vserver lb_rest exch",
      "add cs vserver cs SSL 10.0.1.1 443",
      "add cs action to_owa -targetLBVserver lb_owa",
      'add cs policy p_owa -rule q{HTTP.REQ.URL.PATH.STARTSWITH("/owa")} -action to_owa',
      "bind cs vserver cs -policyName p_owa -priority 100",
      "bind cs vserver cs -lbvserver lb_rest",
      ...more,
    ].join("\n");
  expect(said(text())).toContain("cs_passes_every_url cs");
  expect(
    said(
      text(
        'add responder action red redirect "\\"https://mail.example.com/owa/\\"" -responseStatusCode 302',
        "add responder policy redp true red",
        "bind lb vserver lb_rest -policyName redp -priority 100 -gotoPriorityExpression END -type REQUEST",
      ),
    ),
  ).not.toContain("cs_passes_every_url cs");
});

test.each([
  "set lb monitor mqtt MQTT -LRTM DISABLED",
  "set lb monitor mqtt-tls MQTT -LRTM DISABLED",
  "set lb monitor VPN_INT_MON-0 TCP -LRTM DISABLED",
  'add server web 10.0.0.1\nadd service nshttps-192.0.0.2-443 "#ns-internal-192.0.0.2#" SSL 443',
])("dangling_reference › knows what the ADC makes itself: %s", (line) => {
  const text = `#NS13.1 Build 37.38\nset ns config -IPAddress 10.0.0.2 -netmask 255.255.255.0\n${line}`;
  expect(said(text).join()).not.toContain("dangling_reference");
});

test.each([
  ["awslbdnsservice0", false],
  ["azurelbdnsservice0", false],
  ["dns", true],
])("health_monitor_off › leaves the resolver of a cloud alone: %s: %s", (name, isSaid) => {
  const rules = said(`add service ${name} 10.0.0.2 DNS 53 -healthMonitor NO`);
  expect(rules.includes(`health_monitor_off ${name}`)).toBe(isSaid);
});

test.each([
  [
    "add lb vserver v HTTP 10.0.1.1 80 -ipset more",
    "Vserver v: This vserver also listens on the addresses of IP set more (-ipset): only its own address is probed.",
  ],
  ["add cs vserver v HTTP -IPPattern 0.0.1.1 -IPMask 0.0.255.255 80", /^Vserver v: .*-IPPattern/],
  ["add lb vserver v HTTP 10.0.1.1 80 -ipset none", null],
])(
  "lint › notes addresses that are not probed, and does not find fault with them: %s",
  (line, note) => {
    const notes = notesOf(read(line)).filter((one) => one.startsWith("Vserver"));
    expect(notes).toEqual(
      note === null ? [] : [typeof note === "string" ? note : expect.stringMatching(note)],
    );
    expect(said(line).join()).not.toContain("addresses_not_asked");
  },
);

test.each([
  "set lb vserver <name:port> -tcpprofile <profile>",
  "unset lb vserver <name:port> -tcpprofile nstcp_default_profile",
  "unset service <name:port> -tcpprofile nstcp_default_profile",
])("lint › says nothing about the options of a template's command: %s", (line) => {
  expect(said(line).join()).not.toMatch(/doubtful_option|unknown_option/);
});

test("vserver_without_certificate › says nothing about a vserver that is disabled", () => {
  const line = "add lb vserver v SSL_TCP 10.0.1.1 993";
  expect(said(line)).toContain("vserver_without_certificate v");
  expect(said(`${line} -state DISABLED`)).not.toContain("vserver_without_certificate v");
});

test("dangling_reference › is one finding for all missing servers of a whole configuration", () => {
  const text = [
    "#NS13.1 Build 37.38",
    "set ns config -IPAddress 10.0.0.2 -netmask 255.255.255.0",
    "add server web 10.0.0.1",
    ...["a", "b"].flatMap((group) => [
      `add serviceGroup ${group} TCP`,
      ...[1, 2].map((number) => `bind serviceGroup ${group} gone_${group}${String(number)} 80`),
    ]),
  ].join("\n");
  expect(
    groupFindings(lint(read(text))).filter(({ rule }) => rule === "dangling_reference"),
  ).toMatchObject([
    {
      objects: [{ name: "a" }, { name: "b" }],
      message:
        "Needs a server that is not configured (missing: gone_a1, gone_a2, gone_b1, gone_b2).",
    },
  ]);
});

test.each(["Y", "y", "yes", "N"])(
  "import › passes over the answer to a question of the ADC's: %s",
  (answer) => {
    const long = `<pre class="rouge highlight"><code>set ssl parameter -defaultProfile ENABLED\n${answer}`;
    for (const text of [`set ssl parameter -defaultProfile ENABLED\n${answer}`, long]) {
      expect(said(`${text}\nadd server a 10.0.0.1`).join()).not.toMatch(
        /stray_words|unreadable_lines/,
      );
    }
  },
);

test("import › keeps a wrapped value that looks like an answer", () => {
  const text = "add service s 10.0.0.1 HTTP 80 -maxClient 0 -maxReq 0 -healthMonitor\nNO";
  expect(read(text).services.get("s")?.healthMonitor).toBe(false);
});

test("plan › leaves the ADC's own services out when a saved file contains one", () => {
  const text = [
    "#NS14.1 Build 43.50",
    "set ns config -IPAddress 192.0.0.2 -netmask 255.255.255.0",
    "add server web 10.0.0.1",
    'add service nshttps-192.0.0.2-443 "#ns-internal-192.0.0.2#" SSL 443 -tcpProfileName nstcp_internal_apps',
    "set ssl service nshttps-192.0.0.2-443 -sslProfile ns_default_ssl_profile_frontend",
    "bind service nshttps-192.0.0.2-443 -monitorName tcp",
    "add service s web HTTP 80",
  ].join("\n");
  expect(new Set(plan(text).map((row) => row.adc_service))).toEqual(new Set(["s"]));
  expect(said(text)).toEqual(["tcp_only s"]);
});

test("dangling_reference › tells a mistyped name once when an object and a statement have it", () => {
  const text = [
    "# a page",
    "Some text about the login of the site.",
    "Some more text about the login of the site.",
    "add authentication vserver vs_aaa_mail SSL 0.0.0.0",
    "add lb vserver v SSL 10.0.1.1 443 -authn401 ON -authnVsName aaa_vs_mail",
    "bind authentication vserver aaa_vs_mail -policy ldap -priority 100",
  ].join("\n");
  expect(said(text).filter((one) => one.startsWith("dangling_reference"))).toEqual([
    "dangling_reference v",
  ]);
});

describe("one cause", () => {
  const OWA = [
    'add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
    "add service exch 10.0.0.1 SSL 443",
    "bind service exch -monitorName m",
  ];
  const sticky = (name: string, last: number, minutes: number): string[] => [
    `add lb vserver ${name} SSL 10.0.1.${String(last)} 443 -persistenceType SOURCEIP -timeout ${String(minutes)}`,
    `bind lb vserver ${name} exch`,
  ];
  const groups = (...lines: readonly string[]) => groupFindings(lint(read(lines.join("\n"))));

  test("persistence_longer_than_drain is one finding when times differ", () => {
    const found = groups(...OWA, ...sticky("a", 1, 480), ...sticky("b", 2, 60)).filter(
      ({ rule }) => rule === "persistence_longer_than_drain",
    );
    expect(found.map(({ objects }) => objects.map(({ name }) => name))).toEqual([["a", "b"]]);
    expect(found[0]?.message).toContain("lasts 60 min or 480 min, longer than a drain of 30 min");
  });

  test("persistence_longer_than_drain is information when only a session's cookie lasts", () => {
    const found = groups(...OWA, ...sticky("a", 1, 0)).filter(
      ({ rule }) => rule === "persistence_longer_than_drain",
    );
    expect(found.map(({ severity, complete }) => [severity, complete])).toEqual([["info", false]]);
  });

  test("password_in_script_args is said when the ADC rejects the monitor, too", () => {
    const text = 'add lb monitor f FTP -scriptName nsftp.pl -scriptArgs "user=a;password=geheim"';
    expect(said(text)).toContain("password_in_script_args f");
    expect(commands(text)).toEqual([]);
  });

  test("slow_detection says what it counts", () => {
    const text = bound("add lb monitor m HTTP -interval 5 MIN -resptimeout 60 -retries 5");
    const found = groups(text).find(({ rule }) => rule === "slow_detection");
    expect(found?.message).toContain("300 s × 5 + 60 s");
  });

  test("source_limit does not say that every address is used when there are several", () => {
    const found = groups(
      "add service exchange_smtp 10.0.0.1 TCP 25",
      "add ns ip 10.0.0.2 255.255.255.0",
      "add ns ip 10.9.0.2 255.255.255.0",
    ).find(({ rule }) => rule === "source_limit");
    expect(found?.message).toContain("at most 2 addresses of the ADC's (only those in");
  });

  test("head_request does not speak of a health page when none is requested", () => {
    const found = groups(
      ...OWA,
      "add service web 10.0.0.1 HTTP 80",
      'add lb monitor h HTTP -httpRequest "HEAD /x"',
      "bind service web -monitorName h",
    ).find(({ rule }) => rule === "head_request");
    expect(found?.message).toContain("even if Exchange behind it has failed");
    expect(found?.message).not.toContain("health page");
  });

  test("recv_bare_200 speaks of headers only when they are read", () => {
    const message = (keys: string) =>
      groups(bound(`add lb monitor m ${keys} -recv 200`)).find(
        ({ rule }) => rule === "recv_bare_200",
      )?.message;
    expect(message('HTTP-ECV -send "GET /"')).not.toContain("date");
    expect(message('TCP-ECV -send "GET / HTTP/1.0\\r\\n\\r\\n"')).toContain("date");
  });
});
