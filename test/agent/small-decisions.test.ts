import { describe, expect, test } from "vitest";
import { matchesMember, matchesPattern } from "../../src/agent/plan/pattern.ts";
import { ServerNames } from "../../src/agent/records/witness-state.ts";

describe("patterns", () => {
  test.each([
    ["ex*", "ex01", true],
    ["EX*", "ex01", true],
    ["ex*", "mail-ex01", false],
    ["*", "", true],
    ["a.b", "axb", false],
    ["ex0?", "ex01", false],
  ])("%s on %s is %s", (pattern, name, matches) => {
    expect(matchesPattern(pattern, name)).toBe(matches);
  });

  test.each([
    ["ex*:443", "ex01", 443, true],
    ["ex*:443", "ex01", 25, false],
    ["ex*", "ex01", 25, true],
    ["ex*:*", "ex01", "*", true],
    ["2001:db8::1", "2001:db8::1", 443, true],
  ] as const)("%s on %s:%s is %s", (pattern, server, port, matches) => {
    expect(matchesMember(pattern, server, port)).toBe(matches);
  });
});

describe("names that servers go by", () => {
  test("are learnt at the backend, with and without their domain", () => {
    const names = new ServerNames();
    names.learn("prod", "EX01.example.com", "ex01");
    expect(names.serverOf("prod", "ex01")).toBe("ex01");
    expect(names.serverOf("prod", "ex01.EXAMPLE.com")).toBe("ex01");
    expect(names.serverOf("other", "ex01")).toBeNull();
    expect(names.serverOf("prod", "ex02.example.com")).toBeNull();
  });

  test("a name that two servers claim names nobody", () => {
    const names = new ServerNames();
    names.learn("prod", "mail.example.com", "ex01");
    names.learn("prod", "mail.example.com", "ex02");
    expect(names.serverOf("prod", "mail.example.com")).toBeNull();
  });
});
