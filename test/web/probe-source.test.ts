import { expect, test } from "vitest";
import { probeSourceWords } from "../../src/web/page/probe-source.ts";
import { aMember, aProbe } from "../support/live-state.ts";

const probes = [
  aProbe({ adcSource: { source: "SNIP", addresses: ["192.0.2.2"] } }),
  aProbe({ adcSource: { source: "NSIP", addresses: ["192.0.2.1"] } }),
  aProbe({ adcSource: { source: "SNIP", addresses: ["192.0.2.2"] } }),
];

test("probe source › false_down names the addresses that the ADC probes from, each once", () => {
  expect(probeSourceWords(aMember({ verdict: "false_down", probes }))).toBe(
    "The ADC probes from its SNIP (192.0.2.2) and its NSIP (192.0.2.1): check that firewalls allow that address.",
  );
});

test("probe source › other verdicts say nothing of it", () => {
  expect(probeSourceWords(aMember({ verdict: "agree_up", probes }))).toBeNull();
});
