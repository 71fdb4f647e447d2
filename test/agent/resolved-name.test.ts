import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareWithVip,
  MISSED_BEFORE_DROPPED,
  MAX_ADDRESSES,
  sameSites,
  stepResolvedName,
  type ResolvedName,
} from "../../src/agent/public-names.ts";
import type { NameAnswer } from "../../src/net/network.ts";

function answer(...addresses: readonly string[]): NameAnswer {
  return {
    kind: "addresses",
    addresses: addresses.map((address) => ({ address, family: 4 })),
    answeredAt: 0,
  };
}
const FAILURE: NameAnswer = {
  kind: "dns_failure",
  message: "ENOTFOUND",
  absent: true,
  answeredAt: 0,
};

function after(...answers: readonly NameAnswer[]): ResolvedName | null {
  return answers.reduce<ResolvedName | null>(stepResolvedName, null);
}

function addressesOf(name: ResolvedName | null): readonly string[] {
  return name?.kind === "asked" ? name.addresses.map(({ address }) => address) : [];
}

function times(count: number, one: NameAnswer): NameAnswer[] {
  return Array.from({ length: count }, () => one);
}

describe("resolved name", () => {
  test("keeps its sites when a round robin turns the answer", () => {
    const first = after(answer("192.0.2.1", "192.0.2.2"));
    const turned = stepResolvedName(first, answer("192.0.2.2", "192.0.2.1"));
    expect(addressesOf(turned)).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(sameSites(first, turned)).toBe(true);
  });

  test("shows all sites when GSLB answers with one at a time", () => {
    const seen = after(answer("192.0.2.1"), answer("192.0.2.2"), answer("192.0.2.1"));
    expect(addressesOf(seen)).toEqual(["192.0.2.1", "192.0.2.2"]);
  });

  test("drops a site when the set number of answers in a row did not hold it", () => {
    const both = answer("192.0.2.1", "192.0.2.2");
    const one = answer("192.0.2.1");
    expect(addressesOf(after(both, ...times(MISSED_BEFORE_DROPPED - 1, one)))).toHaveLength(2);
    const back = after(both, ...times(MISSED_BEFORE_DROPPED - 1, one), both);
    expect(addressesOf(back)).toHaveLength(2);
    const dropped = after(both, ...times(MISSED_BEFORE_DROPPED, one));
    expect(addressesOf(dropped)).toEqual(["192.0.2.1"]);
    expect(sameSites(back, dropped)).toBe(false);
  });

  test("keeps its sites for a while, with the reason, when the name ceases to resolve", () => {
    const failing = after(answer("192.0.2.1"), FAILURE);
    expect(failing).toMatchObject({ failure: "ENOTFOUND" });
    expect(addressesOf(failing)).toEqual(["192.0.2.1"]);
    expect(sameSites(after(answer("192.0.2.1")), failing)).toBe(false);
    expect(
      addressesOf(after(answer("192.0.2.1"), ...times(MISSED_BEFORE_DROPPED, FAILURE))),
    ).toEqual([]);
    expect(after(answer())).toMatchObject({ failure: "the name has no address" });
  });

  test("drops no site when no answer comes at all, however often", () => {
    const silence: NameAnswer = { ...FAILURE, message: "ETIMEOUT", absent: false };
    const silent = after(answer("192.0.2.1"), ...times(2 * MISSED_BEFORE_DROPPED, silence));
    expect(silent).toMatchObject({ failure: "ETIMEOUT" });
    expect(addressesOf(silent)).toEqual(["192.0.2.1"]);
    expect(after(silence)).toMatchObject({ kind: "asked", addresses: [], failure: "ETIMEOUT" });
  });

  test("never exceeds the most sites and prefers those in the newest answer", () => {
    const address = fc.integer({ min: 0, max: 40 }).map((last) => `192.0.2.${String(last)}`);
    const answers = fc.array(fc.uniqueArray(address, { maxLength: 30 }), { maxLength: 40 });
    fc.assert(
      fc.property(answers, (all) => {
        const name = after(...all.map((one) => answer(...one)));
        const known = addressesOf(name);
        const last = all.at(-1) ?? [];
        expect(known.length).toBeLessThanOrEqual(MAX_ADDRESSES);
        expect(new Set(known).size).toBe(known.length);
        const shown = last.filter((one) => known.includes(one)).length;
        expect(shown).toBe(Math.min(last.length, MAX_ADDRESSES));
        expect(name?.kind === "asked" ? name.left : 0).toBe(last.length - shown);
      }),
    );
  });
});

describe("comparison with the VIP", () => {
  test.each([
    ["the VIP alone", after(answer("10.0.0.1")), "vip"],
    ["the VIP and another site", after(answer("10.0.0.1", "192.0.2.1")), "vip_and_others"],
    ["an address before a translation", after(answer("192.0.2.1")), "others"],
    ["no answer", after(FAILURE), "dns_failure"],
    ["no answer after earlier ones", after(answer("10.0.0.1"), FAILURE), "dns_failure"],
    ["connect_to", after({ kind: "mapped" }), "mapped"],
    ["a name that may not be asked for", after({ kind: "forbidden", message: "no" }), "refused"],
    ["nothing yet", null, "pending"],
  ] as const)("is made for each kind of answer: %s", (_what, resolved, dns) => {
    const names = new Map(resolved === null ? [] : [["mail.example.com", resolved]]);
    expect(compareWithVip(["Mail.example.com", "10.0.0.1"], ["10.0.0.1"], names)).toMatchObject([
      { name: "Mail.example.com", dns },
    ]);
  });
});
