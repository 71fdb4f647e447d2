import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { planProbes } from "../../src/agent/plan/plan.ts";
import type { PlannedProbe } from "../../src/agent/plan/planned-probe.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { ProbeRecord } from "../../src/agent/records/probe-record.ts";
import { Scheduler } from "../../src/agent/scheduler.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { observed } from "./small-estate.ts";

// Time is the subject here: timers and the monotonic clock are one virtual clock.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const UNIT_MS = { MSEC: 1, SEC: 1_000, MIN: 60_000 } as const;
type Unit = keyof typeof UNIT_MS;

interface Timing {
  readonly interval: number;
  readonly intervalUnit: Unit;
  readonly downTime: number;
  readonly downUnit: Unit;
  readonly retries: number;
  readonly failureRetries: number;
  readonly successRetries: number;
}

/** As fast as the ADC: its state machine is what is compared. */
const AT_ANY_PACE = { ...BARE_SETTINGS, minIntervalMs: 1 };

/** The monitor as an administrator writes it, read by the importer: units are part of what is compared. */
function plannedReplica(timing: Timing): PlannedProbe {
  const text = [
    "add server ex01 10.0.0.1",
    "add service s1 ex01 TCP 143",
    `add lb monitor m1 TCP -interval ${String(timing.interval)} ${timing.intervalUnit} -resptimeout 10 MSEC -downTime ${String(timing.downTime)} ${timing.downUnit} -retries ${String(timing.retries)} -failureRetries ${String(timing.failureRetries)} -successRetries ${String(timing.successRetries)}`,
    "bind service s1 -monitorName m1",
  ].join("\n");
  const found = planProbes(parseNsConf(text, { adc: "prod" }), AT_ANY_PACE).find(
    (probe) => probe.vantage === "backend" && probe.action.kind === "monitor",
  );
  if (found === undefined) {
    throw new Error("the monitor was not planned");
  }
  return found;
}

/** One probe of the ADC's own: when it is sent, and what the ADC believes after it. */
interface Tick {
  readonly at: number;
  readonly state: "up" | "down" | "unknown";
}

/**
 * The ADC's state machine, written down straight from NetScaler's knowledge base (CTX132937), with its counters: UP, a probe
 * every interval, until `retries` fail in a row (or `failureRetries` of the last `retries`); DOWN, a probe every down
 * time, until `successRetries` succeed in a row. A witness that begins knows nothing: the first success is UP, `retries`
 * failures are DOWN.
 */
function adcTicks(timing: Timing, outcomes: readonly boolean[], startAt: number): Tick[] {
  const intervalMs = timing.interval * UNIT_MS[timing.intervalUnit];
  const downTimeMs = timing.downTime * UNIT_MS[timing.downUnit];
  const ticks: Tick[] = [];
  let state: Tick["state"] = "unknown";
  let inARow = 0;
  let window: boolean[] = [];
  let at = startAt;
  for (const passed of outcomes) {
    if (state === "unknown") {
      inARow = passed ? 0 : inARow + 1;
      if (passed) {
        state = "up";
        window = [];
      } else if (inARow === timing.retries) {
        state = "down";
      }
      if (state !== "unknown") {
        inARow = 0;
      }
    } else if (state === "up") {
      inARow = passed ? 0 : inARow + 1;
      window = [...window, passed].slice(-timing.retries);
      const failed = window.filter((one) => !one).length;
      const enough =
        timing.failureRetries === 0 ? inARow === timing.retries : failed >= timing.failureRetries;
      if (enough) {
        state = "down";
        inARow = 0;
      }
    } else {
      inARow = passed ? inARow + 1 : 0;
      if (inARow === timing.successRetries) {
        state = "up";
        inARow = 0;
        window = [];
      }
    }
    ticks.push({ at, state });
    at += state === "down" ? downTimeMs : intervalMs;
  }
  return ticks;
}

/** The replica itself, in the agent's own scheduler, on a virtual clock. Each probe takes some of its time. */
async function replicaTicks(
  timing: Timing,
  outcomes: readonly boolean[],
  durationMs: number,
): Promise<{ readonly ticks: Tick[]; readonly missed: number }> {
  const record = new ProbeRecord(plannedReplica(timing), () => performance.now());
  const began = performance.now();
  const ticks: Tick[] = [];
  const left = [...outcomes];
  let missed = 0;
  const scheduler = new Scheduler(() => performance.now(), {
    onMissed: (_job, count) => {
      missed += count;
    },
  });
  await new Promise<void>((resolve) => {
    scheduler.add({
      id: record.id,
      intervalMs: record.intervalMs,
      run: async () => {
        const at = performance.now() - began;
        const passed = left.shift() ?? true;
        await new Promise((done) => setTimeout(done, durationMs));
        const delayMs = record.record(observed({ passed }), passed);
        ticks.push({ at, state: record.opinion });
        if (left.length === 0) {
          resolve();
          return null;
        }
        return delayMs;
      },
    });
    void vi.advanceTimersByTimeAsync(outcomes.length * 3 * 3_600_000);
  });
  await scheduler.stop();
  return { ticks, missed };
}

const unit = fc.constantFrom<Unit>("MSEC", "SEC", "MIN");
const timings: fc.Arbitrary<Timing> = fc
  .record({
    interval: fc.integer({ min: 20, max: 60 }),
    intervalUnit: unit,
    downTime: fc.integer({ min: 20, max: 120 }),
    downUnit: unit,
    retries: fc.integer({ min: 1, max: 7 }),
    failureRetries: fc.integer({ min: 0, max: 6 }),
    successRetries: fc.integer({ min: 1, max: 5 }),
  })
  .filter(({ retries, failureRetries }) => failureRetries < retries);

/** A member that is DOWN at first, and probed again after its down time of 20 ms; then UP, and probed every 20 s. */
const DOWN_FIRST: Timing = {
  interval: 20,
  intervalUnit: "SEC",
  downTime: 20,
  downUnit: "MSEC",
  retries: 1,
  failureRetries: 0,
  successRetries: 1,
};

test("replica timing › holds the same state as the ADC's state machine at every tick", async () => {
  await fc.assert(
    fc.asyncProperty(
      timings,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 10 }),
      async (timing, outcomes, durationMs) => {
        const { ticks, missed } = await replicaTicks(timing, outcomes, durationMs);
        const model = adcTicks(timing, outcomes, 0);
        expect(missed).toBe(0);
        expect(ticks.map(({ state }) => state)).toEqual(model.map(({ state }) => state));
        // The first start is spread, and the first one a whole interval after another finds its place there, which is later
        // and less than an interval; before it, and from there on, the two keep step.
        const intervalMs = timing.interval * UNIT_MS[timing.intervalUnit];
        const placed = model.findIndex(
          (tick, index) => tick.at - startOf(model, index - 1) >= intervalMs,
        );
        const lateMs = placed < 0 ? 0 : gap(ticks, placed) - gap(model, placed);
        expect(lateMs).toBeGreaterThan(-5);
        expect(lateMs).toBeLessThan(intervalMs);
        ticks.forEach((tick, index) => {
          const shiftMs = placed >= 0 && index >= placed ? lateMs : 0;
          expect(tick.at - startOf(ticks, 0) - shiftMs).toBeCloseTo(startOf(model, index), -1);
        });
      },
    ),
    { numRuns: 150, examples: [[DOWN_FIRST, [false, true, false, true], 0]] },
  );
}, 60_000);

function startOf(ticks: readonly Tick[], index: number): number {
  return ticks[index]?.at ?? Infinity;
}

/** From the start before. */
function gap(ticks: readonly Tick[], index: number): number {
  return startOf(ticks, index) - startOf(ticks, index - 1);
}

test("replica timing › never probes sooner than the monitor's interval, or its down time while DOWN", async () => {
  await fc.assert(
    fc.asyncProperty(
      timings,
      fc.array(fc.boolean(), { minLength: 2, maxLength: 40 }),
      fc.integer({ min: 0, max: 10 }),
      async (timing, outcomes, durationMs) => {
        const { ticks } = await replicaTicks(timing, outcomes, durationMs);
        ticks.slice(1).forEach((tick, index) => {
          const before = ticks[index];
          const leastMs =
            before?.state === "down"
              ? timing.downTime * UNIT_MS[timing.downUnit]
              : timing.interval * UNIT_MS[timing.intervalUnit];
          // Timers of a millisecond's grain: one start may be late by one.
          expect(tick.at - (before?.at ?? 0)).toBeGreaterThanOrEqual(leastMs - 2);
        });
      },
    ),
    { numRuns: 100 },
  );
}, 60_000);

test("replica timing › probes every 30 s, and every 2 min while DOWN, for a 30 s monitor with 2 min down time", async () => {
  const timing: Timing = {
    interval: 30,
    intervalUnit: "SEC",
    downTime: 2,
    downUnit: "MIN",
    retries: 3,
    failureRetries: 0,
    successRetries: 1,
  };
  const outcomes = [true, true, false, false, false, false, true, true];
  const { ticks } = await replicaTicks(timing, outcomes, 5);
  const gaps = ticks
    .slice(1)
    .map((tick, index) => Math.round((tick.at - (ticks[index]?.at ?? 0)) / 1_000));
  expect(gaps.slice(1)).toEqual([30, 30, 30, 120, 120, 30]);
  expect(gaps[0]).toBeGreaterThanOrEqual(30);
  expect(gaps[0]).toBeLessThan(50);
  expect(ticks.map(({ state }) => state)).toEqual([
    "up",
    "up",
    "up",
    "up",
    "down",
    "down",
    "up",
    "up",
  ]);
});
