import { expect, test } from "vitest";
import { nearNames } from "../../src/adc/near-names.ts";

const KNOWN = Array.from({ length: 2_000 }, (_, index) => `mon_number_${String(index)}`);

test("nearNames › finds the near name of a typing error each time it is asked", () => {
  const near = nearNames([...KNOWN, "mon_web"]);
  expect([near("mon_wbe"), near("mon_wbe"), near("mon_imap")]).toEqual([
    "mon_web",
    "mon_web",
    null,
  ]);
});

test("nearNames › stops comparing when a text holds too many names", () => {
  const near = nearNames([...KNOWN, "mon_web"]);
  for (let index = 0; index < 1_000; index++) {
    near(`another_${String(index)}`);
  }
  expect(near("mon_wbe")).toBeNull();
});

test("nearNames › finds nothing when a name is longer than an ADC allows", () => {
  const long = "m".repeat(200);
  expect(nearNames([long])(`${long}-`)).toBeNull();
});

test.each([
  ["vs_aaa_mail", "aaa_vs_mail", true],
  ["web_app", "app_web", false],
  ["svc_10_0_1", "svc_0_10_1", false],
])("nearNames › compares the order of words: %s, %s: %s", (known, written, isNear) => {
  expect(nearNames([known])(written)).toBe(isNear ? known : null);
});
