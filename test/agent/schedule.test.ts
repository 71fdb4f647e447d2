import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstStart, nextStart, spreadOf } from "../../src/agent/schedule.ts";

describe("first starts", () => {
  test("lie within the interval and within ten seconds, the same after every restart", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 600_000 }), (id, intervalMs) => {
        const at = firstStart(id, intervalMs, 1_000);
        expect(at).toBe(firstStart(id, intervalMs, 1_000));
        expect(at).toBeGreaterThanOrEqual(1_000);
        expect(at).toBeLessThan(1_000 + Math.min(intervalMs, 10_000));
      }),
    );
  });

  test("are spread evenly over names that differ only in their tail", () => {
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) {
      const tenth = Math.floor(spreadOf(`prod/backend/sg_owa/ex${String(index)}/443/mon`) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(800);
    expect(Math.max(...tenths)).toBeLessThan(1_200);
  });
});

describe("next starts", () => {
  test("stay on the grid of the first, however late each start was", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { maxLength: 50 }),
        (delayMs, latenesses) => {
          let dueAt = 5;
          latenesses.forEach((lateness, index) => {
            const next = nextStart(dueAt, delayMs, dueAt + lateness * delayMs);
            expect(next.missed).toBe(0);
            dueAt = next.dueAt;
            expect(dueAt).toBe(5 + (index + 1) * delayMs);
          });
        },
      ),
    );
  });

  test("a probe that overran skips what it missed and never queues", () => {
    expect(nextStart(0, 1_000, 3_500)).toEqual({ dueAt: 4_000, missed: 3 });
    expect(nextStart(0, 1_000, 1_000)).toEqual({ dueAt: 1_000, missed: 0 });
    expect(nextStart(0, 1_000, 1_000.5)).toEqual({ dueAt: 2_000, missed: 1 });
  });

  test("no delay means now, and never a moment that has passed", () => {
    expect(nextStart(10, 0, 25)).toEqual({ dueAt: 25, missed: 0 });
  });
});
