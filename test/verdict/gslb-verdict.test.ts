import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  gslbVerdict,
  type GslbInputs,
  type SiteInputs,
} from "../../src/verdict/vserver-verdict.ts";
import { ADC_OPINIONS, MISMATCH_VERDICTS } from "../../src/model/verdicts.ts";

const WELL: SiteInputs = { handedOut: true, serves: "up", adc: "up" };
const IDLE: SiteInputs = { ...WELL, handedOut: false };
const DEAD: SiteInputs = { handedOut: true, serves: "down", adc: "up" };
const KNOWN_DEAD: SiteInputs = { handedOut: false, serves: "down", adc: "down" };
const STANDBY: SiteInputs = { ...IDLE, backup: true };
const WITHHELD: SiteInputs = { handedOut: false, serves: "up", adc: "down" };

function verdict(change: Partial<GslbInputs>, ...sites: readonly SiteInputs[]) {
  return gslbVerdict({
    cutOff: false,
    adc: "up",
    dns: "up",
    sites,
    withinGrace: false,
    ...change,
  });
}

describe("gslbVerdict", () => {
  test.each([
    ["both sites serve", {}, [WELL, IDLE], "vip_agree_up"],
    ["a site handed out does not serve", {}, [WELL, DEAD], "vip_up_members_down"],
    [
      "a site handed out does not serve, within grace",
      { withinGrace: true },
      [WELL, DEAD],
      "settling",
    ],
    [
      "a site handed out does not serve, without NITRO",
      { adc: "unknown" },
      [WELL, DEAD],
      "vip_up_members_down",
    ],
    ["a dead site is not handed out", {}, [WELL, KNOWN_DEAD], "vip_agree_up"],
    ["a site serves and GSLB has it DOWN", {}, [WELL, WITHHELD], "vip_site_withheld"],
    [
      "a site that serves is out of service in GSLB",
      {},
      [WELL, { ...WITHHELD, adc: "out" }],
      "vip_agree_up",
    ],
    [
      "a site that GSLB has DOWN is handed out",
      {},
      [{ ...WITHHELD, handedOut: true }],
      "vip_agree_up",
    ],
    ["nothing is answered while a site serves", { dns: "down" }, [IDLE], "vip_down_members_up"],
    ["GSLB is DOWN while a site serves", { adc: "down" }, [IDLE], "vip_down_members_up"],
    ["all are down and GSLB says so", { adc: "down" }, [DEAD, KNOWN_DEAD], "vip_agree_down"],
    ["all are down, GSLB says UP", { dns: "none" }, [KNOWN_DEAD], "vip_up_members_down"],
    ["all are down, and nothing is answered", { dns: "down" }, [KNOWN_DEAD], "vip_up_members_down"],
    ["neither ADC nor DNS can be asked", { adc: "unknown", dns: "unknown" }, [WELL], "unknown"],
    ["no site is known", {}, [{ ...WELL, serves: "unknown" }], "unknown"],
    ["GSLB is disabled", { adc: "out", dns: "down" }, [WELL], "vip_agree_down"],
    ["GSLB is disabled and answers", { adc: "out" }, [DEAD], "unknown"],
    ["the backup's sites stand by", {}, [WELL, STANDBY], "vip_agree_up"],
    [
      "the backup stands in",
      {},
      [KNOWN_DEAD, { ...STANDBY, handedOut: true }],
      "vip_backup_active",
    ],
    [
      "the backup stands in for a DOWN one",
      { adc: "down" },
      [KNOWN_DEAD, { ...STANDBY, handedOut: true }],
      "vip_backup_active",
    ],
    [
      "the backup would serve and is not handed out",
      {},
      [KNOWN_DEAD, STANDBY],
      "vip_up_members_down",
    ],
    [
      "the backup does not serve either",
      {},
      [KNOWN_DEAD, { ...DEAD, backup: true }],
      "vip_up_members_down",
    ],
    ["this agent is cut off", { cutOff: true }, [DEAD], "unknown"],
  ] as const)("is as expected when %s", (_title, change, sites, expected) => {
    expect(verdict(change, ...sites)).toBe(expected);
  });

  const site = fc.record({
    handedOut: fc.constantFrom(true, false, null),
    serves: fc.constantFrom("up", "down", "unknown"),
    adc: fc.constantFrom(...ADC_OPINIONS),
    backup: fc.boolean(),
  });
  const inputs = fc.record({
    cutOff: fc.boolean(),
    adc: fc.constantFrom(...ADC_OPINIONS),
    dns: fc.constantFrom("up", "down", "none", "unknown"),
    sites: fc.array(site, { maxLength: 4 }),
    withinGrace: fc.boolean(),
  });

  test("is no mismatch within grace, when cut off or when no site is known", () => {
    fc.assert(
      fc.property(inputs, (each) => {
        const nothingKnown = each.sites.every(({ serves }) => serves === "unknown");
        if (each.withinGrace || each.cutOff || nothingKnown) {
          expect(MISMATCH_VERDICTS.has(gslbVerdict(each))).toBe(false);
        }
      }),
    );
  });

  test("is settling instead of a mismatch within grace, and otherwise unchanged", () => {
    fc.assert(
      fc.property(inputs, (each) => {
        const after = gslbVerdict({ ...each, withinGrace: false });
        const during = gslbVerdict({ ...each, withinGrace: true });
        expect(during).toBe(MISMATCH_VERDICTS.has(after) ? "settling" : after);
      }),
    );
  });
});
