import { describe, expect, test } from "vitest";
import { expandWord, readStatements, type Statement } from "../../../src/adc/nsconf/statements.ts";

function read(text: string): Statement[] {
  return [...readStatements(text)];
}

function brief(text: string): unknown[] {
  return read(text).map(({ line, verb, group, object, words, keys }) => [
    line,
    [verb, group, object ?? "-", ...words].join(" "),
    Object.fromEntries(keys),
  ]);
}

describe("statements", () => {
  test.each([
    [
      "keys with none, one and several values",
      "bind service s -monitorName m -passive -weight 5",
      [[1, "bind service - s", { monitorname: ["m"], passive: [], weight: ["5"] }]],
    ],
    [
      "positional arguments behind -td and -range",
      "add cs vserver c -td 10 SSL 10.0.0.1 -range 3 443 -stateupdate ENABLED",
      [
        [
          1,
          "add cs vserver c SSL 10.0.0.1 443",
          { td: ["10"], range: ["3"], stateupdate: ["ENABLED"] },
        ],
      ],
    ],
    ["groups without object", "add server s 10.0.0.1", [[1, "add server - s 10.0.0.1", {}]]],
    [
      "CR LF, byte order mark, comments, blank lines, prompts and the trailer",
      "\uFEFF#NS13.1 Build 37.38\r\n\r\n> add server a 10.0.0.1\r\nadd server b 10.0.0.2\r\n Done\r\n",
      [
        [3, "add server - a 10.0.0.1", {}],
        [4, "add server - b 10.0.0.2", {}],
      ],
    ],
    [
      "a line wrapped at a space that was removed",
      'bind policy patset p "a b" -index 2 -charset\nASCII\nadd server a 10.0.0.1',
      [
        [1, "bind policy patset p a b", { index: ["2"], charset: ["ASCII"] }],
        [3, "add server - a 10.0.0.1", {}],
      ],
    ],
    [
      "a line wrapped before a space",
      "add service s 10.0.0.1 TCP 143 -sp\n OFF -cltTimeout 9000",
      [[1, "add service - s 10.0.0.1 TCP 143", { sp: ["OFF"], clttimeout: ["9000"] }]],
    ],
    [
      "a line wrapped inside quotes, before a word that looks like a command",
      'add lb monitor m TCP-ECV -recv "please\nshow the banner" -interval 5',
      [[1, "add lb monitor m TCP-ECV", { recv: ["please show the banner"], interval: ["5"] }]],
    ],
    [
      "a key given twice keeps both values",
      "add lb monitor d DNS -IPAddress 10.0.0.1 -IPAddress 10.0.0.2",
      [[1, "add lb monitor d DNS", { ipaddress: ["10.0.0.1", "10.0.0.2"] }]],
    ],
  ])("are read from %s", (_name, text, expected) => {
    expect(brief(text)).toEqual(expected);
  });

  test("are joined without a space when a terminal has hard-wrapped them", () => {
    const long = `add lb monitor m TCP-ECV -send "${"x".repeat(45)}" -recv "service is ready"`;
    const wrapped = `${long.slice(0, 80)}\n${long.slice(80)}`;
    const filler = `add server ${"y".repeat(80 - 20)} 10.0.0.1\n`;
    expect(filler.trimEnd()).toHaveLength(80);
    const statements = read(`${filler}${wrapped}\n`);
    expect(statements[1]?.keys.get("recv")).toEqual(["service is ready"]);
  });

  test("report lines before the first command", () => {
    const lines: number[] = [];
    const statements = [...readStatements("hello\nadd server a 10.0.0.1\n", (n) => lines.push(n))];
    expect(lines).toEqual([1]);
    expect(statements).toHaveLength(1);
  });

  test("keep lines that only look like commands in an open quote, however many", () => {
    const [one, ...others] = read(`add lb monitor m HTTP -send "${"\nstat".repeat(500)}"`);
    expect(others).toEqual([]);
    expect(one?.keys.get("send")?.[0]).toBe(" stat".repeat(500));
  });
  test("are not taken into an open quote when the next command begins", () => {
    const statements = read('add lb monitor m TCP-ECV -recv "oops\nadd server a 10.0.0.1\n');
    expect(statements.map(({ group, broken }) => [group, broken])).toEqual([
      ["lb", true],
      ["server", false],
    ]);
  });

  test("are not taken into an open quote when a removal of an object begins", () => {
    const lost = "rm service s\nunbind service t -monitorName m\nswitch ns partition p";
    const text = read(`add lb monitor m TCP-ECV -recv "oops\n${lost}\n`);
    expect(text.map(({ verb }) => verb)).toEqual(["add", "rm", "unbind", "switch"]);
    const page = read('add responder action r respondwith "a\nrm this file\nswitch to it"');
    expect(page.map(({ verb, broken }) => [verb, broken])).toEqual([["add", false]]);
  });
});

describe("ranges", () => {
  test("count together", () => {
    expect(
      read("add server serv[1-3] 10.102.27.[151-153]").map(({ words }) => words.join(" ")),
    ).toEqual(["serv1 10.102.27.151", "serv2 10.102.27.152", "serv3 10.102.27.153"]);
  });

  test.each([
    ["serv[8-11]", ["serv8", "serv9", "serv10", "serv11"]],
    ["s[08-10]x", ["s08x", "s09x", "s10x"]],
    ["v[P-R]", ["vP", "vQ", "vR"]],
    ["plain", ["plain"]],
    ["s[3-1]", ["s[3-1]"]],
    ["s[0-999999]", ["s[0-999999]"]],
  ])("of %s are expanded", (word, expected) => {
    expect(expandWord(word)).toEqual(expected);
  });

  test("do not expand in policies' character classes", () => {
    const [statement] = read('add cs policy p -rule "HTTP.REQ.URL.REGEX_MATCH(re/[1-3]/)"');
    expect(statement?.keys.get("rule")).toEqual(["HTTP.REQ.URL.REGEX_MATCH(re/[1-3]/)"]);
  });

  test("stand as written when their lengths differ", () => {
    expect(read("add server s[1-2] 10.0.0.[1-3]")).toHaveLength(1);
  });
});
