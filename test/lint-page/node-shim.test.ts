import fc from "fast-check";
import * as net from "node:net";
import { describe, expect, test } from "vitest";
import { BlockList, isIP, isIPv4, isIPv6 } from "../../lint-page/node-shim.ts";

const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const almostV6 = fc
  .tuple(fc.array(group, { maxLength: 9 }), fc.array(group, { maxLength: 9 }), fc.boolean())
  .map(([left, right, gap]) => [...left, ...(gap ? ["", ""] : []), ...right].join(":"));
const texts = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  almostV6,
  fc.string({ unit: fc.constantFrom(..."0123456789abcdefg:.% ") }),
  fc.constantFrom(
    ..."1.2.3.4. 01.2.3.4 1.2.3 ::ffff:1.2.3.4 ::1.2.3.256 1:2:3:4:5:6:1.2.3.4 fe80::1%eth0 fe80::1% :::".split(
      " ",
    ),
    ..."1::2::3 1:2:3:4:5:6:7::8 ::1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: 12345::".split(" "),
    "::% ",
    "fe80::1%a%b",
  ),
);

describe("browser replacement of node:net", () => {
  test("isIP › equals Node.js", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect([text, isIP(text), isIPv4(text), isIPv6(text)]).toEqual([
          text,
          net.isIP(text),
          net.isIPv4(text),
          net.isIPv6(text),
        ]);
      }),
      { numRuns: 3_000 },
    );
  });

  test("BlockList › equals Node.js", () => {
    const range = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    );
    const near = fc.constantFrom("127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.1.1", "fe80::1");
    const familyOf = (address: string): "ipv4" | "ipv6" => (net.isIPv4(address) ? "ipv4" : "ipv6");
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 4 }),
        fc.oneof(fc.ipV4(), fc.ipV6(), near),
        (ranges, address) => {
          const [own, theirs] = [new BlockList(), new net.BlockList()];
          for (const [from, prefix] of [...ranges, ["127.0.0.0", 8] as const]) {
            own.addSubnet(from, prefix);
            theirs.addSubnet(from, prefix, familyOf(from));
          }
          expect([ranges, address, own.check(address)]).toEqual([
            ranges,
            address,
            theirs.check(address, familyOf(address)),
          ]);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
