import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lexLine } from "../../../src/adc/nsconf/lexer.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import type { Estate } from "../../../src/model/estate.ts";
import { mutatedConfiguration, SPLINTERS } from "./mutated-configuration.ts";

/** A short slice by default; `FUZZ_RUNS=1000000` is the long form. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 1_500);

/** What must hold of any estate, however mangled the file it came from. */
function expectSound(estate: Estate): void {
  for (const monitor of estate.monitors.values()) {
    const { intervalMs, responseTimeoutMs, downTimeMs, retries, destPort } = monitor;
    for (const value of [intervalMs, responseTimeoutMs, downTimeMs, retries, destPort ?? 0]) {
      expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
    }
  }
  for (const service of estate.services.values()) {
    for (const { port, adcService, address, domain, weight } of service.members) {
      expect(port === "*" || (Number.isInteger(port) && port >= 0 && port <= 65_535)).toBe(true);
      expect(adcService).toBe(service.name);
      expect(address === null || domain === null).toBe(true);
      expect(Number.isSafeInteger(weight)).toBe(true);
    }
  }
  for (const { rule, message } of estate.diagnostics) {
    expect(rule).toMatch(/^[a-z_]+$/);
    expect(message).not.toBe("");
  }
}

describe("import", () => {
  test("throws no exception when the guides' configurations are mutated", () => {
    fc.assert(
      fc.property(mutatedConfiguration, (text) => {
        expectSound(parseNsConf(text, { adc: "fuzz" }));
      }),
      { numRuns: RUNS },
    );
  }, 3_600_000);

  test("throws no exception when the text is random", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc
        .array(
          fc.constantFrom(...SPLINTERS, "add", "set", "bind", "lb", "monitor", "vserver", " "),
          { maxLength: 60 },
        )
        .map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(text, (input) => {
        lexLine(input);
        expectSound(parseNsConf(input, { adc: "fuzz" }));
      }),
      { numRuns: RUNS },
    );
  }, 3_600_000);
});
