import fc from "fast-check";
import { expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { lint, LINT_RULES } from "../../src/lint/lint.ts";
import { mutatedConfiguration } from "../adc/nsconf/mutated-configuration.ts";

test("lint › throws no exception on a damaged configuration, and every finding is complete", () => {
  fc.assert(
    fc.property(mutatedConfiguration, (text) => {
      for (const finding of lint(parseNsConf(text, { adc: "fuzz" }))) {
        expect(finding.rule).toMatch(/^[a-z][a-z0-9_]+$/);
        expect(finding.message).not.toBe("");
        expect(finding.fix).not.toBe("");
      }
    }),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 500) },
  );
  expect(LINT_RULES.length).toBeGreaterThan(30);
}, 3_600_000);
