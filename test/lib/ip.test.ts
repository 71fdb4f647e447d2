import { describe, expect, test } from "vitest";
import { isIPv6, rangesOf, rangeTest } from "../../src/lib/ip.ts";

const RANGES = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "224.0.0.0/4",
  "255.255.255.255/32",
  "192.0.0.192",
  "::1/128",
  "fe80::/10",
];

describe("rangeTest", () => {
  test.each([
    ...["0.0.0.0", "0.255.255.255", "1.0.0.0", "126.255.255.255", "127.0.0.1", "128.0.0.0"],
    ...["223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"],
    ...["255.255.255.254", "192.0.0.192", "192.0.0.193", "10.1.2.3"],
    ...["::1", "::2", "fe80::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"],
  ])("classifies %s as a BlockList does", (address) => {
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    expect(rangeTest(RANGES)(address)).toBe(rangesOf(RANGES).check(address, family));
  });

  test("is false for a host name", () => {
    expect(rangeTest(RANGES)("ex01.example.com")).toBe(false);
  });
});
