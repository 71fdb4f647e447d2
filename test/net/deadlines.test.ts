import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Deadlines, type DeadlinePlace } from "../../src/lib/deadlines.ts";

const LONGEST_MS = 40;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Deadlines", () => {
  test("tell each run once, in its millisecond, unless it has left before", () => {
    const run = fc.record({
      afterMs: fc.integer({ min: 0, max: 30 }),
      timeoutMs: fc.integer({ min: 1, max: LONGEST_MS }).map((ms) => Math.ceil(ms / 10) * 10),
      leavesAfterMs: fc.option(fc.integer({ min: 0, max: LONGEST_MS }), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 30 }), (runs) => {
        const deadlines = new Deadlines();
        const told: { readonly number: number; readonly at: number }[] = [];
        const due: { readonly number: number; readonly at: number }[] = [];
        let now = 0;
        const leaving: { readonly at: number; readonly place: DeadlinePlace }[] = [];
        const until = (at: number): void => {
          for (; now < at; now += 1) {
            vi.advanceTimersByTime(1);
            for (const { place } of leaving.filter((one) => one.at === now + 1)) {
              deadlines.remove(place);
            }
          }
        };
        for (const [number, { afterMs, timeoutMs, leavesAfterMs }] of runs.entries()) {
          until(now + afterMs);
          const place = deadlines.add(
            { timeIsOver: () => told.push({ number, at: now + 1 }) },
            timeoutMs,
          );
          const leavesAt = leavesAfterMs === null ? null : now + Math.max(1, leavesAfterMs);
          if (leavesAt !== null) {
            leaving.push({ at: leavesAt, place });
          }
          if (leavesAt === null || leavesAt >= now + timeoutMs) {
            due.push({ number, at: now + timeoutMs });
          }
        }
        until(now + 2 * LONGEST_MS);
        const byNumber = (one: { number: number }, other: { number: number }): number =>
          one.number - other.number;
        // A timer of Node's may be early by less than a millisecond, and so may we.
        expect(told.toSorted(byNumber).map(({ number }) => number)).toEqual(
          due.toSorted(byNumber).map(({ number }) => number),
        );
        for (const { number, at } of due) {
          const tellsAt = told.find((one) => one.number === number)?.at ?? NaN;
          expect(Math.abs(tellsAt - at)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test("a time-out longer than a timer can last is waited for all the same", () => {
    const deadlines = new Deadlines();
    let told = 0;
    const longMs = 2 ** 31 + 10_000;
    deadlines.add({ timeIsOver: () => (told += 1) }, longMs);
    vi.advanceTimersByTime(longMs - 10);
    expect(told).toBe(0);
    vi.advanceTimersByTime(20);
    expect(told).toBe(1);
  });

  test("what begins while others are told has its own time", () => {
    const deadlines = new Deadlines();
    const told: string[] = [];
    deadlines.add(
      {
        timeIsOver: () => {
          told.push("first");
          deadlines.add({ timeIsOver: () => told.push("second") }, 20);
        },
      },
      20,
    );
    vi.advanceTimersByTime(20);
    expect(told).toEqual(["first"]);
    vi.advanceTimersByTime(20);
    expect(told).toEqual(["first", "second"]);
  });
});

test("nothing keeps the process once all have left", () => {
  vi.useRealTimers();
  const deadlines = new Deadlines();
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  const before = timers();
  const places = [1, 2, 3].map(() => deadlines.add({ timeIsOver: () => undefined }, 60_000));
  expect(timers()).toBe(before + 1);
  for (const place of places) {
    deadlines.remove(place);
  }
  expect(timers()).toBe(before);
});
