import { expect, test } from "vitest";
import { probeSourceWords } from "../../src/web/page/probe-source.ts";
import { aMember, aProbe } from "../support/live-state.ts";

const probes = [
  aProbe({ adcSource: { source: "SNIP", addresses: ["192.0.2.2"] } }),
  aProbe({ adcSource: { source: "NSIP", addresses: ["192.0.2.1"] } }),
  aProbe({ adcSource: { source: "SNIP", addresses: ["192.0.2.2"] } }),
];

test("probe source › names each address that the ADC probes from once when the verdict is false_down", () => {
  expect(probeSourceWords(aMember({ verdict: "false_down", probes }))).toBe(
    "The ADC probes from its SNIP (192.0.2.2) and its NSIP (192.0.2.1): check that firewalls allow that address.",
  );
});

test("probe source › names no address for other verdicts", () => {
  expect(probeSourceWords(aMember({ verdict: "agree_up", probes }))).toBeNull();
});
