import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCron } from "../../src/maintenance/calendar.ts";
import { formatDuration, parseDuration } from "../../src/lib/timers.ts";
import { isLoopback, parseHostPort } from "../../src/lib/host-port.ts";
import { nearest } from "../../src/config/problems.ts";
import { Secret } from "../../src/lib/secret.ts";

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["5s", 5000],
    ["10m", 600_000],
    ["4h", 14_400_000],
    ["0s", 0],
    ["5", null],
    ["5 s", null],
    ["1d", 86_400_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["30m1h", null],
    ["1m1m", null],
    ["1h 30m", null],
    ["-5s", null],
    ["1.5s", null],
    ["5S", null],
    ["", null],
    ["9999999999s", null],
    ["3650d", 315_360_000_000],
    ["3651d", null],
    ["999999999d", null],
    ["999999999d999999999h999999999m999999999s999999999ms", null],
  ])("%s is %s ms", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });
  test("are written as they are read", () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
    expect([90_000, 120_000, 1500, 0].map(formatDuration)).toEqual(["90s", "2m", "1500ms", "0ms"]);
  });
});

describe("parseHostPort", () => {
  test.each([
    ["192.0.2.1:443", { host: "192.0.2.1", port: 443 }],
    ["mail.example.com:25", { host: "mail.example.com", port: 25 }],
    ["[2001:db8::1]:993", { host: "2001:db8::1", port: 993 }],
    ["[::1]", { host: "::1", port: null }],
    ["2001:db8::1", { host: "2001:db8::1", port: null }],
    ["ex01", { host: "ex01", port: null }],
    [":9743", { host: "", port: 9743 }],
    ["192.0.2.300:1", null],
    ["a:b", null],
    ["a:65536", null],
    ["[127.0.0.1]:1", null],
    ["", null],
    ["a b", null],
    ["http://a", null],
  ])("reads or refuses %s", (text, expected) => {
    expect(parseHostPort(text)).toEqual(expected);
  });
  test("isLoopback › knows loopback addresses", () => {
    expect(["127.0.0.1", "127.1.2.3", "::1", "localhost"].every(isLoopback)).toBe(true);
    expect(["", "0.0.0.0", "::", "192.0.2.1", "127.example.com"].filter(isLoopback)).toEqual([]);
  });
});

describe("parseCron", () => {
  test("reads lists, ranges, steps, names and Sunday as 7", () => {
    expect(parseCron("*/20 9-11 1,15 jan sun-mon")).toEqual({
      minutes: [0, 20, 40],
      hours: [9, 10, 11],
      daysOfMonth: [1, 15],
      months: [1],
      daysOfWeek: [0, 1],
    });
    expect(parseCron("0 0 * * 7")?.daysOfWeek).toEqual([0]);
  });
  test.each([
    "*/90 * * * *",
    "* */24 * * *",
    "*/0 * * * *",
    "0 0 L * *",
    "0 0 * * 1#2",
    "0 0 31 2 *",
    "* * * * * *",
    "@daily",
    "60 * * * *",
    "",
  ])("refuses %s", (text) => {
    expect(parseCron(text)).toBeNull();
  });
});

test("nearest › finds the intended key", () => {
  const keys = ["ns_conf", "nitro", "name", "connect_to"];
  expect(nearest("nsconf", keys)).toBe("ns_conf");
  expect(nearest("conect_to", keys)).toBe("connect_to");
  expect(nearest("colour", keys)).toBeNull();
  expect(nearest("x".repeat(10_000), keys)).toBeNull();
});

test("secrets › are compared without being shown", () => {
  expect(new Secret("a").equals(new Secret("a"))).toBe(true);
  expect(new Secret("a").equals(new Secret("b"))).toBe(false);
  expect(`${String(new Secret("a"))}`).toBe("<secret>");
});
