import fc from "fast-check";
import { expect, test } from "vitest";
import { DueQueue } from "../../src/agent/scheduler.ts";

test("due queue › returns due items earliest first and keeps the others", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000 })),
      fc.integer({ min: 0, max: 1_000 }),
      (times, now) => {
        const queue = new DueQueue<number>();
        times.forEach((at, index) => {
          queue.push(at, index);
        });
        const out: number[] = [];
        for (let due = queue.popDue(now); due !== undefined; due = queue.popDue(now)) {
          out.push(due.dueAt);
          expect(times[due.item]).toBe(due.dueAt);
        }
        expect(out).toEqual(times.filter((at) => at <= now).toSorted((a, b) => a - b));
        expect(queue.size).toBe(times.filter((at) => at > now).length);
        expect(queue.earliest).toBe(
          times.filter((at) => at > now).toSorted((a, b) => a - b)[0] ?? null,
        );
      },
    ),
  );
});
