import { describe, expect, test } from "vitest";
import {
  initialDetection,
  seenInMaintenanceSince,
  stepDetection,
  type DetectionEvent,
  type MaintenanceSign,
} from "../../src/verdict/detection.ts";

/** Events as `probe:sign`, `+220` for a greeting seen, `+url` for another URL that answers; gives detected after each. */
function run(...events: readonly string[]): string {
  let state = initialDetection();
  return events
    .map((text, index) => {
      const [probe = "", rest = ""] = text.split(":");
      const [sign = "", ...flags] = rest.split("+");
      const event: DetectionEvent = {
        probe,
        at: index,
        sign: sign === "-" ? null : (sign as MaintenanceSign),
        smtpGreeted: flags.includes("220"),
        otherUrlAnswers: flags.includes("url"),
      };
      state = stepDetection(state, event);
      return state.detected ? "M" : ".";
    })
    .join("");
}

describe("stepDetection", () => {
  test.each([
    ["IMAP closed twice in a row", ["a:imap_pop_closed", "a:imap_pop_closed"], ".M"],
    ["IMAP closed once at a time", ["a:imap_pop_closed", "a:good", "a:imap_pop_closed"], "..."],
    [
      "an inconclusive observation in between",
      ["a:imap_pop_closed", "a:-", "a:imap_pop_closed"],
      "..M",
    ],
    ["one sign each of two probes", ["a:imap_pop_closed", "b:imap_pop_closed"], ".."],
    [
      "cleared after two good ones",
      ["a:imap_pop_closed", "a:imap_pop_closed", "a:good", "a:good"],
      ".MM.",
    ],
    [
      "a sign between two good ones",
      ["a:imap_pop_closed", "a:imap_pop_closed", "a:good", "a:imap_pop_closed", "a:good", "a:good"],
      ".MMMM.",
    ],
    [
      "good responses of another probe",
      ["a:imap_pop_closed", "a:imap_pop_closed", "b:good", "b:good", "b:good"],
      ".MMMM",
    ],
    ["421 after EHLO", ["s:smtp_not_active", "s:smtp_not_active"], ".M"],
    ["421 at connect before any 220", ["s:smtp_421_at_connect", "s:smtp_421_at_connect"], ".."],
    [
      "421 at connect after a 220 of another probe",
      ["t:good+220", "s:smtp_421_at_connect", "s:smtp_421_at_connect"],
      "..M",
    ],
    [
      "421 at connect after a response to EHLO",
      ["s:smtp_not_active", "s:smtp_421_at_connect"],
      ".M",
    ],
    [
      "a health page aborted while another URL answers",
      ["h:health_page_aborted+url", "h:health_page_aborted+url"],
      ".M",
    ],
    [
      "a health page aborted while nothing else answers",
      ["h:health_page_aborted", "h:health_page_aborted", "h:health_page_aborted"],
      "...",
    ],
  ] as const)("gives the expected detection: %s", (_name, events, detected) => {
    expect(run(...events)).toBe(detected);
  });
});

describe("seenInMaintenanceSince", () => {
  const steps: readonly (readonly [MaintenanceSign | null, number])[] = [
    ["imap_pop_closed", 10],
    ["imap_pop_closed", 20],
    [null, 30],
  ];
  const seen = steps.reduce(
    (state, [sign, at]) =>
      stepDetection(state, { probe: "a", at, sign, smtpGreeted: false, otherUrlAnswers: false }),
    initialDetection(),
  );

  test("uses the time of the sign, not of a later inconclusive observation", () => {
    expect(seen.detected).toBe(true);
    expect(seenInMaintenanceSince(seen, 19)).toBe(true);
    expect(seenInMaintenanceSince(seen, 20)).toBe(false);
    expect(seenInMaintenanceSince(seen, 25)).toBe(false);
  });

  test("is false when a good response came since", () => {
    const good = stepDetection(seen, {
      probe: "a",
      at: 40,
      sign: "good",
      smtpGreeted: false,
      otherUrlAnswers: false,
    });
    expect(good.detected).toBe(true);
    expect(seenInMaintenanceSince(good, 0)).toBe(false);
  });
});
