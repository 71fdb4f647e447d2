import { describe, expect, test } from "vitest";
import { matchesMember, matchesPattern } from "../../src/agent/plan/settings.ts";

describe("patterns", () => {
  test.each([
    ["ex*", "ex01", true],
    ["EX*", "ex01", true],
    ["ex*", "mail-ex01", false],
    ["*", "", true],
    ["a.b", "axb", false],
    ["ex0?", "ex01", false],
  ])("matchesPattern › %s on %s is %s", (pattern, name, matches) => {
    expect(matchesPattern(pattern, name)).toBe(matches);
  });

  test.each([
    ["ex*:443", "ex01", 443, true],
    ["ex*:443", "ex01", 25, false],
    ["ex*", "ex01", 25, true],
    ["ex*:*", "ex01", "*", true],
    ["2001:db8::1", "2001:db8::1", 443, true],
    ["[2001:db8::1]:443", "2001:db8::1", 443, true],
    ["[2001:db8::1]:443", "2001:db8::1", 25, false],
    ["[2001:db8::*]:*", "2001:db8::1", 25, true],
    ["[2001:db8::1]", "2001:db8::1", 25, true],
    ["[2001:db8::2]:443", "2001:db8::1", 443, false],
  ] as const)("matchesMember › %s on %s:%s is %s", (pattern, server, port, matches) => {
    expect(matchesMember(pattern, server, port)).toBe(matches);
  });
});
