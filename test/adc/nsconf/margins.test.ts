import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { withoutMargins } from "../../../src/adc/nsconf/margins.ts";

const read = (...lines: readonly string[]) => parseNsConf(lines.join("\n"), { adc: "test" });

const membersOf = (estate: ReturnType<typeof read>, name: string) =>
  estate.services.get(name)?.members.map(({ server }) => server);

const COMMANDS = [
  "add server app1 10.0.0.1",
  "add serviceGroup sg HTTP",
  'add lb monitor m HTTP-ECV -send "GET /" -recv ok',
  "bind serviceGroup sg app1 8080",
  "bind serviceGroup sg -monitorName m",
  "add lb vserver v HTTP 10.1.1.1 80",
  "bind lb vserver v sg",
];

describe("a unified diff", () => {
  const DIFF = [
    "diff --git a/ns.conf b/ns.conf",
    "index 91ab3f2..0c44e1d 100644",
    "--- a/ns.conf",
    "+++ b/ns.conf",
    "@@ -1,5 +1,6 @@ add server old 10.9.9.9",
    " add server a1 10.0.0.1",
    "-add server a2 10.0.0.2",
    "+add server a2 10.0.0.3",
    " add serviceGroup sg HTTP",
    "-bind serviceGroup sg -monitorName tcp",
    "+bind serviceGroup sg a1 80",
    "+bind serviceGroup sg a2 80",
    "bind serviceGroup sg -monitorName http",
  ];

  test("is read in its new state when it has removed, added and unchanged lines", () => {
    const estate = read(...DIFF);
    expect([...estate.servers.values()].map(({ address }) => address)).toEqual([
      "10.0.0.1",
      "10.0.0.3",
    ]);
    expect(membersOf(estate, "sg")).toEqual(["a1", "a2"]);
    expect(estate.services.get("sg")?.monitors.map(({ monitor }) => monitor)).toEqual(["http"]);
    expect(estate.servers.get("a2")?.line).toBe(8);
    expect(estate.extent).toBe("excerpt");
  });

  test("ends when its lines are counted and an empty one follows", () => {
    const text = ["@@ -1 +1 @@", "-add server a 10.0.0.1", "+add server a 10.0.0.2", "", "- b"];
    expect(withoutMargins(text.join("\n"))).toBe("\n\nadd server a 10.0.0.2\n\n- b");
  });

  test("is none without a head, so that an option on a line of its own continues the command", () => {
    const estate = read("add lb monitor m HTTP -respCode 200", "-interval 40", "+ x");
    expect(estate.monitors.get("m")?.intervalMs).toBe(40_000);
  });
});

describe("a list of commands", () => {
  test.each([
    ["   N  ", (at: number) => `   ${String(at)}  `],
    ["N:", (at: number) => `${String(at)}: `],
    ["N)", (at: number) => `${String(at)}) `],
    ["N.", (at: number) => `${String(at)}. `],
    ["[N]", (at: number) => `[${String(at)}] `],
    ["LN", (at: number) => `L${String(at)} `],
    ["N and a tab", (at: number) => `    ${String(at)}\t`],
    ["-", () => "        - "],
    ["*", () => "* "],
  ])("is read without its marks when each line has one: %s", (_, mark) => {
    const estate = read(...COMMANDS.map((command, at) => mark(at + 1) + command));
    const bare = read(...COMMANDS);
    expect(membersOf(estate, "sg")).toEqual(["app1"]);
    expect(estate.diagnostics).toEqual(bare.diagnostics);
    expect(estate.lbVservers).toEqual(bare.lbVservers);
  });

  test("keeps its sentences as sentences when most of it is commands", () => {
    const [first = "", second = "", ...more] = COMMANDS;
    const estate = read(
      ...[first, second, "Bind the members to the group as follows", ...more].map(
        (command, at) => `${String(at + 1)}. ${command}`,
      ),
    );
    expect(membersOf(estate, "sg")).toEqual(["app1"]);
    expect(estate.diagnostics.map(({ rule }) => rule)).toEqual(["unreadable_lines"]);
  });

  test.each([
    [["1. Add servers to the pool", "2. Bind services to the vserver", "3. add server notes"]],
    [["- add server objects for each node.", "- bind service groups to a vserver."]],
    [["* add monitors, services", "* add server first", "* enable features"]],
    [["1. add server web1 10.0.0.1"]],
    [["  7  add server web1 10.0.0.1", "  8  and so on", "  9  more text"]],
  ])("is left as it is when it is a page's: %j", (lines) => {
    const text = lines.join("\n");
    expect(withoutMargins(text)).toBe(text);
  });

  test("keeps a continued option, whatever its line begins with", () => {
    const text = 'add lb monitor m HTTP\n-respCode 200\n- set x y\n5 add z\n"- add server a b"';
    expect(withoutMargins(text)).toBe(text);
  });
});

describe("lines quoted in a mail", () => {
  test.each([
    ["a value", ["> add lb vserver v SSL 10.1.1.1 443 -persistenceType", "> SOURCEIP -timeout 15"]],
    ["an option", ["> add lb vserver v SSL 10.1.1.1 443", "> -persistenceType SOURCEIP"]],
  ])("continue the command above when they begin with %s", (_, lines) => {
    const estate = read(...lines, "> add server a 10.0.0.1");
    expect(estate.lbVservers.get("v")?.persistence.type).toBe("SOURCEIP");
    expect(estate.diagnostics).toEqual([]);
  });

  test("do not continue it when they leave the session", () => {
    const long = `> add lb vserver v HTTP 10.1.1.1 80 -comment ${"x".repeat(60)}`;
    expect(read(long, "> exit").diagnostics).toEqual([]);
  });
});

describe("a text of one partition", () => {
  const PARTITION = ["switch ns partition p", "add server a 10.0.0.1"];

  test("is read when it begins with it", () => {
    expect(read(...PARTITION).servers.size).toBe(1);
    expect(read("# taken with: switch ns partition p", ...PARTITION).servers.size).toBe(1);
  });

  test.each([
    [["add server b 10.0.0.2", ...PARTITION]],
    [[...PARTITION, "switch ns partition q"]],
    [[...PARTITION, "switch ns partition default"]],
  ])("is not read when the text has something else, too: %j", (lines) => {
    expect(read(...lines).servers.has("a")).toBe(false);
  });
});

describe("a rejected command", () => {
  test("is rejected when the ADC marks a word before it answers", () => {
    const estate = read(
      "> add server a 10.0.0.1 -x y",
      "                        ^^",
      "ERROR: No such argument [-x]",
      "> add server b 10.0.0.2",
      " Done",
    );
    expect([...estate.servers.keys()]).toEqual(["b"]);
    expect(estate.diagnostics.map(({ message }) => message)).toEqual([
      "1 command that the ADC rejected is ignored; it is line 1.",
    ]);
  });
});

describe("a text that names what it lacks", () => {
  test("calls a group so when one of its commands does", () => {
    const { diagnostics } = read(
      "bind serviceGroup sg -monitorName ping",
      "add lb vserver v HTTP 10.1.1.1 80",
      "bind lb vserver v sg",
    );
    expect(diagnostics.map(({ message }) => message)).toContain(
      "This text refers to objects that it does not contain: service group sg.",
    );
  });

  test("names a profile's command that does not exist", () => {
    const { diagnostics } = read("add ns netProfile p -srcIP 10.0.0.1", "add netProfile q");
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "1 statement of 1 kind is no command of the ADC: add ns netProfile.",
    ]);
  });
});

describe("an abbreviated option", () => {
  const rulesOf = (...answer: readonly string[]) =>
    read("> add lb monitor m HTTP -respcode 200 -httpreq GET", ...answer, "> show server")
      .diagnostics.map(({ rule }) => rule)
      .filter((rule) => rule === "doubtful_option");

  test("is doubted unless a session shows that the ADC has taken it", () => {
    expect(rulesOf(" Done")).toEqual([]);
    expect(rulesOf()).toEqual(["doubtful_option"]);
  });
});

describe("what a text refers to and does not contain", () => {
  const VSERVER = "add lb vserver v SSL 10.1.1.1 443";
  const CERTIFICATE = "bind ssl vserver v -certkeyName c";

  test("is a note when the text has no certificate at all, even if it begins like a saved file", () => {
    const { diagnostics } = read("#NS13.1 Build 48.47", VSERVER, CERTIFICATE);
    expect(diagnostics.map(({ rule, message }) => [rule, message])).toEqual([
      ["not_in_text", "This text refers to objects that it does not contain: certificate key c."],
    ]);
  });

  test("is a mistake when a saved file has other certificates", () => {
    const { diagnostics } = read(
      "#NS13.1 Build 48.47",
      "add ssl certKey d -cert d.pem -key d.key",
      VSERVER,
      CERTIFICATE,
    );
    expect(diagnostics.map(({ rule }) => rule)).toContain("dangling_reference");
  });

  test("leaves out what a line adds that is not read", () => {
    const { diagnostics } = read(
      "* HTTPS: see `add lb monitor chk HTTP-ECV -recv ok`, which fits",
      "add service s 10.0.0.1 HTTP 80",
      "bind service s -monitorName chk",
      "bind lb vserver v s",
    );
    expect(diagnostics.filter(({ rule }) => rule === "not_in_text")).toMatchObject([
      { message: "This text refers to objects that it does not contain: vserver v." },
    ]);
  });
});

describe("a command that a script runs", () => {
  test.each([
    `run "add server a 10.0.0.1"`,
    `      raw: 'add server a 10.0.0.1'`,
    `- command: "add server a 10.0.0.1"`,
  ])("is read when it is in quotes: %s", (line) => {
    expect(read("#!/bin/sh", line).servers.get("a")?.address).toBe("10.0.0.1");
  });

  test.each([
    `grep "add server a 10.0.0.1"`,
    `name: 'add server a 10.0.0.1'`,
    `run "add server {{ name }} 10.0.0.1"`,
  ])("is none when it is searched for, a title or a template: %s", (line) => {
    expect(read("add server b 10.0.0.2", line).servers.size).toBe(1);
  });
});
