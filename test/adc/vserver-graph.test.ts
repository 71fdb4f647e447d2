import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { createVserverGraph } from "../../src/adc/vserver-graph.ts";

function read(...lines: string[]) {
  return parseNsConf(lines.join("\n"), { adc: "test" });
}

const BASE = [
  "add service s 10.0.0.1 HTTP 80",
  "add lb vserver web HTTP 10.0.1.1 80",
  "add lb vserver inner HTTP 0.0.0.0 0",
  "add lb vserver other HTTP 0.0.0.0 0",
  "add cs vserver switch HTTP 10.0.1.2 80",
  "bind lb vserver web s",
  "bind lb vserver inner s",
  "add cs action go -targetLBVserver inner",
];

describe("vservers of a service", () => {
  test("are those that bind it and those that switch to them", () => {
    const estate = read(
      ...BASE,
      'add cs policy p -rule "HTTP.REQ.URL.EQ(\\"/a\\")" -action go',
      "bind cs vserver switch -policyName p -priority 10",
      "add cs vserver apart HTTP 10.0.1.3 80",
      "bind cs vserver apart -lbvserver other",
    );
    expect(createVserverGraph(estate).vserversOfService("s")).toEqual(["web", "inner", "switch"]);
    expect(createVserverGraph(estate).vserversOfService("nobody")).toEqual([]);
  });
});

describe("path through content switching", () => {
  function paths(rule: string, ...more: string[]) {
    const estate = read(
      ...BASE,
      `add cs policy p -rule q{${rule}} -action go`,
      "bind cs vserver switch -policyName p -priority 100",
      ...more,
    );
    return createVserverGraph(estate)
      .csPathTo("inner")
      .map(({ policy, path, host }) => [policy, path, host]);
  }

  test.each([
    ['HTTP.REQ.URL.STARTSWITH("/owa")', [["p", "/owa", null]]],
    ['HTTP.REQ.URL.CONTAINS("ews")', [["p", "/ews", null]]],
    ['HTTP.REQ.HOSTNAME.EQ("m.example.com")', [["p", null, "m.example.com"]]],
    ['HTTP.REQ.HOSTNAME.EQ("m") && HTTP.REQ.URL.PATH.EQ("/x")', [["p", "/x", "m"]]],
    ["CLIENT.IP.SRC.IN_SUBNET(10.0.0.0/8)", [["p", null, null]]],
  ])("is derived from the rule %s", (rule, expected) => {
    expect(paths(rule)).toEqual(expected);
  });

  test("avoids paths that an earlier policy takes", () => {
    expect(
      paths(
        'HTTP.REQ.URL.CONTAINS("/a") || HTTP.REQ.URL.CONTAINS("/b")',
        'add cs policy first -rule "HTTP.REQ.URL.CONTAINS(\\"/a\\")"',
        "bind cs vserver switch -policyName first -targetLBVserver other -priority 50",
      ),
    ).toEqual([["p", "/b", null]]);
  });

  test("is one no policy takes when the target is the default", () => {
    const lines = [...BASE, "bind cs vserver switch -lbvserver inner"];
    expect(createVserverGraph(read(...lines)).csPathTo("inner")).toEqual([
      { csVserver: "switch", policy: null, path: "/", host: null },
    ]);
    const taken = [
      ...lines,
      'add cs policy all -rule "HTTP.REQ.URL.STARTSWITH(\\"/\\")"',
      "bind cs vserver switch -policyName all -targetLBVserver other -priority 1",
    ];
    expect(createVserverGraph(read(...taken)).csPathTo("inner")[0]?.path).toBeNull();
  });

  test("is the preferred one when the policy takes it", () => {
    const estate = read(
      ...BASE,
      'add cs policy p -rule "HTTP.REQ.URL.STARTSWITH(\\"/owa\\")" -action go',
      "bind cs vserver switch -policyName p -priority 10",
    );
    expect(createVserverGraph(estate).csPathTo("inner", "/owa/healthcheck.htm")[0]?.path).toBe(
      "/owa/healthcheck.htm",
    );
    expect(createVserverGraph(estate).csPathTo("inner", "/ews/healthcheck.htm")[0]?.path).toBe(
      "/owa",
    );
  });
});
