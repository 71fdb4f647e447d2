import { describe, expect, test } from "vitest";
import {
  graceLengths,
  initialAgreement,
  lastAgreedAt,
  stepAgreement,
  withinGrace,
  type Opinions,
} from "../../src/verdict/grace.ts";

const GUIDE = {
  retries: 3,
  successRetries: 1,
  intervalMs: 30_000,
  downTimeMs: 120_000,
  responseTimeoutMs: 5000,
};

describe("graceLengths", () => {
  test("add the ADC's timing, the poll interval and the server's settling time", () => {
    expect(graceLengths([GUIDE], 15_000, "imap")).toEqual({
      towardsDownMs: 90_000 + 5000 + 15_000 + 60_000,
      towardsUpMs: 120_000 + 5000 + 15_000 + 60_000,
      replicaUpMs: 120_000 + 10_000 + 5000 + 15_000 + 60_000,
      pollMs: 15_000,
    });
  });
  test("follow the slowest monitor", () => {
    const quick = { ...GUIDE, intervalMs: 5000, downTimeMs: 300_000, successRetries: 2 };
    expect(graceLengths([GUIDE, quick], 0, "other")).toEqual({
      towardsDownMs: 95_000,
      towardsUpMs: 605_000,
      replicaUpMs: 610_000,
      pollMs: 0,
    });
  });
  test("cover the replica's interval when it is long", () => {
    const slow = { ...GUIDE, intervalMs: 240_000, downTimeMs: 30_000 };
    expect(graceLengths([slow], 0, "other").towardsUpMs).toBe(240_000 + 10_000 + 5000);
  });
  test.each([
    ["health_page", 15_000],
    ["imap", 60_000],
    ["pop3", 60_000],
    ["smtp", 30_000],
    ["other", 0],
  ] as const)(
    "cover poll interval and settling time without monitors: %s",
    (protocol, settling) => {
      const lengths = graceLengths([], 10_000, protocol);
      expect(lengths).toEqual({
        towardsDownMs: 10_000 + settling,
        towardsUpMs: 10_000 + settling,
        replicaUpMs: 10_000 + settling,
        pollMs: 10_000,
      });
    },
  );
});

describe("agreement clock", () => {
  /** Runs `adc replica service` words at the given seconds and gives the instant grace runs from at the end. */
  function agreedAt(...steps: readonly [number, string][]): number {
    let clock = initialAgreement(0);
    let opinions: Opinions = { adc: "unknown", replica: "unknown", service: "none" };
    for (const [second, words] of steps) {
      const [adc, replica, service] = words.split(" ");
      opinions = { adc, replica, service } as Opinions;
      clock = stepAgreement(clock, second * 1000, opinions);
    }
    return lastAgreedAt(clock, opinions) / 1000;
  }
  test.each([
    [
      "agreement",
      [
        [5, "up up up"],
        [9, "up up up"],
      ],
      9,
    ],
    [
      "a difference",
      [
        [5, "up up up"],
        [9, "up down up"],
        [60, "up down up"],
      ],
      5,
    ],
    [
      "unknown opinions do not differ",
      [
        [5, "up unknown none"],
        [9, "up unknown unknown"],
      ],
      9,
    ],
    [
      "an ADC that was out of service",
      [
        [5, "out down up"],
        [9, "up down up"],
      ],
      5,
    ],
    [
      "the service alone down",
      [
        [5, "up up up"],
        [9, "up up down"],
        [99, "up up down"],
      ],
      5,
    ],
    [
      "the replica down first, then the service too",
      [
        [5, "up up up"],
        [9, "up down up"],
        [99, "up down up"],
        [110, "up down down"],
        [130, "up down down"],
      ],
      99,
    ],
    [
      "the replica alone down",
      [
        [5, "up up up"],
        [9, "up down up"],
        [99, "up down up"],
      ],
      5,
    ],
    [
      "the replica down without looks at the service",
      [
        [5, "up up none"],
        [9, "up down none"],
        [99, "up down none"],
      ],
      5,
    ],
    [
      "the replica down long after the service",
      [
        [5, "up up up"],
        [9, "up up down"],
        [500, "up up down"],
        [510, "up down down"],
      ],
      500,
    ],
    [
      "the replica up long after the service",
      [
        [5, "down down down"],
        [9, "down down up"],
        [500, "down down up"],
        [510, "down up up"],
      ],
      500,
    ],
    [
      "the service up with an unknown replica",
      [
        [5, "down unknown down"],
        [9, "down unknown up"],
      ],
      5,
    ],
  ] as const)("gives the expected instant: %s", (_name, steps, expected) => {
    expect(agreedAt(...steps.map(([second, words]): [number, string] => [second, words]))).toBe(
      expected,
    );
  });
});

describe("withinGrace", () => {
  test("uses the replica's own time when the ADC came UP first", () => {
    const lengths = { towardsDownMs: 1000, towardsUpMs: 2000, replicaUpMs: 2500, pollMs: 300 };
    const instants = { now: 2500, agreedAt: 0, polledAt: null };
    expect(withinGrace(instants, lengths, "up", "down")).toBe(true);
    expect(withinGrace({ ...instants, now: 2501 }, lengths, "up", "down")).toBe(false);
    expect(withinGrace(instants, lengths, "up", "up")).toBe(false);
  });
  const lengths = { towardsDownMs: 1000, towardsUpMs: 2000, replicaUpMs: 2500, pollMs: 300 };
  test.each([
    ["up", 1000, true],
    ["up", 1001, false],
    ["down", 2000, true],
    ["down", 2001, false],
  ] as const)("for ADC state %s, %i ms after agreement, is %s", (adc, now, expected) => {
    expect(withinGrace({ now, agreedAt: 0, polledAt: now }, lengths, adc)).toBe(expected);
    expect(withinGrace({ now, agreedAt: 0, polledAt: null }, lengths, adc)).toBe(expected);
  });
  test.each([
    ["up", 699, true],
    ["up", 700, false],
    ["down", 1699, true],
    ["down", 1700, false],
  ] as const)(
    "for ADC state %s last polled at %i ms, long after agreement, is %s",
    (adc, polledAt, expected) => {
      expect(withinGrace({ now: 1_000_000, agreedAt: 0, polledAt }, lengths, adc)).toBe(expected);
    },
  );
});
