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
    ["once is not enough", ["a:imap_pop_closed", "a:good", "a:imap_pop_closed"], "..."],
    [
      "an observation that says nothing breaks no row",
      ["a:imap_pop_closed", "a:-", "a:imap_pop_closed"],
      "..M",
    ],
    ["two probes do not add up", ["a:imap_pop_closed", "b:imap_pop_closed"], ".."],
    [
      "cleared after two good ones",
      ["a:imap_pop_closed", "a:imap_pop_closed", "a:good", "a:good"],
      ".MM.",
    ],
    [
      "a sign between begins the clearing anew",
      ["a:imap_pop_closed", "a:imap_pop_closed", "a:good", "a:imap_pop_closed", "a:good", "a:good"],
      ".MMMM.",
    ],
    [
      "another probe's good answers do not clear it",
      ["a:imap_pop_closed", "a:imap_pop_closed", "b:good", "b:good", "b:good"],
      ".MMMM",
    ],
    ["421 after EHLO", ["s:smtp_not_active", "s:smtp_not_active"], ".M"],
    [
      "421 at connect says nothing before a 220",
      ["s:smtp_421_at_connect", "s:smtp_421_at_connect"],
      "..",
    ],
    [
      "421 at connect counts after a 220 of any probe",
      ["t:good+220", "s:smtp_421_at_connect", "s:smtp_421_at_connect"],
      "..M",
    ],
    ["an answer after EHLO implies the 220", ["s:smtp_not_active", "s:smtp_421_at_connect"], ".M"],
    [
      "a health page aborted while another URL answers",
      ["h:health_page_aborted+url", "h:health_page_aborted+url"],
      ".M",
    ],
    [
      "a health page aborted with everything else dead is an outage",
      ["h:health_page_aborted", "h:health_page_aborted", "h:health_page_aborted"],
      "...",
    ],
  ] as const)("%s", (_name, events, detected) => {
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

  test("counts the sign itself, not a later observation that says nothing", () => {
    expect(seen.detected).toBe(true);
    expect(seenInMaintenanceSince(seen, 19)).toBe(true);
    expect(seenInMaintenanceSince(seen, 20)).toBe(false);
    expect(seenInMaintenanceSince(seen, 25)).toBe(false);
  });

  test("a good answer since takes it back", () => {
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
