import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AbortWatch, type Abortable } from "../../src/lib/timers.ts";

describe("AbortWatch", () => {
  test("aborts each registered run once, and no removed run, when the signal aborts", () => {
    const step = fc.record({ signal: fc.nat(1), leaves: fc.option(fc.nat(), { nil: null }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const watch = new AbortWatch();
        const controllers = [new AbortController(), new AbortController()] as const;
        const underWay = new Map<number, { signal: AbortSignal; run: Abortable }>();
        const told: number[] = [];
        for (const [number, { signal: which, leaves }] of steps.entries()) {
          const { signal } = controllers[which === 0 ? 0 : 1];
          const run = { abort: () => void told.push(number), abortIndex: -1 };
          watch.add(signal, run);
          underWay.set(number, { signal, run });
          const leaving = [...underWay][(leaves ?? 0) % underWay.size];
          if (leaves !== null && leaving !== undefined) {
            const [who, left] = leaving;
            watch.remove(left.signal, left.run);
            underWay.delete(who);
          }
        }
        for (const controller of controllers) {
          controller.abort();
        }
        expect(told.toSorted((one, other) => one - other)).toEqual([...underWay.keys()]);
      }),
    );
  });
});
