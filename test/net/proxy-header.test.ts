import fc from "fast-check";
import { expect, test } from "vitest";
import { proxyHeader } from "../../src/net/probe-context.ts";

const V4 = [
  { address: "192.0.2.7", port: 56_324 },
  { address: "198.51.100.11", port: 443 },
] as const;
const V6 = [
  { address: "2001:db8::7", port: 56_324 },
  { address: "2001:db8:0:1::11", port: 443 },
] as const;
const SIGNATURE = "0d0a0d0a000d0a515549540a";

test.each([
  ["IPv4", V4, "PROXY TCP4 192.0.2.7 198.51.100.11 56324 443\r\n"],
  ["IPv6", V6, "PROXY TCP6 2001:db8::7 2001:db8:0:1::11 56324 443\r\n"],
  ["two families", [V4[0], V6[1]], "PROXY UNKNOWN\r\n"],
  ["no address", [{ address: "", port: 0 }, V4[1]], "PROXY UNKNOWN\r\n"],
  [
    "IPv4 written as IPv6",
    [{ address: "::ffff:192.0.2.7", port: 1 }, V4[1]],
    "PROXY TCP4 192.0.2.7 198.51.100.11 1 443\r\n",
  ],
  [
    "an IPv6 address with its zone",
    [{ address: "fe80::1%eth0", port: 1 }, V6[1]],
    "PROXY TCP6 fe80::1 2001:db8:0:1::11 1 443\r\n",
  ],
] as const)(
  "proxyHeader V1 › writes the expected header for %s",
  (_, [source, destination], header) => {
    expect(proxyHeader("V1", source, destination).toString("latin1")).toBe(header);
  },
);

test.each([
  ["IPv4", V4, "2111000c" + "c0000207" + "c633640b" + "dc0401bb"],
  [
    "IPv6",
    V6,
    "21210024" +
      "20010db8000000000000000000000007" +
      "20010db8000000010000000000000011" +
      "dc0401bb",
  ],
  ["two families", [V4[0], V6[1]], "20000000"],
] as const)(
  "proxyHeader V2 › writes the expected header for %s",
  (_, [source, destination], rest) => {
    expect(proxyHeader("V2", source, destination).toString("hex")).toBe(SIGNATURE + rest);
  },
);

test("proxyHeader V2 › writes sixteen bytes for every IPv6 address", () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
      const header = proxyHeader("V2", { address, port }, V6[1]);
      expect(header).toHaveLength(16 + 36);
      const url = new URL(`http://[${address}]/`).hostname.slice(1, -1);
      const groups = header.subarray(16, 32).toString("hex").match(/.{4}/g) ?? [];
      expect(new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1)).toBe(url);
      expect(header.readUInt16BE(48)).toBe(port);
    }),
  );
});
