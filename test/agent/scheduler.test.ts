import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Scheduler } from "../../src/agent/scheduler.ts";

// Time is the subject here: timers and the monotonic clock are one virtual clock.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function scheduler(hooks = {}): Scheduler {
  return new Scheduler(() => performance.now(), hooks);
}

test("scheduler › starts a job at its time and then after the delay that the job returns", async () => {
  const starts: number[] = [];
  const jobs = scheduler();
  const began = performance.now();
  const delays = [100, 250, null];
  jobs.add(
    {
      id: "a",
      intervalMs: 100,
      run: () => {
        starts.push(performance.now() - began);
        return Promise.resolve(delays.shift() ?? null);
      },
    },
    began + 40,
  );
  await vi.advanceTimersByTimeAsync(2_000);
  expect(starts.map((at) => Math.round(at))).toEqual([40, 140, 390]);
  expect(jobs.size).toBe(0);
});

test("scheduler › never runs a job twice at a time, counts missed starts, and returns to the grid when a run is slow", async () => {
  const missed: number[] = [];
  const starts: number[] = [];
  const jobs = scheduler({ onMissed: (_job: unknown, count: number) => missed.push(count) });
  const began = performance.now();
  let running = 0;
  jobs.add(
    {
      id: "slow",
      intervalMs: 100,
      run: async () => {
        running += 1;
        expect(running).toBe(1);
        starts.push(Math.round(performance.now() - began));
        await new Promise((resolve) => setTimeout(resolve, starts.length === 1 ? 350 : 10));
        running -= 1;
        return 100;
      },
    },
    began,
  );
  await vi.advanceTimersByTimeAsync(620);
  expect(starts).toEqual([0, 400, 500, 600]);
  expect(missed).toEqual([3]);
});

test("scheduler › does not start a removed job again and runs an added one of the same name instead", async () => {
  const jobs = scheduler();
  const began = performance.now();
  const ran: string[] = [];
  const job = (name: string) => ({
    id: "same",
    intervalMs: 100,
    run: () => {
      ran.push(name);
      return Promise.resolve(100);
    },
  });
  jobs.add(job("first"), began + 10);
  await vi.advanceTimersByTimeAsync(50);
  jobs.remove("same");
  jobs.add(job("second"), began + 60);
  await vi.advanceTimersByTimeAsync(150);
  expect(ran).toEqual(["first", "second", "second"]);
});

test("scheduler › waits for running jobs and starts nothing more when it is stopped", async () => {
  const jobs = scheduler();
  const began = performance.now();
  let ended = false;
  jobs.add(
    {
      id: "a",
      intervalMs: 10,
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        ended = true;
        return 10;
      },
    },
    began,
  );
  await vi.advanceTimersByTimeAsync(5);
  const stopped = jobs.stop();
  await vi.advanceTimersByTimeAsync(100);
  await stopped;
  expect(ended).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("scheduler › reports how late each start was", async () => {
  const lags: number[] = [];
  const jobs = scheduler({ onLag: (lagMs: number) => lags.push(lagMs) });
  jobs.add({ id: "a", intervalMs: 10, run: () => Promise.resolve(null) }, performance.now() - 500);
  await vi.advanceTimersByTimeAsync(5);
  expect(lags).toHaveLength(1);
  expect(lags[0]).toBeGreaterThanOrEqual(500);
});

test.each([
  ["rejects", () => Promise.reject(new Error("mistake"))],
  [
    "throws before it has begun",
    () => {
      throw new Error("mistake");
    },
  ],
])(
  "scheduler › reports a job that %s and starts it again after its interval",
  async (_how, breaks) => {
    const broken: unknown[] = [];
    const jobs = scheduler({ onBroken: (_job: unknown, error: unknown) => broken.push(error) });
    const began = performance.now();
    let runs = 0;
    jobs.add(
      {
        id: "a",
        intervalMs: 100,
        run: () => {
          runs += 1;
          return runs === 1 ? breaks() : Promise.resolve(100);
        },
      },
      began,
    );
    await vi.advanceTimersByTimeAsync(350);
    expect(runs).toBe(4);
    expect(broken).toHaveLength(1);
  },
);

test("scheduler › counts nothing as missed when a confirming look waits for a slow one to end", async () => {
  const missed: number[] = [];
  const starts: number[] = [];
  const jobs = scheduler({ onMissed: (_job: unknown, count: number) => missed.push(count) });
  const began = performance.now();
  jobs.add(
    {
      id: "look",
      intervalMs: 10_000,
      run: async () => {
        starts.push(Math.round(performance.now() - began));
        await new Promise((resolve) => setTimeout(resolve, 8_000));
        return starts.length === 1 ? 3_000 : 10_000;
      },
    },
    began,
  );
  await vi.advanceTimersByTimeAsync(30_000);
  expect(starts.slice(0, 2)).toEqual([0, 9_000]);
  expect(missed).toEqual([]);
});

test("scheduler › yields to the event loop every few milliseconds when many starts are due together", async () => {
  let spentMs = 0;
  const lags: number[] = [];
  const jobs = new Scheduler(() => performance.now() + spentMs, {
    onLag: (lagMs) => lags.push(lagMs),
  });
  const began = performance.now();
  let started = 0;
  for (let job = 0; job < 10; job++) {
    const run = (): Promise<null> => {
      started += 1;
      spentMs += 8;
      return Promise.resolve(null);
    };
    jobs.add({ id: `job ${String(job)}`, intervalMs: 1_000, run }, began + 10);
  }
  vi.advanceTimersByTime(10);
  expect(started).toBe(3);
  for (const expected of [6, 9, 10]) {
    await new Promise(setImmediate);
    expect(started).toBe(expected);
  }
  expect(lags.map(Math.round)).toEqual([0, 0, 0, 24, 24, 24, 48, 48, 48, 72]);
});

test("scheduler › starts nothing more when it is stopped while starts wait for their turn", async () => {
  let spentMs = 0;
  const jobs = new Scheduler(() => performance.now() + spentMs);
  const began = performance.now();
  let started = 0;
  for (let job = 0; job < 10; job++) {
    const run = (): Promise<number> => {
      started += 1;
      spentMs += 25;
      return Promise.resolve(1_000);
    };
    jobs.add({ id: `job ${String(job)}`, intervalMs: 1_000, run }, began);
  }
  vi.advanceTimersByTime(1);
  await jobs.stop();
  await new Promise(setImmediate);
  expect(started).toBe(1);
});

test("positions › let another scheduler go on where one stopped, however often", async () => {
  const starts: number[] = [];
  const began = performance.now();
  const job = {
    id: "a",
    intervalMs: 5_000,
    run: () => {
      starts.push(Math.round(performance.now() - began));
      return Promise.resolve(5_000);
    },
  };
  let jobs = scheduler();
  jobs.add(job, began + 4_000);
  // A reload each second: the first start would be put off for ever, and a later one come too soon.
  for (let second = 1; second <= 20; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    await jobs.stop();
    const places = jobs.positions();
    jobs = scheduler();
    jobs.add(job, undefined, places.get("a"));
  }
  await jobs.stop();
  expect(starts).toEqual([4_000, 9_000, 14_000, 19_000]);
});

test("positions › count a job that was aborted as started", async () => {
  const jobs = scheduler();
  const began = performance.now();
  const ends: ((delayMs: number) => void)[] = [];
  const run = () => new Promise<number>((resolve) => ends.push(resolve));
  jobs.add({ id: "a", intervalMs: 1_000, run }, began);
  await vi.advanceTimersByTimeAsync(300);
  const stopped = jobs.stop();
  ends[0]?.(1_000);
  await stopped;
  expect(jobs.positions().get("a")).toMatchObject({ startedAt: began, dueAt: began + 1_000 });
});
