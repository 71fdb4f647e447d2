import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memberReplica, type BoundReplica } from "../../src/verdict/replica.ts";

function bound(text: string): BoundReplica[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => {
      const [monitor = "", opinion = "", weight = "1", ...flags] = word.split("/");
      return {
        monitor,
        opinion: opinion as BoundReplica["opinion"],
        weight: Number(weight),
        enabled: !flags.includes("off"),
        passive: flags.includes("passive"),
        lastPassed: flags.includes("failed") ? false : flags.includes("passed") ? true : null,
      };
    });
}

describe("memberReplica", () => {
  test.each([
    ["no monitors: nothing to repeat", "", 0, "unknown", null],
    ["all up", "a/up b/up", 0, "up", "a"],
    ["any down decides", "a/up b/down c/unknown", 0, "down", "b"],
    ["an unknown one could still bring it down", "a/up b/unknown", 0, "unknown", "b"],
    ["a disabled binding does not count", "a/up b/down/1/off", 0, "up", "a"],
    ["a passive monitor does not count", "a/up b/down/1/passive", 0, "up", "a"],
    ["only disabled bindings: nothing to repeat", "a/down/1/off", 0, "unknown", null],
    ["weights reach the threshold", "a/up/2 b/up/3 c/down/9", 5, "up", "b"],
    ["weights miss the threshold", "a/up/2 b/down/3", 5, "down", "b"],
    ["an unknown one could still reach it", "a/up/2 b/unknown/3", 5, "unknown", "b"],
    [
      "an unknown one that cannot reach it does not matter",
      "a/up/2 b/unknown/2 c/down/5",
      5,
      "down",
      "c",
    ],
    ["an unknown one that is not needed does not matter", "a/up/5 b/unknown/5", 5, "up", "a"],
    ["a threshold nobody can reach is down by configuration", "a/up/1", 5, "down", null],
  ] as const)(
    "gives the expected opinion: %s",
    (_name, monitors, threshold, opinion, decidedBy) => {
      expect(memberReplica(bound(monitors), threshold)).toMatchObject({ opinion, decidedBy });
    },
  );

  test.each([
    ["a failing monitor that counts", "a/up/1/failed", 0, true],
    ["a good one", "a/up/1/passed", 0, false],
    ["a failing one whose weight is not needed", "a/up/5/passed b/up/1/failed", 5, false],
    ["a failing one whose weight is needed", "a/up/4/passed b/up/1/failed", 5, true],
    ["a failing one that is switched off", "a/up/1/passed b/up/1/failed/off", 0, false],
  ] as const)("sets failing as expected: %s", (_name, monitors, threshold, failing) => {
    expect(memberReplica(bound(monitors), threshold).failing).toBe(failing);
  });

  test("is unknown exactly when the unknown monitors could decide either way", () => {
    const monitor = fc.record({
      opinion: fc.constantFrom("up", "down", "unknown" as const),
      weight: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(
        fc.array(monitor, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 12 }),
        (monitors, threshold) => {
          const make = (as: "up" | "down"): BoundReplica[] =>
            monitors.map((each, index) => ({
              monitor: String(index),
              enabled: true,
              passive: false,
              lastPassed: null,
              weight: each.weight,
              opinion: each.opinion === "unknown" ? as : each.opinion,
            }));
          const best = isUp(make("up"), threshold);
          const worst = isUp(make("down"), threshold);
          const expected = best === worst ? (best ? "up" : "down") : "unknown";
          const asIs = make("up").map((each, index) => ({
            ...each,
            opinion: monitors[index]?.opinion ?? ("unknown" as const),
          }));
          expect(memberReplica(asIs, threshold).opinion).toBe(expected);
        },
      ),
    );
  });
});

function isUp(monitors: readonly BoundReplica[], threshold: number): boolean {
  const up = monitors.filter((each) => each.opinion === "up");
  return threshold === 0
    ? up.length === monitors.length
    : up.reduce((sum, each) => sum + each.weight, 0) >= threshold;
}
