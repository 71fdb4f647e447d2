import { once } from "node:events";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import { EventLoopMonitor } from "../../src/net/event-loop-monitor.ts";
import { monitorSpec } from "../support/monitor-spec.ts";
import { probeContext } from "../support/probe-context.ts";
import { closedPort } from "../support/scripted-server.ts";

/** A server on a thread of its own, which continues while this one is stalled. */
const SERVER = `
const { createServer } = require("node:net");
const { parentPort, workerData } = require("node:worker_threads");
const server = createServer((socket) => {
  socket.on("error", () => undefined);
  if (workerData.says !== null) socket.write(workerData.says);
  if (workerData.closesAfterMs !== null) setTimeout(() => socket.end(), workerData.closesAfterMs);
}).listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

async function server(says: string | null, closesAfterMs: number | null = null): Promise<number> {
  const worker = new Worker(SERVER, { eval: true, workerData: { says, closesAfterMs } });
  workers.push(worker);
  const [port] = (await once(worker, "message")) as [number];
  return port;
}

/** Blocks this thread: nothing is read, no timer fires. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const BANNER = monitorSpec("TCP-ECV", { send: null, recv: "READY" });
const TIMEOUT_MS = 600;

/** Probes the port, and stalls the event loop for so long once the probe is running. */
async function probeDuringStall(port: number, stallMs: number, turns = 1) {
  const run = runMonitor(
    BANNER,
    { host: "127.0.0.1", port, server: null },
    probeContext(TIMEOUT_MS),
  );
  for (let turn = 0; turn < turns; turn++) {
    await nextTurn();
  }
  stall(stallMs);
  const { observation, passed } = await run;
  return { passed, outcome: observation.outcome, reason: observation.reason };
}

const AGENT_FAULT = { passed: null, outcome: "fault", reason: "agent_fault" };

describe("event loop stall attribution", () => {
  test("reports agent_fault when the timeout passes during the stall", async () => {
    expect(await probeDuringStall(await server(null), 2 * TIMEOUT_MS)).toEqual(AGENT_FAULT);
  });

  test("passes when the response arrived in time and was read after the stall", async () => {
    const port = await server("READY\r\n");
    const run = runMonitor(
      monitorSpec("TCP"),
      { host: "127.0.0.1", port, server: null },
      probeContext(TIMEOUT_MS),
    );
    await nextTurn();
    stall(2 * TIMEOUT_MS);
    expect((await run).passed).toBe(true);
  });

  test("reports agent_fault when the server closes during the stall", async () => {
    expect(await probeDuringStall(await server(null, 100), 0.75 * TIMEOUT_MS)).toEqual(AGENT_FAULT);
  });

  test("reports refused when the port is closed, despite a stall", async () => {
    expect(await probeDuringStall(await closedPort(), 2 * TIMEOUT_MS)).toEqual({
      passed: false,
      outcome: "refused",
      reason: "refused",
    });
  });

  test("reports a mismatch when the response is wrong, despite a stall", async () => {
    const seen = await probeDuringStall(await server("SORRY\r\n", 50), 0.6 * TIMEOUT_MS);
    expect(seen).toEqual({ passed: false, outcome: "mismatch", reason: "pattern_missing" });
  });

  test("reports banner_timeout when there is no stall", async () => {
    expect(await probeDuringStall(await server(null), 1)).toEqual({
      passed: false,
      outcome: "timeout",
      reason: "banner_timeout",
    });
  });
});

describe("EventLoopMonitor", () => {
  test("counts a stall once, as soon as it ends", async () => {
    const watch = new EventLoopMonitor();
    const before = watch.enter();
    await sleep(20);
    stall(900);
    const countedMs = watch.stalledMs() - before;
    expect(countedMs).toBeGreaterThan(650);
    await sleep(250);
    expect(watch.stalledMs() - before).toBeGreaterThanOrEqual(countedMs - 1);
    watch.leave();
  });

  test("does not count a stall that began before the probe", async () => {
    const watch = new EventLoopMonitor();
    watch.enter();
    await nextTurn();
    stall(900);
    // The probe begins in the very turn in which the stall ends, before the watch has had its own.
    const before = watch.enter();
    await sleep(1);
    expect(watch.stalledMs() - before).toBeLessThan(450);
    watch.leave();
    watch.leave();
  });
});
