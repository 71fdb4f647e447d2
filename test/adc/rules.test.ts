import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRule, ruleLiterals } from "../../src/adc/rule-expression.ts";
import { matchesRule, requestsMatching } from "../../src/adc/rule-match.ts";

describe("literals of a rule", () => {
  test.each([
    [
      'HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH("/owa")',
      ["STARTSWITH /owa i"],
      [],
      true,
    ],
    ['http.req.url.eq("/")', ["EQ /"], [], true],
    ['HTTP.REQ.HOSTNAME.EQ("mail.example.com")', [], ["EQ mail.example.com i"], true],
    ['HTTP.REQ.HEADER("Host").CONTAINS("mail")', [], ["CONTAINS mail i"], true],
    [
      'HTTP.REQ.URL.CONTAINS("/ews") || HTTP.REQ.URL.TO_LOWER.CONTAINS("/oab")',
      ["CONTAINS /ews", "CONTAINS /oab i"],
      [],
      true,
    ],
    ['HTTP.REQ.HOSTNAME.EQ("m") && HTTP.REQ.URL.EQ("/")', ["EQ /"], ["EQ m i"], false],
    ['!HTTP.REQ.URL.CONTAINS("/ecp")', ["!CONTAINS /ecp"], [], false],
    ['HTTP.REQ.URL.CONTAINS("/ecp").NOT', ["!CONTAINS /ecp"], [], false],
    [
      '!(HTTP.REQ.URL.CONTAINS("/a") || HTTP.REQ.URL.CONTAINS("b)c"))',
      ["!CONTAINS /a", "!CONTAINS b)c"],
      [],
      false,
    ],
    [
      'CLIENT.IP.SRC.IN_SUBNET(10.0.0.0/8) && HTTP.REQ.URL.CONTAINS("/owa")',
      ["CONTAINS /owa"],
      [],
      false,
    ],
    ["REQ.HTTP.URL == '/owa/*'", ["PATTERN /owa/* i"], [], true],
    ["REQ.HTTP.URL == /a && REQ.HTTP.HEADER Host == mail.x", ["EQ /a i"], ["EQ mail.x i"], false],
    ["REQ.HTTP.URL NOTCONTAINS /ecp", ["!CONTAINS /ecp i"], [], false],
    ['HTTP.REQ.URL.PATH.GET(1).EQ("owa")', [], [], false],
    ["ns_true", [], [], false],
    ['HTTP.REQ.URL.CONTAINS("/with \\"quotes\\"")', ['CONTAINS /with "quotes"'], [], true],
  ])("are read from %s", (rule, urls, hosts, exact) => {
    const literals = ruleLiterals(rule);
    const short = (list: typeof literals.urls): string[] =>
      list.map(
        ({ operator, value, ignoreCase, negated }) =>
          `${negated ? "!" : ""}${operator} ${value}${ignoreCase ? " i" : ""}`,
      );
    expect([short(literals.urls), short(literals.hosts), literals.exact]).toEqual([
      urls,
      hosts,
      exact,
    ]);
  });
});

describe("rule matching", () => {
  test.each([
    ['HTTP.REQ.URL.CONTAINS("/ews")', "/owa/prem/resources/ewsprite1.css", true],
    ['HTTP.REQ.URL.CONTAINS("/ews/")', "/owa/ewsprite1.css", false],
    ['HTTP.REQ.URL.STARTSWITH("/EWS")', "/ews/exchange.asmx", false],
    ['HTTP.REQ.URL.SET_TEXT_MODE(IGNORECASE).STARTSWITH("/EWS")', "/ews/exchange.asmx", true],
    ["REQ.HTTP.URL == '/owa/*.htm'", "/owa/healthcheck.htm", true],
    ["REQ.HTTP.URL == '/owa/*.htm'", "/owa/healthcheck.html", false],
    ["REQ.HTTP.URL == '*a*a*'", "/a", false],
    ['HTTP.REQ.URL.EQ("/x") || CLIENT.IP.SRC.EQ(10.0.0.1)', "/x", true],
    ['HTTP.REQ.URL.EQ("/x") || CLIENT.IP.SRC.EQ(10.0.0.1)', "/y", null],
    ['HTTP.REQ.URL.EQ("/x") && CLIENT.IP.SRC.EQ(10.0.0.1)', "/y", false],
    ["true", "/", true],
  ])("%s against %s is %s", (rule, path, expected) => {
    expect(matchesRule(parseRule(rule), { path, host: null })).toBe(expected);
  });

  test("never refuses a request that was built from the rule", () => {
    const atom = fc
      .record({
        not: fc.boolean(),
        subject: fc.constantFrom("HTTP.REQ.URL", "HTTP.REQ.URL.PATH", "HTTP.REQ.HOSTNAME"),
        operator: fc.constantFrom("EQ", "CONTAINS", "STARTSWITH", "ENDSWITH"),
        value: fc.constantFrom("/owa", "/ews", "/", "/owa/x", "mail", "a.b"),
      })
      .map(
        ({ not, subject, operator, value }) =>
          `${not ? "!" : ""}${subject}.${operator}("${value}")`,
      );
    const rule = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc
          .tuple(tie("tree"), fc.constantFrom("&&", "||"), tie("tree"))
          .map((parts) => `(${parts.join(" ")})`),
      ),
    })).tree;
    fc.assert(
      fc.property(rule, (text) => {
        const tree = parseRule(String(text));
        for (const request of requestsMatching(tree)) {
          expect(matchesRule(tree, request)).not.toBe(false);
        }
      }),
    );
  });

  test("never throws on any text, however nested", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."()!&|\"' .ABurl") }), (text) => {
        matchesRule(parseRule(text), { path: "/", host: "h" });
        requestsMatching(parseRule(text));
      }),
    );
    expect(parseRule("(".repeat(100_000)).kind).toBe("other");
    expect(
      requestsMatching(
        parseRule(Array(40).fill('(HTTP.REQ.URL.EQ("/a") || HTTP.REQ.URL.EQ("/b"))').join(" && ")),
      ).length,
    ).toBeLessThanOrEqual(64);
  });
});
