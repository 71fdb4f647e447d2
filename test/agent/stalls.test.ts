import { createHash } from "node:crypto";
import { Socket } from "node:net";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ProbeRunner, type ProbeRunnerOptions } from "../../src/agent/probe-runner.ts";
import { Scheduler } from "../../src/agent/scheduler.ts";
import { pauseAfterStallMs, StallBackOff } from "../../src/agent/run-probe.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { type Network, systemSockets } from "../../src/net/network.ts";
import { EventLoopMonitor, type StallCause } from "../../src/net/event-loop-monitor.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add server ex03 10.0.0.3
add serviceGroup sg TCP
add lb monitor m TCP -interval 2 -resptimeout 1 -retries 2 -downTime 2
add lb vserver v TCP 10.0.0.100 25
bind serviceGroup sg ex01 25
bind serviceGroup sg ex02 25
bind serviceGroup sg ex03 25
bind serviceGroup sg -monitorName m
bind lb vserver v sg
`;
const POLL_MS = 5_000;
/** Two retries two seconds apart, a second's time-out, a poll. */
const GRACE_MS = 5_000 + POLL_MS;
const STALL_MS = 1_500;
const HOSTILE: ReadonlySet<string> = new Set(["10.0.0.2", "10.0.0.3"]);
const ALL_UP = { ex01: { state: "up" }, ex02: { state: "up" }, ex03: { state: "up" } } as const;

afterEach(() => {
  vi.useRealTimers();
});

interface World extends SmallEstate {
  readonly runner: ProbeRunner;
  readonly now: () => number;
  /** What ran, by server. */
  readonly runs: Map<string, number>;
  readonly pauses: {
    readonly server: string;
    readonly stallMs: number;
    readonly pauseMs: number;
  }[];
}

/**
 * Three servers, of which two stall the event loop whenever they are probed. Timers and clocks are one virtual clock, and a
 * stall is time that goes by in the middle of a turn. Nothing answers; nothing is sent.
 */
function world(options: Partial<ProbeRunnerOptions> = {}): World {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
  let stalledMs = 0;
  const now = (): number => performance.now() + stalledMs;
  const estate = smallEstate(CONF, { pollMs: POLL_MS, monotonic: now });
  const network: Network = {
    ...createNetwork({ connectTo: {}, unmapped: "refuse", now }),
    loop: new EventLoopMonitor(now, now),
    sockets: { ...systemSockets(), tcp: () => new Socket() },
    addresses: () => Promise.resolve({ kind: "forbidden", message: "no names here" }),
    resolve: (host, port) => {
      stalledMs += HOSTILE.has(host) ? STALL_MS : 0;
      return { kind: "address", address: host, port, family: 4 };
    },
  };
  const runs = new Map<string, number>();
  const pauses: World["pauses"] = [];
  const runner = new ProbeRunner({
    network,
    signal: new AbortController().signal,
    sourceAddresses: [],
    events: {
      probeFinished: ({ server }) => runs.set(server, (runs.get(server) ?? 0) + 1),
      loginEnded: () => undefined,
    },
    keeper: null,
    now,
    monotonic: now,
    onStall: ({ server }, stallMs, pauseMs) => pauses.push({ server, stallMs, pauseMs }),
    ...options,
  });
  return { ...estate, runner, now, runs, pauses };
}

describe("attribution of stalls", () => {
  /** Works for so much processor time. */
  function busy(ms: number): void {
    const before = process.cpuUsage();
    let usedMs = 0;
    while (usedMs < ms) {
      createHash("sha256")
        .update(Buffer.alloc(1024 * 1024))
        .digest();
      const { user, system } = process.cpuUsage(before);
      usedMs = (user + system) / 1_000;
    }
  }

  test("EventLoopMonitor.turnTo › attributes a stall to the run that was called last, however it ends", async () => {
    const watch = new EventLoopMonitor();
    const [first, second]: StallCause[] = [{ stalledMs: 0 }, { stalledMs: 0 }];
    watch.enter();
    watch.attributeTo(first ?? null);
    busy(400);
    watch.attributeTo(second ?? null);
    await new Promise((resolve) => setTimeout(resolve, 250));
    watch.leave();
    expect(first?.stalledMs).toBeGreaterThanOrEqual(390);
    expect(second?.stalledMs).toBe(0);
  });

  test("EventLoopMonitor.turnTo › attributes no stall to a run that was called in an earlier turn", async () => {
    const watch = new EventLoopMonitor();
    const source: StallCause = { stalledMs: 0 };
    watch.enter();
    watch.attributeTo(source);
    await new Promise((resolve) => setTimeout(resolve, 1));
    busy(400);
    await new Promise((resolve) => setTimeout(resolve, 250));
    watch.leave();
    expect(source.stalledMs).toBe(0);
  });

  test("EventLoopMonitor.turnTo › attributes no stall to any run when the process was stopped", () => {
    const clock = { at: 0 };
    const source: StallCause = { stalledMs: 0 };
    const watch = new EventLoopMonitor(
      () => clock.at,
      () => 0,
    );
    watch.enter();
    watch.attributeTo(source);
    clock.at += 5_000;
    watch.attributeTo(null);
    watch.leave();
    expect(source.stalledMs).toBe(0);
    expect(watch.stalledMs()).toBe(4_900);
  });

  test("ProbeRunner.run › pauses all probes of an endpoint in proportion to the stall, and logs it, when its answer stalls the loop", async () => {
    const { runner, probe, state, runs, pauses, now } = world();
    const record = probe("m", "ex02");
    const first = runner.run(record, state);
    await vi.advanceTimersByTimeAsync(1_100);
    await first;
    // Up to the next look at the loop is laid to it as well.
    const [{ server, stallMs, pauseMs } = { server: "", stallMs: 0, pauseMs: 0 }] = pauses;
    expect(server).toBe("ex02");
    expect(stallMs - STALL_MS).toBeGreaterThanOrEqual(0);
    expect(stallMs - STALL_MS).toBeLessThanOrEqual(100);
    expect(pauseMs).toBe(pauseAfterStallMs(stallMs));
    expect(record.stalledSeconds).toBe(stallMs / 1_000);
    const pausedAt = now();
    expect(await runner.run(record, state)).toBe(record.intervalMs);
    expect(runs.get("ex02")).toBe(1);
    await vi.advanceTimersByTimeAsync(pauseMs - 1_000);
    expect(await runner.run(record, state)).toBe(record.intervalMs);
    expect(runs.get("ex02")).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(now() - pausedAt).toBeGreaterThanOrEqual(30_000);
    const again = runner.run(record, state);
    await vi.advanceTimersByTimeAsync(1_100);
    await again;
    expect(runs.get("ex02")).toBe(2);
  });

  test("StallBackOff › keeps at most a thousand endpoints, and none whose pause is over", () => {
    const backOff = new StallBackOff();
    for (let index = 0; index < 2_000; index++) {
      backOff.stalled(`10.0.${String(index >> 8)}.${String(index & 255)}`, 60_000, index);
    }
    expect(backOff.size).toBe(1_000);
    backOff.stalled("10.9.9.9", 1, 10_000_000);
    expect(backOff.size).toBe(1);
    expect(backOff.isPaused("10.9.9.9", 10_009_999)).toBe(true);
    expect(backOff.isPaused("10.9.9.9", 10_010_000)).toBe(false);
  });

  test.each([
    [250, 10_000],
    [1_500, 30_000],
    [14_000, 280_000],
    [60_000, 600_000],
  ])("pauseAfterStallMs › for a stall of %i ms is %i ms", (stallMs, pauseMs) => {
    expect(pauseAfterStallMs(stallMs)).toBe(pauseMs);
  });
});

describe("false_up under event loop stalls", () => {
  /** As the agent does it: every second, what was late is made good first. */
  function evaluateEverySecond({ state, now }: World): ReturnType<typeof setInterval> {
    let evaluatedAt = now();
    return setInterval(() => {
      const heldMs = now() - evaluatedAt - 1_000;
      if (heldMs >= 1_000) {
        state.excludePause(heldMs);
      }
      state.evaluateAll();
      evaluatedAt = now();
    }, 1_000);
  }

  test("is reported within grace and 30 s when a server dies while two others stall the event loop", async () => {
    const one = world();
    const { clock, hear, hearAgain, observe, member, now, probe, runner, state } = one;
    const scheduler = new Scheduler(now);
    const evaluating = evaluateEverySecond(one);
    const polling = setInterval(() => {
      hearAgain();
    }, POLL_MS);
    const startedAt = clock.at - now();
    // The wall clock goes along.
    Object.defineProperty(clock, "at", { get: () => startedAt + now() });
    onTestFinished(() => {
      clearInterval(evaluating);
      clearInterval(polling);
      void scheduler.stop();
    });
    hear(ALL_UP);
    for (const server of ["ex01", "ex02", "ex03"]) {
      observe("m", server, observed({ passed: true }));
      const record = probe("m", server);
      scheduler.add({
        id: server,
        intervalMs: record.intervalMs,
        run: () => runner.run(record, state),
      });
    }
    const diedAt = now();
    const ex01 = member("ex01");
    while (ex01.verdict !== "false_up" && now() - diedAt < 600_000) {
      await vi.advanceTimersByTimeAsync(500);
      hearAgain();
    }
    expect(ex01.verdict).toBe("false_up");
    expect(now() - diedAt).toBeLessThanOrEqual(GRACE_MS + 30_000);
    expect(one.pauses.map(({ server }) => server)).toEqual(
      expect.arrayContaining(["ex02", "ex03"]) as string[],
    );
  });
});
