import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  continuedStart,
  batchTickMs,
  firstStart,
  nextStart,
  secondStartShift,
  spreadOf,
  START_TICK_MS,
} from "../../src/agent/scheduler.ts";

/** Any interval, and as often one of whole ticks. */
const intervals = fc.oneof(
  fc.integer({ min: 1, max: 600_000 }),
  fc.integer({ min: 1, max: 1_000 }).map((ticks) => ticks * START_TICK_MS),
);

describe("first starts", () => {
  test("lie within the interval and within ten seconds, the same after every restart", () => {
    fc.assert(
      fc.property(fc.string(), intervals, (id, intervalMs) => {
        const at = firstStart(id, intervalMs, 1_000);
        expect(at).toBe(firstStart(id, intervalMs, 1_000));
        expect(at).toBeGreaterThanOrEqual(1_000);
        expect(at).toBeLessThan(1_000 + Math.min(intervalMs, 10_000));
      }),
    );
  });

  test("are spread evenly when names differ only in their tail", () => {
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) {
      const tenth = Math.floor(spreadOf(`prod/backend/sg_owa/ex${String(index)}/443/mon`) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(800);
    expect(Math.max(...tenths)).toBeLessThan(1_200);
  });
});

describe("gathered starts", () => {
  test("fall on ticks, now and later, when intervals are whole ticks", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 12_000 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (id, ticks, now) => {
          const intervalMs = ticks * START_TICK_MS;
          const first = firstStart(id, intervalMs, now);
          const second = nextStart(first + secondStartShift(id, intervalMs), intervalMs, first);
          expect(first % START_TICK_MS).toBe(0);
          expect(second.dueAt % START_TICK_MS).toBe(0);
          expect(second.dueAt - first).toBeGreaterThanOrEqual(intervalMs);
          expect(second.dueAt - first).toBeLessThan(2 * intervalMs);
        },
      ),
    );
  });

  test("fall evenly on wider ticks when probes are sent in batches, unless the interval is short or odd", () => {
    expect([2_000, 5_000, 5_050, 1_500, 37].map(batchTickMs)).toEqual([500, 500, 50, 50, 50]);
    const slots = new Map<number, number>();
    for (let index = 0; index < 1_000; index++) {
      const id = `prod/backend/sg/ex${String(index)}/0/ping`;
      const at = firstStart(id, 5_000, 1_234, batchTickMs(5_000));
      slots.set(at, (slots.get(at) ?? 0) + 1);
      expect(secondStartShift(id, 60_000, batchTickMs(60_000)) % 500).toBe(0);
    }
    expect([...slots.keys()].sort((a, b) => a - b)).toEqual([
      1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 5500, 6000,
    ]);
    expect(Math.min(...slots.values())).toBeGreaterThan(70);
  });

  test("keep their own time when intervals are not whole ticks", () => {
    const starts = Array.from({ length: 100 }, (_, index) => firstStart(String(index), 37, 0));
    expect(Math.max(...starts)).toBeLessThan(37);
    expect(new Set(starts).size).toBeGreaterThan(90);
  });
});

describe("next starts", () => {
  test("stay on the grid of the first when starts are late", () => {
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

  test("skip what was missed and never queue when a probe overran", () => {
    expect(nextStart(0, 1_000, 3_500)).toEqual({ dueAt: 4_000, missed: 3 });
    expect(nextStart(0, 1_000, 1_000)).toEqual({ dueAt: 1_000, missed: 0 });
    expect(nextStart(0, 1_000, 1_000.5)).toEqual({ dueAt: 2_000, missed: 1 });
  });

  test("are now, never in the past, when there is no delay", () => {
    expect(nextStart(10, 0, 25)).toEqual({ dueAt: 25, missed: 0 });
  });
});

describe("continued start", () => {
  const place = { startedAt: 1_000, dueAt: 6_000, intervalMs: 5_000, spread: true };

  test.each([
    ["keeps the due time", place, 5_000, 3_000, 6_000],
    ["is at once when the due time has passed meanwhile", place, 5_000, 8_000, 8_000],
    ["waits for a longer new interval", place, 60_000, 3_000, 61_000],
    ["applies a shorter new interval", place, 2_000, 2_500, 3_000],
    ["is at once when a shorter new interval has passed", place, 2_000, 5_000, 5_000],
    ["keeps a first start", { ...place, startedAt: null }, 5_000, 3_000, 6_000],
    ["brings a first start forward", { ...place, startedAt: null }, 1_000, 3_000, 4_000],
  ])("%s", (_name, from, intervalMs, now, startsAt) => {
    expect(continuedStart(from, intervalMs, now)).toBe(startsAt);
  });
});
