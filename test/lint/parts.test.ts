import { describe, expect, test } from "vitest";
import { holdsNothing, parseNsConf } from "../../src/adc/nsconf/import.ts";
import { groupFindings } from "../../src/lint/group.ts";
import { lint } from "../../src/lint/lint.ts";
import { notesOf } from "../../src/lint/notes.ts";

function estateOf(lines: readonly string[]): ReturnType<typeof parseNsConf> {
  return parseNsConf(lines.join("\n"), { adc: "test" });
}

/** Severity and rule of each cause, with its objects. */
function causes(...lines: readonly string[]): string[] {
  return groupFindings(lint(estateOf(lines))).map(
    ({ severity, rule, objects }) =>
      `${severity} ${rule} ${objects.map(({ name }) => name).join(" ")}`,
  );
}

const ORDER = [
  "Please build the following by Thursday:",
  "add server one 10.0.0.1",
  "add serviceGroup web TCP -netProfile SNAT",
  "bind serviceGroup web one 9000",
  "bind serviceGroup web two 9000",
  "bind serviceGroup web -monitorName CORP_TCP",
  "add lb vserver old TCP 10.0.1.1 80",
  "bind lb vserver old web",
  "bind lb vserver old always_up",
  "and, at the other site:",
  "add server one 10.9.0.1",
  "add lb vserver new TCP 10.0.1.1 80",
];

const PROSE = ["Create the service in the user interface.", "Then run the following commands:"];

describe("partial configuration", () => {
  test("reports neither missing objects nor its two sites as mistakes", () => {
    expect(causes(...ORDER)).toEqual([]);
  });

  test("names what statements alone refer to together with the rest", () => {
    const lines = [
      "> sh run",
      "add lb vserver v HTTP 10.0.1.1 80",
      "bind lb vserver v gone",
      "bind serviceGroup old -monitorName web",
    ];
    expect(causes(...lines)).toEqual([]);
    expect(notesOf(estateOf(lines))).toEqual([
      "This text refers to objects that it does not contain: service group old, service gone.",
    ]);
  });

  test("reports lost line ends of a monitor that its missing part may bind", () => {
    const lines = [
      "Some prose.",
      "More prose.",
      'add lb monitor m TCP-ECV -send "GET /owa/healthcheck.htm HTTP/1.1rnHost:mailrnrn" -recv "200 OK"',
      "bind serviceGroup gone -monitorName m",
    ];
    expect(causes(...lines)).toContain("error lost_backslashes m");
  });

  test("names everything that it does not show", () => {
    expect(notesOf(estateOf(ORDER))).toEqual([
      "This text refers to objects that it does not contain: " +
        "monitor CORP_TCP, net profile SNAT, server two, service always_up.",
    ]);
  });

  test.each([
    [
      "add server web-srv 10.0.0.1",
      "add serviceGroup g HTTP",
      "bind serviceGroup g the-web-server 80",
      "Refers to server the-web-server, which is not configured, but web-srv is, and nothing uses it.",
    ],
    [
      "add service Real_DNSServer 10.0.0.1 DNS 53",
      "add lb vserver v DNS 10.0.1.1 53",
      "bind lb vserver v Real_DNS",
      "Refers to service Real_DNS, which is not configured, but Real_DNSServer is, and nothing uses it.",
    ],
    [
      "add service s 10.0.0.1 HTTP 80",
      "add lb vserver NY-LB-DNS HTTP 10.0.1.1 80",
      "bind lb vserver NY-DNS s",
      "No vserver of this name is configured, but NY-LB-DNS is, and nothing uses it.",
    ],
  ])("reports a name whose object may be one that nothing uses: %s", (...lines) => {
    const found = lint(estateOf(lines.slice(0, -1))).filter(
      ({ rule }) => rule === "dangling_reference",
    );
    expect(found.map(({ severity, message }) => [severity, message])).toEqual([
      ["info", lines.at(-1)],
    ]);
  });

  test("tells a mistyped name from another that only looks left out", () => {
    const lines = [
      ...PROSE,
      "add service s 10.0.0.1 HTTP 80",
      "add lb vserver n8n-lb.domain.com HTTP 10.0.1.1 80",
      "bind lb vserver n8n-lb.domain.comt s",
      "bind lb vserver storefront -policyName p -priority 90",
    ];
    expect(causes(...lines)).toContain("info dangling_reference n8n-lb.domain.comt");
    expect(causes(...lines).join()).not.toContain("storefront");
    expect(notesOf(estateOf(lines)).join()).toContain("vserver storefront");
  });

  test.each([
    ["add service server1 10.0.0.1 HTTP 80", "bind lb vserver v always-up"],
    ["add service svc_web 10.0.0.1 HTTP 80", "bind lb vserver v svc_mail"],
  ])("takes no unused object of a page for one with another name: %s", (...lines) => {
    const text = [...PROSE, "add lb vserver v HTTP 10.0.1.1 80", ...lines];
    expect(causes(...text).join()).not.toContain("dangling_reference");
    expect(notesOf(estateOf(text))).toHaveLength(1);
  });

  test("expects the certificate that has a server's name elsewhere", () => {
    const lines = [
      "add server n8n.domain.com n8n.domain.com",
      "add service s n8n.domain.com SSL 443",
      "bind service s -monitorName https",
      "add lb vserver v SSL 10.0.1.1 443",
      "bind lb vserver v s",
      "bind ssl vserver v -certkeyName n8n.domain.com",
    ];
    expect(causes(...lines).join()).not.toContain("wrong_kind_reference");
    expect(notesOf(estateOf(lines))).toEqual([
      "This text refers to objects that it does not contain: certificate key n8n.domain.com.",
    ]);
  });

  test("is read when all its commands are about objects elsewhere", () => {
    expect(holdsNothing(estateOf(["bind service s1 -monitorName tcp"]))).toBe(false);
    expect(holdsNothing(estateOf(["Some prose about a service."]))).toBe(true);
  });

  test("has its template's certificates elsewhere", () => {
    const lines = [
      "add ssl certKey c -cert c.pem",
      "add lb vserver a SSL 10.0.1.1 443",
      "bind ssl vserver a -certkeyName c",
      "add cs vserver CS_$TENANT_SSL SSL $IPADDRESS 443",
    ];
    expect(causes(...lines).join()).not.toContain("vserver_without_certificate");
  });

  test("takes no object for another that a command about a missing one names", () => {
    const lines = [
      "add service b 10.0.0.2 HTTP 80",
      "bind lb vserver elsewhere b",
      "add lb vserver v HTTP 10.0.1.1 80",
      "bind lb vserver v a",
      "add lb vserver w HTTP 10.0.1.2 80",
      "bind lb vserver w b",
    ];
    expect(causes(...lines)).toEqual(["warning tcp_only b"]);
    expect(notesOf(estateOf(lines))).toEqual([
      "This text refers to objects that it does not contain: vserver elsewhere, service a.",
    ]);
  });

  test("is not assumed when the file has the ADC's own address", () => {
    const found = causes("set ns config -IPAddress 10.0.0.9 -netmask 255.0.0.0", ...ORDER);
    expect(found).toContain("error dangling_reference web");
    expect(found).toContain("warning duplicate_name one");
    expect(found).toContain("warning unreadable_lines file");
  });

  test("is assumed of a page whose headings outnumber slips of the pen", () => {
    const page = [
      "Network bring-up",
      "set ns config -IPAddress 10.0.0.9 -netmask 255.0.0.0",
      ...["Load balancing", "add service s 10.0.0.1 TCP 143", "Content switching"],
      "add cs vserver cs SSL 10.0.1.1 443",
      ...["set ssl vserver cs -sslProfile modern", "Two sites", "High availability"],
    ];
    expect(causes(...page).join()).not.toMatch(/unreadable_lines|dangling_reference/);
    expect(causes(`#NS13.1 Build 53.17`, ...page).join()).toContain("unreadable_lines");
  });

  test("is assumed when commands stand behind a bare prompt", () => {
    expect(
      causes("> sh save | grep v", "add lb vserver v HTTP 10.0.1.1 80", "bind lb vserver v gone"),
    ).toEqual([]);
  });

  test("holds nothing of a command that the ADC refused", () => {
    const session = [
      "> add service a 10.0.0.1 HTP 80",
      "ERROR: Invalid argument value [serviceType]",
    ];
    const { services, diagnostics } = estateOf([
      ...session,
      "> add service b 10.0.0.2 HTTP 80",
      " Done",
    ]);
    expect([...services.keys()]).toEqual(["b"]);
    expect(
      diagnostics.map(({ rule, severity, line }) => `${severity} ${rule} ${String(line)}`),
    ).toEqual(["info refused_command 1"]);
  });

  test("counts a line above fenced commands as text of a page", () => {
    const CODE = ["```", "add lb vserver v HTTP 10.0.1.1 80", "```"];
    expect(causes("The input:", ...CODE)).toEqual([]);
    expect(causes("The input:", ...CODE.slice(1, 2))).toEqual(["warning unreadable_lines file"]);
  });

  test.each([
    ["add lb vserver web HTTP 10.0.1.1 80", []],
    [
      "#NS13.1 Build 37.38\nadd lb vserver web HTTP 10.0.1.1 80",
      ["error wrong_kind_reference web"],
    ],
  ])("may lack a service of the vserver's own name: %s", (vserver, expected) => {
    expect(causes(vserver, "bind lb vserver web web")).toEqual(expected);
  });

  test("reports no dash of a page in a command that configures nothing", () => {
    const dash = "\u2013";
    expect(
      causes(`sync gslb config ${dash}debug`, ...GROUP, "bind serviceGroup sg_web x 80"),
    ).not.toContain(`error typographic_characters ${dash}debug`);
    expect(causes(`set lb vserver v ${dash}timeout 5`)).toContain("error typographic_characters v");
  });

  test("is assumed when a page quotes the head of a configuration", () => {
    const found = causes(
      "Some prose.",
      "More prose.",
      "```",
      "#NS13.1 Build 37.38",
      ...GROUP,
      "bind serviceGroup sg_web -monitorName gone",
      "```",
    );
    expect(found).toEqual([]);
  });

  test.each(["<TYPE>", "$TYPE", "[TYPE]"])(
    "reports no mistake when %s is to be filled in",
    (type) => {
      expect(causes(`add lb vserver <name> ${type} <ip> <port>`)).toEqual([]);
    },
  );

  test("ignores a template's commands and keeps a quoted text", () => {
    expect(
      causes(
        "add lb vserver {{ one.name }} {{ one.type | upper }} {{ one.vip }} 80",
        "bind lb vserver {{one.name}} {{ one.group }}",
        "add lb vserver v HTTP 10.0.1.1 80",
      ),
    ).toEqual([]);
    const { monitors } = estateOf(['add lb monitor m HTTP-ECV -send "GET /{{x}}" -recv "{{ok}}"']);
    expect(monitors.get("m")?.parameters.recv).toBe("{{ok}}");
  });

  test("reports a missing certificate as information, and as an error when the file is whole", () => {
    const lines = [
      "add lb vserver one SSL 10.0.1.1 443",
      "add lb vserver two SSL 10.0.1.2 443",
      "bind ssl vserver one -certkeyName c",
    ];
    expect(causes("> sh run", ...lines)).toContain("info vserver_without_certificate two");
    expect(causes(...lines)).toContain("error vserver_without_certificate two");
    expect(causes(...lines, "disable lb vserver two")).toEqual([]);
  });

  test("says nothing of certificates where a part of a configuration shows none", () => {
    const lines = ["add lb vserver one SSL 10.0.1.1 443", "add lb vserver two SSL 10.0.1.2 443"];
    expect(causes("> sh run | grep vserver", ...lines)).toEqual([]);
  });

  test("expects no object behind a name or address that a guide leaves open", () => {
    expect(
      causes(
        "set lb vserver <VS_NAME> -persistenceType NONE",
        'add lb monitor <MON_NAME> HTTP -httpRequest "GET /health"',
        "bind lb monitor <MON_NAME> <SERVICE_NAME>",
        "add lb monitor <MON_NAME> TCP",
        "add lb vserver one HTTP w.x.y.z 80",
        "add lb vserver two HTTP 10.1.x.x 80",
        "bind ssl vserver one -certkeyName **CERT**",
      ),
    ).toEqual([]);
    expect(causes("add lb vserver one HTTP host.x.y.z 80")).toEqual([
      "warning unreadable_value one",
    ]);
  });

  test.each(["${NAME}", "$NAME", "%s", "{name}", "{{ name }}", "<name>"])(
    "expects nothing behind a name of which a program leaves %s open",
    (open) => {
      const found = causes(
        `add server "srv_${open}" 10.0.0.1`,
        `add server "srv_${open}" 10.0.0.2`,
        `add service "svc_${open}" "srv_${open}" HTTP "${open}"`,
        `add service "other_${open}" "srv_${open}" TCP 143`,
        `add lb monitor "mon_${open}" "${open}" -interval "${open}"`,
        `bind service "other_${open}" -monitorName "gone_${open}"`,
        `bind service "other_${open}" -monitorName "gone_${open}"`,
        `bind lb vserver "vs_${open}" "svc_${open}"`,
        "add lb vserver one HTTP 10.0.1.1 80",
        `bind lb vserver one "svc2_${open}"`,
        `bind cs vserver "cs_${open}" -policyName "p_${open}"`,
      );
      expect(found.filter((one) => !/ unreadable_value |unreadable_lines/.test(one))).toEqual([]);
    },
  );

  test("proposes no command as complete that names what the text leaves open", () => {
    const found = lint(estateOf(["add service svc_$NAME 10.0.0.1 TCP 143"]));
    expect(found.map(({ complete, incomplete }) => [complete, incomplete])).toEqual([
      [false, "put in the names that the text leaves open"],
    ]);
  });

  test("ignores fences around commands", () => {
    expect(causes("```", "add lb vserver v HTTP 10.0.1.1 80", "```")).toEqual([]);
  });
});

const GROUP = ["add serviceGroup sg_web HTTP", "bind serviceGroup sg_web 10.0.0.1 80"];

describe("separate examples of one page", () => {
  const example = (type: string) => [
    `add lb monitor mon ${type}`,
    "add service svc 10.0.0.1 HTTP 80",
    "bind service svc -monitorName mon",
  ];
  const duplicates = (...lines: readonly string[]) =>
    causes(...lines).filter((one) => one.includes("duplicate_"));

  test.each([[""], ["# Example 2"], ["With another monitor:"]])(
    "may use the same names when %j separates them",
    (between) => {
      expect(duplicates(...example("HTTP"), between, ...example("TCP"))).toEqual([]);
    },
  );

  test("are not assumed when a name is defined again among many others, or nothing separates them", () => {
    const more = ["add server a 10.0.0.2", "add server b 10.0.0.3", "add server c 10.0.0.4"];
    const [again = ""] = example("TCP");
    expect(duplicates(...example("HTTP"), "", ...more, again)).toEqual([
      "warning duplicate_name mon",
    ]);
    expect(duplicates("add server a 10.0.0.1", "add server a 10.0.0.2")).toEqual([
      "warning duplicate_name a",
    ]);
  });

  test("are a mistake when the configuration is whole", () => {
    const whole = ["#NS13.1 Build 37.38", ...example("HTTP"), "", ...example("TCP")];
    expect(duplicates(...whole)).toEqual([
      "warning duplicate_name mon",
      "info duplicate_binding svc",
    ]);
  });
});

describe("pasted set-up commands", () => {
  const DEEP = ['add lb monitor mon_web HTTP-ECV -send "GET /a" -recv ok'];
  test.each<[string, ...string[]]>([
    ["dangling_reference sg_web", ...GROUP, "bind serviceGroup sg_web -monitorName corp"],
    ["dangling_reference v", "add lb vserver v HTTP 10.0.1.1 80", "bind lb vserver v old"],
    ["dangling_reference old", ...DEEP, "bind serviceGroup old -monitorName mon_web"],
    ["dangling_reference old", ...DEEP, "bind service old -monitorName mon_web"],
    ["dangling_reference old", "set lb monitor old HTTP -interval 7", ...GROUP],
    ["dangling_reference old", "set lb vserver old -timeout 7", ...GROUP],
  ])("do not report %s, since the rest may hold it", (expected, ...lines) => {
    expect(lint(estateOf(lines)).map(({ rule, object }) => `${rule} ${object}`)).not.toContain(
      expected,
    );
    const whole = lint(estateOf(["#NS13.1 Build 37.38", ...lines])).filter(
      ({ rule, object }) => `${rule} ${object}` === expected,
    );
    expect(whole.map(({ severity }) => severity)).toEqual(["error"]);
  });

  test("report a monitor that nothing uses as information without a command", () => {
    const found = lint(estateOf([...GROUP, ...DEEP])).find(({ rule }) => rule === "unused_monitor");
    expect(found).toMatchObject({ severity: "info", commands: [] });
    expect(found?.message).toContain("the rest of the configuration may");
  });

  test("report no monitor as unused where they show no service", () => {
    expect(causes(...DEEP)).toEqual([]);
  });

  test.each([
    ["a handshake", "add service s 10.0.0.1 HTTP 80", "bind service s -monitorName tcp"],
    ["a ping", "add service s 10.0.0.1 HTTP 80", "bind service s -monitorName ping"],
    [
      "weights",
      "add service s 10.0.0.1 HTTP 80 -monThreshold 3",
      "bind service s -monitorName http",
    ],
  ])("say nothing of %s where another monitor is not shown", (_what, ...lines) => {
    const rules = (...more: string[]): string[] =>
      lint(estateOf([...lines, ...more]))
        .map(({ rule }) => rule)
        .filter((rule) => !["head_request"].includes(rule));
    expect(rules()).not.toEqual([]);
    expect(rules("bind service s -monitorName corp_deep")).toEqual([]);
  });

  test("say nothing of the fastest server where its monitors are not shown", () => {
    expect(
      causes(
        "add service s 10.0.0.1 HTTP 80",
        "bind service s -monitorName corp_deep",
        "add lb vserver v HTTP 10.0.1.1 80 -lbMethod LRTM",
        "bind lb vserver v s",
      ),
    ).toEqual([]);
  });

  test.each([
    "#NS13.1 Build 37.38",
    "set ns config -IPAddress 10.0.0.9 -netmask 255.0.0.0",
    "add ns ip 10.0.0.8 255.0.0.0 -vServer DISABLED",
    "set ns hostName adc1",
    "add system user admin1 secret",
    "set system parameter -timeout 900",
    "add HA node 1 10.0.0.7",
    "set interface 0/1 -speed AUTO",
  ])("are a whole configuration when they include %s", (line) => {
    expect(causes(line, ...GROUP, "bind serviceGroup sg_web -monitorName gone")).toContain(
      "error dangling_reference sg_web",
    );
  });

  test.each(["enable ns feature LB SSL", "enable ns mode USNIP", "save ns config"])(
    "are no whole configuration when they include %s",
    (line) => {
      const found = causes(line, ...GROUP, "bind serviceGroup sg_web -monitorName gone");
      expect(found).toEqual([]);
    },
  );

  test.each([
    ["mon_web", "mon_wbe"],
    ["mon_web", "mon-web"],
    ["monitor_exchange", "monitor_exchnge"],
    ["monitor_exchange", "monitor_exchamge"],
  ])("report a typing error as an error: %s written %s", (name, written) => {
    const lines = [`add lb monitor ${name} HTTP-ECV -recv ok`, ...GROUP];
    const [told] = lint(
      estateOf([...lines, `bind serviceGroup sg_web -monitorName ${written}`]),
    ).filter(({ rule }) => rule === "dangling_reference");
    expect(told).toMatchObject({
      severity: "error",
      message: `Refers to monitor ${written}, which is not configured, but ${name} is.`,
    });
  });

  test("report a typing error in the name that is bound to as an error", () => {
    const [told] = lint(
      estateOf(["add lb vserver vs-any-443 TCP 10.0.1.1 443", "bind lb vserver vs-any443 s"]),
    ).filter(({ rule }) => rule === "dangling_reference");
    expect(told).toMatchObject({
      severity: "error",
      object: "vs-any443",
      message: "No vserver of this name is configured, but vs-any-443 is.",
    });
  });

  test("report a typing error in the name of a group as an error", () => {
    expect(
      causes("add serviceGroup sg_exchange HTTP", "bind serviceGroup sg_exchnage 10.0.0.1 80"),
    ).toContain("error dangling_reference sg_exchnage");
  });

  test.each([
    ["web1", "web2"],
    ["mon_http", "mon_https"],
    ["srv_a", "srv_b"],
    ["app-v1-1", "app-v11"],
    ["mon_owa", "mon_ews"],
  ])("take %s and %s for two names", (name, other) => {
    const lines = [`add lb monitor ${name} HTTP-ECV -recv ok`, ...GROUP];
    expect(causes(...lines, `bind serviceGroup sg_web -monitorName ${other}`)).toContain(
      "info dangling_reference sg_web",
    );
  });
});

describe("code in a page's line", () => {
  test.each([
    "`add service s 10.0.0.1 HTTP 80`",
    "- `add service s 10.0.0.1 HTTP 80`",
    "  2. `> add service s 10.0.0.1 HTTP 80`.  ",
  ])("is read as a command: %s", (line) => {
    expect([...estateOf(["Then:", line]).services.keys()]).toEqual(["s"]);
  });

  test.each([
    "Use `add service s 10.0.0.1 HTTP 80` here",
    "`a` and `add service s 10.0.0.1 HTTP 80`",
  ])("is not read as a command: %s", (line) => {
    expect([...estateOf([line]).services.keys()]).toEqual([]);
  });
});

describe("items of a page's list", () => {
  const items = (mark: (at: number) => string): string[] =>
    [
      "enable ns feature gslb",
      "add gslb site here LOCAL 10.3.1.101",
      "add gslb vserver g HTTP",
      "add service svc 10.0.0.1 HTTP 80",
      "add lb vserver VIP HTTP 10.0.1.1 80",
      "bind lb vserver VIP svc",
      "set ssl vserver tls -ssl3 disabled",
      "unbind lb vserver VIP svc",
    ].map((command, at) => `${mark(at)} ${command}`);

  test.each<[string, (at: number) => string]>([
    ["hyphens", () => "-"],
    ["stars", () => " *"],
    ["bullets", () => "  \u2022"],
    ["numbers", (at) => `  ${String(at + 1)}.`],
    ["bare numbers", (at) => String(at + 1)],
  ])("are read as commands behind %s", (_what, mark) => {
    const { gslb, lbVservers, services, diagnostics } = estateOf(["Steps:", ...items(mark)]);
    expect([...gslb.vservers.keys(), ...lbVservers.keys(), ...services.keys()]).toEqual([
      "g",
      "VIP",
      "svc",
    ]);
    expect(lbVservers.get("VIP")?.services).toEqual([]);
    expect(diagnostics.map(({ rule }) => rule)).not.toContain("unknown_option");
  });

  test.each([
    "- Add lb vserver settings for the service",
    "1. Add the server objects",
    "2. bind service groups to your vserver",
    "- create ssl certReq a.csr -keyFile a.key",
  ])("are neither commands nor the end of one when they say %s", (item) => {
    const { services, servers, diagnostics } = estateOf([
      "#NS13.1 Build 37.38",
      "add service svc 10.0.0.1 HTTP 80 -gslb NONE -maxClient 0 -maxReq 0 -cip DISABLED",
      item,
    ]);
    expect([...services.keys(), ...servers.keys()]).toEqual(["svc"]);
    expect(diagnostics.map(({ rule }) => rule)).toEqual(["unreadable_lines"]);
  });
});

describe("a line without a word", () => {
  test.each(["`;", "=======", ">>>>>>> cd1a8d91da53ec142f", "<<<<<<< HEAD", "}", "——"])(
    "does not continue the command above it: %s",
    (line) => {
      const command =
        "set ssl service s_with_a_long_name_to_be_wrapped -tls1 DISABLED -sslProfile back_end_profile";
      const { diagnostics } = estateOf(["Some prose.", "More prose.", command, line]);
      expect(diagnostics.map(({ rule }) => rule)).not.toContain("stray_words");
    },
  );

  test("belongs to a text in quotes, and may be a port", () => {
    const { services, policies } = estateOf([
      "add service s 10.0.0.1 TCP -comment 'a comment that is long enough to be wrapped here, really' -td 0",
      "*",
      'add responder policy p "HTTP.REQ.URL.EQ(\\"/a\\")',
      "||",
      'HTTP.REQ.URL.EQ(\\"/b\\")" RESET',
    ]);
    expect(services.get("s")?.members.map(({ port }) => port)).toEqual(["*"]);
    expect(policies.get("p")?.rule).toContain("||");
  });
});

describe("an address with a port in place of a service", () => {
  test("is one mistake, and a monitor bound by a refused command is not unused", () => {
    expect(
      causes(
        "add lb vserver v HTTP 10.0.1.1 80",
        "bind lb vserver v 10.0.0.1 80",
        "add service s 10.0.0.2 HTTP 80",
        "bind service s -monitorName http",
        'add lb monitor m HTTP-ECV -send "GET /a" -recv ok',
        "bind lb vserver v -monitorName m",
      ).filter((one) => !one.includes("head_request")),
    ).toEqual(["error incomplete_statement v", "error wrong_kind_reference v"]);
  });
});

describe("shortened verb", () => {
  test.each(["sw ns partition p", "> sw ns partition p", "ns1> sw ns partition p"])(
    "keeps the partition's objects apart: %s",
    (line) => {
      const { services } = estateOf([
        "add service a 10.0.0.1 HTTP 80",
        line,
        "add service b 10.0.0.2 HTTP 80",
        line.replace("sw ns partition p", "switch ns partition default"),
        "add service c 10.0.0.3 HTTP 80",
      ]);
      expect([...services.keys()]).toEqual(["a", "c"]);
    },
  );

  test("is read as a command in en ns feature", () => {
    expect(causes("en ns feature lb ssl", "add lb vserver v HTTP 10.0.1.1 80")).toEqual([]);
  });
});

describe("commands in a container call", () => {
  test("are read from the call, and their echo is ignored", () => {
    const { services, lbVservers, monitors } = estateOf([
      `root@1:/# cli_script.sh "add service s 10.0.0.1 HTTP 80"`,
      "exec: add service s 10.0.0.1 HTTP 80",
      "Done",
      `/var/netscaler/bins/cli_script.sh 'add lb vserver v HTTP 10.0.1.1 80'`,
      `cli_script.sh "add lb monitor m HTTP-ECV -send \\"GET /a b\\" -recv ok"`,
    ]);
    expect([...services.keys(), ...lbVservers.keys()]).toEqual(["s", "v"]);
    expect(monitors.get("m")?.parameters.send).toBe("GET /a b");
  });
});

describe("forms of published files", () => {
  test("continue a line that ends in a backslash, whatever the next one begins with", () => {
    const { monitors, services, diagnostics } = estateOf([
      "add lb monitor m HTTP-ECV \\",
      '    -send "GET /login" \\',
      "    -recv ok -secure YES",
      "add service s 10.0.0.1 SSL \\",
      "  443 -maxClient 0 \\",
      "bind service s -monitorName m",
    ]);
    expect(diagnostics).toEqual([]);
    expect(monitors.get("m")).toMatchObject({
      secure: true,
      parameters: { send: "GET /login", recv: "ok" },
    });
    expect(services.get("s")).toMatchObject({
      members: [{ port: 443 }],
      monitors: [{ monitor: "m" }],
    });
  });

  test.each([
    "--More--",
    " --More--\u001b[27m",
    "\u001b[7m--More--\u001b[m\r\u001b[K",
    "--More--(42%)",
  ])("ignore a pager's prompt: %j", (foot) => {
    const { services, diagnostics } = estateOf([
      "add service a 10.0.0.1 HTTP 80",
      `${foot}add service b 10.0.0.2 HTTP 80`,
      foot,
      "add service c 10.0.0.3 HTTP 80",
    ]);
    expect([...services.keys()]).toEqual(["a", "b", "c"]);
    expect(diagnostics.filter(({ rule }) => rule === "unreadable_lines")).toEqual([]);
  });

  test("report typographic quotes and dashes once and read the command as meant", () => {
    const page = [
      "add serviceGroup svg HTTP",
      "bind serviceGroup svg 10.0.0.1 8530",
      "add lb monitor m HTTP-ECV –send “GET /a b” –recv ‘ok’ –destPort 8531",
      "bind serviceGroup svg –monitorName m",
    ];
    expect(causes(...page)).toEqual(["error typographic_characters m svg"]);
    expect(estateOf(page).monitors.get("m")).toMatchObject({
      destPort: 8531,
      parameters: { send: "GET /a b", recv: "ok" },
    });
  });

  test("read shortened options, and leave ambiguous ones at the default", () => {
    const { monitors } = estateOf([
      'add lb mon m http -resp 204 -httpreq "GET /health" -interv 7',
      "set lb monitor m HTTP -downT 9 -re 5",
    ]);
    expect(monitors.get("m")).toMatchObject({
      intervalMs: 7_000,
      downTimeMs: 9_000,
      retries: 3,
      parameters: { httpRequest: "GET /health" },
    });
    expect(monitors.get("m")?.parameters.respCodes).toEqual([{ from: 200, to: 200 }]);
  });

  test("report no unknown type for a cluster's own monitor", () => {
    expect(
      causes(
        "add serviceGroup g HTTP",
        "bind serviceGroup g 10.0.0.1 80",
        'add lb monitor m HTTP-ECV -send "GET /a" -recv ok',
        "bind serviceGroup g -monitorName m",
        "bind serviceGroup g -monitorName default-path-monitor",
      ),
    ).toEqual([]);
  });

  test.each(["QUIC", "QUIC_BRIDGE", "HTTP_QUIC"])(
    "get no monitor over TCP proposed for a service of type %s",
    (type) => {
      const found = lint(estateOf([`add service s 10.0.0.1 ${type} 443`]));
      expect(found.flatMap(({ commands }) => [...commands])).toEqual([]);
    },
  );

  test("keep the request of a proxy that is asked for another server's page", () => {
    const found = lint(
      estateOf([
        "add service proxy 10.0.0.1 HTTP 3128",
        'add lb monitor m HTTP -httpRequest "HEAD http://www.example.com/"',
        "bind service proxy -monitorName m",
      ]),
    );
    expect(found.map(({ rule, commands }) => [rule, commands])).toEqual([["head_request", []]]);
  });

  test("count a session's output in a whole configuration too", () => {
    const session = ["login as: nsroot", "nsroot@adc> sh run", "#NS13.1 Build 37.38"];
    const lines = [...session, "add service s 10.0.0.1 TCP 9", "Bye!"];
    expect(causes(...lines)).toEqual([]);
    expect(estateOf(lines).passedOver).toBe(2);
  });

  test("bind a monitor that is repeated beside each member once, without a report", () => {
    const lines = [
      "add serviceGroup g HTTP",
      "bind serviceGroup g 10.0.0.1 80 -monitorName m",
      "bind serviceGroup g 10.0.0.2 80 -monitorName m",
      'add lb monitor m HTTP-ECV -send "GET /a" -recv ok',
    ];
    expect(causes(...lines)).toEqual([]);
    const group = estateOf(lines).services.get("g");
    expect(group?.members.length).toBe(2);
    expect(group?.monitors.map(({ monitor }) => monitor)).toEqual(["m"]);
  });

  test("do not call a monitor unused when it was bound in place of a server", () => {
    expect(
      causes(
        "add server one 10.0.0.1",
        "add serviceGroup g TCP",
        "add lb monitor m CITRIX-XD-DDC",
        "bind serviceGroup g one 9000",
        "bind serviceGroup g m 9000",
      ),
    ).toEqual(["error wrong_kind_reference g"]);
  });

  test("keep the script's name in a copy of a scripted monitor", () => {
    const fix = lint(
      estateOf([
        "add service clear 10.0.0.1 TCP 389",
        "add service tls 10.0.0.1 SSL_TCP 636",
        "add lb monitor m LDAP -scriptName nsldap.pl -dispatcherIP 127.0.0.1 -dispatcherPort 3013 -baseDN dc=a -bindDN b -password c -secure YES",
        "bind service clear -monitorName m",
        "bind service tls -monitorName m",
      ]),
    ).find(({ rule }) => rule === "secure_to_clear_port");
    for (const kept of ["scriptName nsldap.pl", "dispatcherIP 127.0.0.1", "dispatcherPort 3013"]) {
      expect(fix?.commands[0]).toContain(`-${kept}`);
    }
  });

  test("mention no certificate for a handshake with another port, and name UDP", () => {
    const message = (type: string, options = "") =>
      lint(
        estateOf([
          `add service s 10.0.0.1 ${type} 8080`,
          `add lb monitor m TCP${options}`,
          "bind service s -monitorName m",
        ]),
      ).find(({ rule }) => rule === "tcp_only")?.message;
    expect(message("HTTP", " -destPort 9000")).not.toContain("certificate");
    expect(message("UDP")).toBe(
      "Clients use UDP, but only a TCP handshake decides (m): the UDP port is not checked.",
    );
    expect(message("UDP", " -destPort 9000")).toBeUndefined();
  });

  test("do not miss a certificate that a search does not find, nor take a title for a command", () => {
    const shown = [
      "> sh run | grep 10.0.1",
      "add lb vserver v SSL 10.0.1.1 443",
      "add ssl certKey c",
    ];
    expect(causes(...shown)).toEqual([]);
    expect(causes("> sh run", ...shown.slice(1))).toEqual(["info vserver_without_certificate v"]);
    const page = ["A page.", "Bind services to vservers:", "add lb vserver v HTTP 10.0.1.1 80"];
    expect(causes(...page)).toEqual([]);
  });

  test("report a service type that NetScaler does not have in GSLB too", () => {
    expect(
      causes(
        "add gslb site a LOCAL 10.0.0.1",
        "add gslb service s 10.0.0.2 HTTPS 443 -siteName a",
        "add gslb vserver v HTTPS",
        "bind gslb vserver v -serviceName s",
      ),
    ).toEqual(["error unknown_service_type s v"]);
  });

  test("watch LOGSTREAM by tcp-default, since it runs over TCP", () => {
    const { services } = estateOf(["add service s 10.0.0.1 LOGSTREAM 5557"]);
    expect(services.get("s")?.monitors.map(({ monitor }) => monitor)).toEqual(["tcp-default"]);
  });
});

describe("a version line", () => {
  const COMMENT = [
    "$uri = 1",
    "Invoke-RestMethod -Uri $uri",
    "#NS11.1 Build 48.10",
    "add cs vserver c SSL 10.0.0.1 443",
    "add cs action a -targetLBVserver gone",
    "add cs policy p -rule true -action a",
    "bind cs vserver c -policyName p -priority 10",
  ];

  test("makes no whole configuration of an extract when a program's lines surround it", () => {
    expect(causes(...COMMENT)).toEqual([]);
    expect(causes(...COMMENT.slice(2))).not.toEqual([]);
    expect(causes(...COMMENT, "set ns config -IPAddress 10.0.0.9 -netmask 255.0.0.0")).not.toEqual(
      [],
    );
  });
});

describe("a missing space", () => {
  test("is reported once when it makes a service type of an option", () => {
    expect(causes("add serviceGroup g TCP-cltTimeout 9000 -svrTimeout 9000")).toEqual([
      "error unknown_service_type g",
    ]);
  });
});

describe("text that is no command", () => {
  test.each([
    "Add servers to the pool first.",
    "Save lines that couldn't be read.",
    "Set up the monitors if you don't have any.",
  ])("is passed over when it is the sentence %j", (sentence) => {
    const lines = ["A guide.", "", sentence, "", "add server one 10.0.0.1"];
    expect(causes(...lines)).toEqual([]);
    expect(estateOf(lines).passedOver).toBe(2);
  });

  test("is passed over when it is an editor's snippet", () => {
    const lines = [
      '    "prefix": "add lb vserver name type",',
      '    "body": ["bind lb vserver ${1:name} ${2:service}"],',
      '    "other": [',
      '      "bind service ${2:service} -monitorName ${3|a,b|}"',
    ];
    const estate = estateOf(lines);
    expect(estate.lbVservers.size).toBe(0);
    expect(estate.otherStatements.size).toBe(0);
    expect(causes(...lines).filter((one) => !one.includes("unreadable_lines"))).toEqual([]);
  });

  test("surrounds a command when a shell's function runs it", () => {
    const lines = ["#!/bin/bash", 'ns_command "add server one 10.0.0.1"', "done"];
    expect([...estateOf(lines).servers.keys()]).toEqual(["one"]);
  });
});
