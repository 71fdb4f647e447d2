import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { denyingAcl } from "../../src/adc/acls.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { parseRule } from "../../src/adc/rule-expression.ts";
import { matchesRule } from "../../src/adc/rule-match.ts";
import { isBetween } from "../../src/lib/ip.ts";

function denied(
  acls: readonly string[],
  source: string | null,
  destination = "192.0.2.20",
): string | null {
  const lines = acls.map(
    (acl) => `add ns ${/^(?:acl6|simpleacl6?) /.test(acl) ? acl : `acl ${acl}`}`,
  );
  const estate = parseNsConf(lines.join("\n"), { adc: "prod" });
  expect(estate.diagnostics).toEqual([]);
  const found = denyingAcl([...estate.acls.values()], { source, destination, port: 25 });
  return found === null ? null : `${found.acl.name} ${found.certain ? "surely" : "perhaps"}`;
}

const LAN = "lan ALLOW -srcIP = 10.1.0.0-10.1.255.255 -priority 10";

describe("ACLs", () => {
  test.each([
    ["no rule", [], "10.1.2.3", null],
    ["everything to the VIP", ["d DENY -destIP = 192.0.2.20"], "10.1.2.3", "d surely"],
    ["without an operator", ["d DENY -destIP 192.0.2.20 -destPort 25"], "10.1.2.3", "d surely"],
    ["a port range", ["d DENY -destPort = 20-30"], "10.1.2.3", "d surely"],
    ["another VIP", ["d DENY -destIP = 192.0.2.21"], "10.1.2.3", null],
    ["all but this VIP", ["d DENY -destIP != 192.0.2.20"], "10.1.2.3", null],
    ["another port", ["d DENY -destPort = 587"], "10.1.2.3", null],
    ["UDP", ["d DENY -protocol UDP"], "10.1.2.3", null],
    ["switched off", ["d DENY -state DISABLED"], "10.1.2.3", null],
    ["allowed for the LAN by priority", ["d DENY -priority 20", LAN], "10.1.2.3", null],
    ["denied for others", ["d DENY -priority 20", LAN], "10.2.2.3", "d surely"],
    ["denied before it is allowed", ["d DENY -priority 5", LAN], "10.1.2.3", "d surely"],
    ["a source that is not ours", ["d DENY -srcIP = 203.0.113.9"], "10.1.2.3", null],
    ["a source of another family", ["d DENY -srcIP = 203.0.113.9"], "2001:db8::1", null],
    ["a source, while ours is unknown", ["d DENY -srcIP = 203.0.113.9"], null, "d perhaps"],
    ["all but the LAN", ["d DENY -srcIP != 10.1.0.0-10.1.255.255"], "10.2.0.1", "d surely"],
    ["a simple rule", ["simpleacl s DENY -srcIP 10.1.2.3"], "10.1.2.3", "s surely"],
    [
      "a simple rule before all others",
      ["simpleacl lan DENY -srcIP 10.1.2.3", LAN],
      "10.1.2.3",
      "lan surely",
    ],
    [
      "a simple rule for another port",
      ["simpleacl s DENY -srcIP 10.1.2.3 -destPort 80 -protocol TCP"],
      "10.1.2.3",
      null,
    ],
    [
      "a rule for IPv6",
      ["acl6 d DENY", "simpleacl6 s DENY -srcIPv6 2001:db8::1"],
      "10.1.2.3",
      null,
    ],
  ] as const)("denyingAcl › %s", (_, acls, source, expected) => {
    expect(denied(acls, source)).toBe(expected);
  });

  test.each([
    ["a range", ["acl6 d DENY -srcIPv6 = 2001:db8::1-2001:db8::9 -destPort = 25"], "d surely"],
    ["another range", ["acl6 d DENY -srcIPv6 = 2001:db8::7-2001:db8::9"], null],
    ["another VIP", ["acl6 d DENY -destIPv6 2001:db8::21"], null],
    ["simple", ["simpleacl6 s DENY -srcIPv6 2001:db8::5"], "s surely"],
    ["a rule for IPv4", ["d DENY", "simpleacl s DENY -srcIP 10.1.2.3"], null],
  ] as const)("denyingAcl › over IPv6: %s", (_, acls, expected) => {
    expect(denied(acls, "2001:db8::5", "2001:db8::20")).toBe(expected);
  });

  test.each(["= 10.0.0.1-10.0.0.2-10.0.0.3", "= somewhere", "=", "= 10.0.0.1 10.0.0.2"])(
    "parser › ignores and reports -srcIP %s when it cannot be read",
    (written) => {
      const estate = parseNsConf(`add ns acl a DENY -srcIP ${written}`, { adc: "prod" });
      expect(estate.acls.get("a")?.source).toBeNull();
      const about = estate.diagnostics.find(({ object }) => object === "a");
      expect(about?.message).toContain("without this option (default: none)");
    },
  );

  test("parser › ignores and reports a port when it is above 65535", () => {
    const estate = parseNsConf("add ns acl a DENY -destPort = 65536", { adc: "prod" });
    expect(estate.acls.get("a")?.destinationPort).toBeNull();
    expect(estate.diagnostics.map(({ object }) => object)).toContain("a");
  });
});

describe("parseRule of the client's address", () => {
  test.each([
    ["CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16)", true, false],
    ["CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16).NOT", false, true],
    ["!CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16)", false, true],
    ["(CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/16)).NOT", false, true],
    ["CLIENT.IP.SRC.EQ(10.1.2.3)", true, false],
    ["client.ip.src.ne(10.1.2.3)", false, true],
    ["CLIENT.IP.SRC.EQ(10.1.2.3) || CLIENT.IP.SRC.EQ(10.2.2.3)", true, true],
    ['CLIENT.IP.SRC.EQ(10.1.2.3) && HTTP.REQ.URL.STARTSWITH("/owa")', true, false],
    ["REQ.IP.SOURCEIP == 10.1.2.3", true, false],
    ["REQ.IP.SOURCEIP == 10.1.0.0 -netmask 255.255.0.0", true, false],
    ["REQ.IP.SOURCEIP != 10.1.0.0 -netmask 255.255.0.0", false, true],
    ["REQ.IP.SOURCEIP == 10.1.0.0 -netmask 255.0.255.0", null, null],
    ["CLIENT.IP.SRC.IN_SUBNET(10.1.0.0/99)", null, null],
    ['CLIENT.IP.SRC.TYPECAST_TEXT_T.EQUALS_ANY("friends")', null, null],
    ["CLIENT.IPV6.SRC.IN_SUBNET(2001:db8::/32)", false, false],
  ])("matches an address as the rule says: %s", (rule, lan, other) => {
    const tree = parseRule(rule);
    const of = (source: string) => matchesRule(tree, { path: "/owa/", host: null, source });
    expect([of("10.1.2.3"), of("10.2.2.3")]).toEqual([lan, other]);
    expect(matchesRule(tree, { path: "/owa/", host: null })).toBeNull();
  });
});

test("isBetween › compares addresses as numbers", () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(), fc.nat(), fc.nat()), (numbers) => {
      const text = (value: number): string =>
        [24, 16, 8, 0].map((bits) => String((value >>> bits) & 255)).join(".");
      const [from = 0, value = 0, to = 0] = numbers;
      expect(isBetween(text(value), text(from), text(to))).toBe(from <= value && value <= to);
    }),
  );
  expect(isBetween("2001:db8::5", "2001:db8::", "2001:db8::ffff")).toBe(true);
  expect(isBetween("2001:db9::5", "2001:db8::", "2001:db8::ffff")).toBe(false);
  expect(isBetween("nowhere", "10.0.0.1", "10.0.0.2")).toBe(false);
});
