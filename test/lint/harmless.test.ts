import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { fixBatch } from "../../src/lint/fix-batch.ts";
import type { Finding } from "../../src/lint/finding.ts";
import { groupFindings } from "../../src/lint/group.ts";
import { ALL_RULES, lint } from "../../src/lint/lint.ts";
import { renderText } from "../../src/lint/render-text.ts";
import { proofFailures } from "./proof.ts";
import { readWith, stepFailures } from "./proof-steps.ts";

function findings(...lines: readonly string[]): Finding[] {
  return lint(parseNsConf(lines.join("\n"), { adc: "test" }));
}

function commandsOf(rule: string, ...lines: readonly string[]): string[] {
  return findings(...lines)
    .filter((one) => one.rule === rule)
    .flatMap(({ commands }) => [...commands]);
}

function undoOf(rule: string, ...lines: readonly string[]): string[] {
  return findings(...lines)
    .filter((one) => one.rule === rule)
    .flatMap(({ undo }) => [...undo]);
}

const WHOLE = "#NS13.1 Build 37.38";
const OWN_ADDRESS = "set ns config -IPAddress 10.9.9.9 -netmask 255.255.255.0";

/** Each did harm, was refused or lost something when it was pasted. */
describe("a fix", () => {
  const shared = [
    'add lb monitor m HTTP -httpRequest "GET /a" -respCode 200',
    "add service s 10.0.0.1 SSL 443",
    "bind service s -monitorName m",
  ];
  const copied = [
    'add lb monitor m_copy HTTP -httpRequest "GET /a" -secure YES',
    "bind service s -monitorName m_copy",
    "unbind service s -monitorName m",
  ];

  test.each([
    [
      "a GSLB service",
      [
        "add gslb site here 10.1.1.1",
        "add gslb service g 10.2.0.1 HTTP 80 -siteName here",
        "bind gslb service g -monitorName m",
      ],
    ],
    ["a route", ["add route 0.0.0.0 0.0.0.0 10.0.0.254 -msr ENABLED -monitor m"]],
  ])("leaves a monitor as it is that %s uses too", (_who, lines) => {
    expect(commandsOf("missing_secure", ...shared, ...lines)).toEqual(copied);
  });

  test("changes a monitor in place that nothing else uses", () => {
    expect(commandsOf("missing_secure", ...shared)).toEqual(["set lb monitor m HTTP -secure YES"]);
  });

  test.each(["-interval 2 -resptimeout 3", "-retries 2 -failureRetries 2"])(
    "copies no monitor that the ADC refuses: %s",
    (timing) => {
      const text = [
        "add service s 10.0.0.1 SSL 443",
        `add lb monitor m HTTP -httpRequest "GET /owa/healthcheck.htm" -secure YES ${timing}`,
        "bind service s -monitorName m",
      ];
      expect(commandsOf("http_ignores_body", ...text)).toEqual([]);
      // The batch repairs the timing first, and then replaces the monitor.
      const { commands } = fixBatch(text.join("\n"), findings(...text), () => true);
      expect(commands.at(-1)).toBe("unbind service s -monitorName m");
      expect(stepFailures(text.join("\n"), commands)).toEqual([]);
    },
  );

  test("gives a monitor with TLS the client certificate that servers may require", () => {
    const text = ["add ssl certKey k -cert a -key b", "add service s 10.0.0.1 SSL_TCP 9443"];
    expect(commandsOf("tcp_on_tls", ...text)).toEqual(["bind service s -monitorName tcps"]);
    const bound = [...text, "bind ssl service s -certkeyName k"];
    const commands = [
      "add lb monitor s_deep TCP -secure YES -interval 15 -resptimeout 6",
      "bind lb monitor s_deep -certkeyName k",
      "bind service s -monitorName s_deep",
    ];
    expect(commandsOf("tcp_on_tls", ...bound)).toEqual(commands);
    expect(commandsOf("ping_only", ...bound, "bind service s -monitorName ping")).toEqual(commands);
    const [found] = findings(...bound);
    expect(found?.undo).toEqual([
      "unbind service s -monitorName s_deep",
      "unbind lb monitor s_deep -certkeyName k",
      "rm lb monitor s_deep TCP",
    ]);
  });

  test.each([
    [
      "set ssl service s -SNIEnable ENABLED -commonName a.example",
      '"<back-end SSL profile with SNIEnable and this commonName>"',
    ],
    ["set ssl service s -sslProfile named", "named"],
  ])("sends the name that servers may require: %s", (line, profile) => {
    const text = [
      "add ssl profile named -sslProfileType BackEnd -SNIEnable ENABLED -commonName a.example",
      "add service s 10.0.0.1 SSL_TCP 4444",
      line,
    ];
    expect(commandsOf("tcp_on_tls", ...text)[0]).toBe(
      `add lb monitor s_deep TCP -secure YES -sslProfile ${profile} -interval 15 -resptimeout 6`,
    );
  });

  test.each([
    "bind ssl service s -certkeyName ck",
    "set ssl service s -SNIEnable ENABLED -commonName a.example",
  ])("with TLS is a decision where servers may require more: %s", (line) => {
    const text = [
      "add ssl certKey ck -cert a -key b",
      "add service s 10.0.0.1 SSL 443",
      line,
      'add lb monitor m HTTP-ECV -send "GET /" -recv ok',
      "bind service s -monitorName m",
    ];
    const [found] = findings(...text).filter(({ rule }) => rule === "missing_secure");
    expect(found).toMatchObject({ complete: false });
    expect(found?.incomplete).toContain("the servers may require");
  });

  test("raises a threshold that the old monitor alone reaches, because that stays bound", () => {
    const text = [
      "add service s 10.0.0.1 HTTP 80 -monThreshold 5",
      'add lb monitor m HTTP -respCode 200 -httpRequest "HEAD /x"',
      "bind service s -monitorName m -weight 5",
      "bind service s -monitorName tcp",
    ];
    expect(commandsOf("head_request", ...text).slice(1)).toEqual([
      "bind service s -monitorName m_get -weight 2",
      "set service s -monThreshold 7",
    ]);
  });

  test("leaves the method of a vserver to the administrator", () => {
    const [found] = findings(
      "add service s 10.0.0.1 TCP 8000",
      "add lb vserver v TCP 10.0.0.9 8000 -lbMethod LRTM",
      "bind lb vserver v s",
    );
    expect(found).toMatchObject({ rule: "lrtm_prefers_failing", complete: false });
  });

  test("replaces no monitor whose CA certificate the copy would not have", () => {
    const text = [
      "add ssl certKey k -cert a -key b",
      'add lb monitor m HTTP -httpRequest "GET /owa/healthcheck.htm" -secure YES',
      "add service s 10.0.0.1 SSL 443",
      "bind service s -monitorName m",
    ];
    expect(commandsOf("http_ignores_body", ...text)).toHaveLength(3);
    expect(
      commandsOf("http_ignores_body", ...text, "bind lb monitor m -certkeyName k -CA"),
    ).toEqual([]);
  });

  test.each([
    ["without a monitor of its own", "-monThreshold 1", []],
    ["with one", "-monThreshold 1", ["bind service s -monitorName tcp"]],
    ["with a threshold out of reach", "-monThreshold 5", ["bind service s -monitorName tcp"]],
    [
      "with two of which one suffices",
      "-monThreshold 1",
      ["bind service s -monitorName tcp", "bind service s -monitorName ping"],
    ],
  ])("keeps the threshold within reach of a service %s", (_what, threshold, bindings) => {
    const text = [`add service s 10.0.0.1 TCP 143 ${threshold}`, ...bindings].join("\n");
    // As printed, all pasted one after the other.
    const commands = findings(text).flatMap((one) => (one.complete ? [...one.commands] : []));
    const service = readWith(text, commands).services.get("s");
    const sum = service?.monitors.reduce((total, { weight }) => total + weight, 0) ?? 0;
    const deep = service?.monitors.find(({ monitor }) => monitor === "s_deep")?.weight ?? 0;
    expect(service?.monThreshold).toBeLessThanOrEqual(sum);
    expect(service?.monThreshold).toBeGreaterThan(sum - deep);
  });

  test("lowers the threshold before it binds a second account", () => {
    const commands = commandsOf(
      "single_login_account",
      "add service s 10.0.0.1 TCP 110",
      "add lb monitor m POP3 -userName u -password x -scriptName nspop3.pl",
      "bind service s -monitorName m",
    ).map((command) => command.split(" ").slice(0, 2).join(" "));
    expect(commands).toEqual(["add lb", "set service", "bind service"]);
  });

  test("puts a further policy after those that work", () => {
    const text = [
      "add authentication vserver aaa SSL 0.0.0.0",
      "add lb vserver v SSL 10.0.0.2 443 -authn401 ON -authnVsName aaa",
      "add tm trafficAction ta -SSO ON",
      'add tm trafficPolicy tp "HTTP.REQ.URL.CONTAINS(\\"logon.aspx\\")" ta',
      "bind lb vserver v -policyName tp -priority 300 -gotoPriorityExpression END -type REQUEST",
      'add lb monitor m HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES',
      "add service s 10.0.0.1 SSL 443",
      "bind service s -monitorName m",
      "bind lb vserver v s",
    ];
    expect(commandsOf("ntlm_without_kcd", ...text).at(-1)).toBe(
      "bind lb vserver v -policyName v_kcd -priority 310 -type REQUEST",
    );
  });

  const exchange = [
    'add lb monitor m HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
    "add service s 10.0.0.1 SSL 443",
    "bind service s -monitorName m",
    "bind lb vserver v s",
  ];

  test("says which binding of a policy it removes, and brings back all of it", () => {
    const text = [
      "add lb vserver v SSL 10.0.0.2 443",
      "add cache policy cp -rule true -action CACHE",
      "bind lb vserver v -policyName cp -priority 10 -type RESPONSE -gotoPriorityExpression END",
      "bind lb vserver v -policyName cp -priority 20 -type REQUEST -invoke policylabel pl",
      ...exchange,
    ];
    expect(commandsOf("cache_on_exchange", ...text)).toEqual([
      "unbind lb vserver v -policyName cp -type RESPONSE -priority 10",
      "unbind lb vserver v -policyName cp -type REQUEST -priority 20",
    ]);
    expect(undoOf("cache_on_exchange", ...text)).toEqual([
      "bind lb vserver v -policyName cp -priority 10 -gotoPriorityExpression END -type RESPONSE",
      "bind lb vserver v -policyName cp -priority 20 -type REQUEST -invoke policylabel pl",
    ]);
    expect(proofFailures(text.join("\n"))).toEqual([]);
  });

  const loginFirst = (policy: string) => [
    "add lb vserver v SSL 0.0.0.0 0",
    "add authentication vserver aaa SSL 0.0.0.0",
    "add cs vserver cs SSL 10.0.1.1 443",
    "add cs action to_aaa -targetVserver aaa",
    `add cs policy p_aaa ${policy}`,
    'add cs policy p_owa -rule "HTTP.REQ.URL.PATH.STARTSWITH(\\"/owa\\")"',
    "bind cs vserver cs -policyName p_aaa -priority 10 -gotoPriorityExpression END",
    "bind cs vserver cs -policyName p_owa -targetLBVserver v -priority 100",
    ...exchange,
  ];

  test("moves a policy without a moment in which nobody can log in", () => {
    const text = loginFirst(
      '-rule "HTTP.REQ.URL.CONTAINS(\\"/cgi\\")" -action to_aaa -logAction audit',
    );
    expect(commandsOf("aaa_policy_first", ...text)).toEqual([
      'add cs policy p_aaa_last -rule "HTTP.REQ.URL.CONTAINS(\\"/cgi\\")" -action to_aaa -logAction audit',
      "bind cs vserver cs -policyName p_aaa_last -priority 110 -gotoPriorityExpression END",
      "unbind cs vserver cs -policyName p_aaa",
    ]);
    expect(undoOf("aaa_policy_first", ...text)).toEqual([
      "bind cs vserver cs -policyName p_aaa -priority 10 -gotoPriorityExpression END",
      "unbind cs vserver cs -policyName p_aaa_last",
      "rm cs policy p_aaa_last",
    ]);
    expect(proofFailures(text.join("\n"))).toEqual([]);
  });

  test("moves no policy of which the ADC may refuse a copy, and says how", () => {
    const text = loginFirst("-url /cgi -action to_aaa");
    expect(commandsOf("aaa_policy_first", ...text)).toEqual([]);
    const said = findings(...text).find(({ rule }) => rule === "aaa_policy_first")?.message;
    expect(said).toMatch(/ before this one is unbound, so that the login always works\.$/);
  });

  test("brings back persistence by a rule, and a host name as it was written", () => {
    const text = [
      "add authentication vserver aaa SSL 0.0.0.0",
      'add lb vserver v SSL 10.0.0.2 443 -Authentication ON -AuthenticationHost Mail.Example.com -authnVsName aaa -persistenceType RULE -rule "HTTP.REQ.HEADER(\\"Authorization\\")" -timeout 20',
      ...exchange,
      "add cs vserver cs SSL 10.0.1.1 443",
      'add cs policy p -rule "HTTP.REQ.HOSTNAME.EQ(\\"mail.example.com\\")"',
      "bind cs vserver cs -policyName p -targetLBVserver v -priority 10",
    ];
    expect(undoOf("authorization_persistence", ...text)).toEqual([
      'set lb vserver v -persistenceType RULE -rule "HTTP.REQ.HEADER(\\"Authorization\\")" -timeout 20',
    ]);
    expect(undoOf("authentication_host_is_mail_host", ...text)).toEqual([
      "set lb vserver v -AuthenticationHost Mail.Example.com",
    ]);
  });

  test("never makes detection slower, and is none where it cannot make it fast enough", () => {
    const slow = (timing: string) =>
      commandsOf(
        "slow_detection",
        "add service s 10.0.0.1 HTTP 80",
        `add lb monitor m HTTP -httpRequest "GET /" ${timing}`,
        "bind service s -monitorName m",
      );
    expect(slow("-interval 20 MIN -retries 127 -resptimeout 19 MIN")).toEqual([]);
    expect(slow("-interval 10 MIN -retries 9")).toEqual(["set lb monitor m HTTP -interval 30 SEC"]);
  });

  test("of a tarpit keeps an interval that is long enough", () => {
    const text = (interval: string) => [
      "add service exchange_smtp 10.0.0.1 TCP 25",
      `add lb monitor m TCP-ECV -send "MAIL FROM:<>" -interval ${interval} -resptimeout 4`,
      "bind service exchange_smtp -monitorName m",
    ];
    expect(commandsOf("timeout_below_tarpit", ...text("60"))).toEqual([
      "set lb monitor m TCP-ECV -resptimeout 6",
    ]);
    // Both in one command, because the ADC checks one against the other.
    expect(undoOf("timeout_below_tarpit", ...text("5"))).toEqual([
      "set lb monitor m TCP-ECV -resptimeout 4 -interval 5",
    ]);
  });

  test("of one mistake in a header does not bring back another", () => {
    const text = [
      "add service s 10.0.0.1 HTTP 80",
      'add lb monitor m HTTP-ECV -send "GET /" -recv ok -customHeaders "hostname: a.example.com"',
      "bind service s -monitorName m",
    ];
    const all = findings(...text).flatMap(({ commands }) => [...commands]);
    expect(new Set(all)).toEqual(
      new Set(['set lb monitor m HTTP-ECV -customHeaders "Host: a.example.com\\r\\n"']),
    );
  });

  test("that replaces a monitor waits for the one that changes it", () => {
    const text = [
      'add lb monitor m HTTP -httpRequest "GET /owa/healthcheck.htm"',
      "add service s 10.0.0.1 SSL 443",
      "bind service s -monitorName m",
    ];
    expect(commandsOf("missing_secure", ...text)).toEqual(["set lb monitor m HTTP -secure YES"]);
    expect(commandsOf("http_ignores_body", ...text)).toEqual([]);
    expect(findings(...text).find(({ rule }) => rule === "http_ignores_body")?.message).toMatch(
      / Run the commands for missing_secure first, then lint again\.$/,
    );
    expect(commandsOf("http_ignores_body", ...text, "set lb monitor m HTTP -secure YES")).toEqual([
      'add lb monitor m_get HTTP-ECV -secure YES -send "GET /owa/healthcheck.htm" -recv "200 OK"',
      "bind service s -monitorName m_get",
      "unbind service s -monitorName m",
    ]);
  });

  test("that replaces a request keeps the Host in it", () => {
    expect(
      commandsOf(
        "http_ignores_body",
        "add service s 10.0.0.1 HTTP 80",
        'add lb monitor m HTTP -httpRequest "GET /owa/healthcheck.htm HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"',
        "bind service s -monitorName m",
      )[0],
    ).toMatch(/ -customHeaders "Host: a\\r\\n"/);
  });

  test("keeps a request's Host beside the headers that the monitor has", () => {
    expect(
      commandsOf(
        "host_in_request",
        "add service s 10.0.0.1 HTTP 80",
        'add lb monitor m HTTP -httpRequest "GET /a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" -customHeaders "X: y\\r\\n"',
        "bind service s -monitorName m",
      ),
    ).toEqual([
      'set lb monitor m HTTP -httpRequest "GET /a" -customHeaders "X: y\\r\\nHost: a\\r\\n"',
    ]);
  });

  test("brings a removed monitor back with options that only lint copies", () => {
    const undo = (line: string) => undoOf("unused_monitor", WHOLE, OWN_ADDRESS, line);
    const oracle =
      'add lb monitor m ORACLE-ECV -oracleSid ORCL -userName u -sqlQuery "select 1 from dual"';
    expect(undo(oracle)).toEqual([oracle]);
    const accounting = "add lb monitor m RADIUS_ACCOUNTING -radAccountType 1 -radAPN apn";
    expect(undo(accounting)).toEqual([accounting]);
  });

  test("leaves every secret of a copied monitor to be filled in", () => {
    const [add = ""] = commandsOf(
      "dest_port_of_another_protocol",
      "add service r 10.0.0.1 RADIUS 1812",
      "add service w 10.0.0.1 UDP 1812",
      "add lb monitor m RADIUS -userName u -password a -encrypted -radKey b -encrypted -destPort 53",
      "bind service r -monitorName m",
      "add gslb site here 10.1.1.1",
      "add gslb service g 10.2.0.1 HTTP 80 -siteName here",
      "bind gslb service g -monitorName m",
    );
    expect(add === "" || (add.includes("<password>") && add.includes("<radkey>"))).toBe(true);
  });

  test("restores a built-in's own default by its value", () => {
    expect(
      undoOf(
        "interval_not_above_timeout",
        "add service s 10.0.0.1 TCP 9999",
        "bind service s -monitorName tcp",
        "set lb monitor tcp TCP -resptimeout 7",
      ),
    ).toEqual(["set lb monitor tcp TCP -interval 5"]);
  });

  test("with a question mark says how to run it", () => {
    const shown = (path: string) =>
      renderText(
        groupFindings(
          findings(
            "add service s 10.0.0.1 HTTP 80",
            `add lb monitor m HTTP-ECV -send GET ${path} -recv ok`,
            "bind service s -monitorName m",
          ),
        ),
        ALL_RULES,
      );
    expect(shown("/a?b")).toContain("batch -fileName");
    expect(shown("/a")).not.toContain("batch -fileName");
  });

  test("is in the batch once, wherever the file ends", () => {
    const text = [
      WHOLE,
      "add service s 10.0.0.1 TCP 143",
      "switch ns partition P1",
      "add service t 10.0.0.2 TCP 143",
    ];
    const { commands } = fixBatch(text.join("\n"), findings(...text), () => true);
    expect(commands).toHaveLength(2);
  });
});
