import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { machineClock, timeAt, type ClockMark } from "../../src/agent/accounts/login-state.ts";

describe("persisted clock", () => {
  const step = fc.record({
    passedMs: fc.nat(3_600_000),
    /** How the wall clock is set meanwhile. */
    setMs: fc.integer({ min: -1e10, max: 1e10 }),
    /** The machine is restarted. */
    boots: fc.boolean(),
  });

  test("advances with the monotonic clock and never backwards when the wall clock is set", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let reading = { run: "0", monotonicMs: 500, wallMs: 1.8e12 };
        let mark: ClockMark = { ...reading, at: timeAt(null, reading) };
        expect(mark.at).toBe(reading.wallMs);
        for (const [index, { passedMs, setMs, boots }] of steps.entries()) {
          reading = {
            run: boots ? String(index + 1) : reading.run,
            monotonicMs: boots ? passedMs : reading.monotonicMs + passedMs,
            wallMs: reading.wallMs + passedMs + setMs,
          };
          const at = timeAt(mark, reading);
          if (boots) {
            expect(at).toBe(mark.at + Math.max(0, passedMs + setMs));
          } else {
            expect(at).toBe(mark.at + passedMs);
          }
          mark = { ...reading, at };
        }
      }),
    );
  });

  test("continues and is the same for all readers on one machine", async () => {
    const [one, other] = [await machineClock(), await machineClock()];
    const first = one();
    const second = other();
    expect(second.monotonicMs).toBeGreaterThanOrEqual(first.monotonicMs);
    if (process.platform === "linux") {
      expect(second.run).toBe(first.run);
    }
  });
});
