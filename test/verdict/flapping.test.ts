import { describe, expect, test } from "vitest";
import {
  changesBetween,
  flapsOf,
  moveFalls,
  stepFalls,
  unexplainedFalls,
  type Fall,
  type Report,
} from "../../src/verdict/flapping.ts";

const S = 1_000;
const MINUTE = 60 * S;

/** Reports of an ADC that is DOWN for `downS` of every `everyS` seconds, asked every `pollS`. */
function words(everyS: number, downS: number, pollS: number, lengthS: number): Report[] {
  const told: Report[] = [];
  for (let at = 0; at <= lengthS; at += pollS) {
    const phase = at % everyS;
    const down = phase < downS;
    const begun = at - phase;
    told.push({
      state: down ? "down" : "up",
      at: at * S,
      changedAt: (down ? begun : begun + downS) * S,
    });
  }
  return told;
}

function fallsIn(told: readonly Report[]): readonly Fall[] {
  return told
    .slice(1)
    .reduce<readonly Fall[]>(
      (falls, word, index) => stepFalls(falls, told[index] ?? word, word),
      [],
    );
}

describe("ADC falls", () => {
  test.each([
    ["visible at polls", 60, 20, 5],
    ["shorter than a poll and visible by the ADC's change time", 60, 4, 15],
  ])("are counted once a minute when %s", (_how, everyS, downS, pollS) => {
    const falls = fallsIn(words(everyS, downS, pollS, 10 * 60 + 30));
    expect(falls).toHaveLength(10);
    expect(falls.every(({ downAt, upAt }) => upAt !== null && upAt > downAt)).toBe(true);
    expect(flapsOf(falls, 10 * MINUTE + 30 * S)).toBe(10);
  });

  test("count one change when the ADC's change time is a second off", () => {
    const before: Report = { state: "up", at: 100 * S, changedAt: 99 * S };
    expect(changesBetween(before, { state: "up", at: 115 * S, changedAt: 101 * S })).toBe(0);
    expect(changesBetween(before, { state: "up", at: 115 * S, changedAt: 103 * S })).toBe(2);
    expect(changesBetween(before, { state: "down", at: 115 * S, changedAt: 101 * S })).toBe(1);
    expect(changesBetween(before, { state: "up", at: 115 * S, changedAt: null })).toBe(0);
  });

  test("are flapping from three on, until a quarter of an hour is quiet", () => {
    const fall = (minute: number): Fall => ({
      downAt: minute * MINUTE,
      upAt: minute * MINUTE + 20 * S,
    });
    expect(flapsOf([fall(1), fall(2)], 3 * MINUTE)).toBeNull();
    expect(flapsOf([fall(1), fall(2), fall(3)], 4 * MINUTE)).toBe(3);
    expect(flapsOf([fall(1), fall(2), fall(3)], 19 * MINUTE)).toBeNull();
    expect(flapsOf([fall(1), fall(20), fall(40)], 45 * MINUTE)).toBe(3);
    expect(flapsOf([fall(1), fall(20), fall(62)], 63 * MINUTE)).toBeNull();
  });

  test("are not counted when a fault of the agent explains them", () => {
    const falls = [1, 10, 20].map((minute) => ({
      downAt: minute * MINUTE,
      upAt: (minute + 1) * MINUTE,
    }));
    const left = unexplainedFalls(falls, 10.5 * MINUTE, MINUTE, 30 * MINUTE);
    expect(left.map(({ downAt }) => downAt / MINUTE)).toEqual([1, 20]);
    expect(unexplainedFalls(falls, null, MINUTE, 30 * MINUTE)).toBe(falls);
  });

  test("are limited in number when the ADC flaps at every poll", () => {
    const falls = fallsIn(words(2, 1, 1, 24 * 3_600));
    expect(falls.length).toBeLessThanOrEqual(240);
  });

  test("move with the wall clock", () => {
    expect(
      moveFalls(
        [
          { downAt: 1, upAt: null },
          { downAt: 2, upAt: 3 },
        ],
        10,
      ),
    ).toEqual([
      { downAt: 11, upAt: null },
      { downAt: 12, upAt: 13 },
    ]);
  });
});
