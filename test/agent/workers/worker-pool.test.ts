import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import type { PlannedProbe } from "../../../src/agent/plan/planned-probe.ts";
import type { ProbeResult } from "../../../src/agent/run-probe.ts";
import { WorkerLink } from "../../../src/agent/workers/worker-link.ts";
import { WorkerPool } from "../../../src/agent/workers/worker-pool.ts";
import { until } from "../../support/lab-agent.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import { closedPort, serve, type Behaviour } from "../../support/scripted-server.ts";
import { infestedThread, type InfestedThread } from "../../support/worker-thread.ts";
import { monitorCredential } from "../../support/sealed.ts";

/** A TCP-ECV monitor of a member that `connect_to` leads to a port of loopback, as the planner makes it. */
function plannedAt(host: string, password: string | null = null): PlannedProbe {
  const spec = monitorSpec(
    "TCP-ECV",
    { recv: "ready" },
    { credential: password === null ? null : monitorCredential({ username: "probe", password }) },
  );
  return {
    id: `backend ${host}`,
    adc: "prod",
    vantage: "backend",
    vserver: "",
    vservers: [],
    adcService: "g",
    server: "s1",
    memberAddress: host,
    memberPort: 4443,
    address: host,
    port: 4443,
    intervalMs: 5_000,
    timeoutMs: 2_000,
    type: "TCP-ECV",
    source: "SNIP",
    sourceAddresses: [],
    tlsSource: null,
    note: null,
    action: {
      kind: "monitor",
      monitor: spec.monitor,
      weight: 1,
      run: { spec, target: { host, port: 4443, server: "s1" } },
      unsupportedReason: null,
    },
  };
}

interface Told {
  workers: number;
  ended: number;
  lags: number[];
}

function poolOf(connectTo: Readonly<Record<string, string>>, entry?: URL) {
  const told: Told = { workers: 0, ended: 0, lags: [] };
  const pool = new WorkerPool({
    ways: { connectTo, unmapped: "refuse", allowTargets: [], listen: [] },
    events: {
      workersProbing: (count) => {
        told.workers = count;
      },
      workerEnded: () => {
        told.ended += 1;
      },
      workerLag: (seconds) => {
        told.lags.push(seconds);
      },
    },
    log: { error: () => undefined },
    now: Date.now,
    ...(entry === undefined ? {} : { entry }),
  });
  onTestFinished(() => pool.stop());
  return { pool, told };
}

async function server(behaviour: Behaviour) {
  const started = await serve(behaviour);
  onTestFinished(() => started.close());
  return started;
}

const ready: Behaviour = (socket) => socket.write("ready\r\n");
const silent: Behaviour = () => undefined;
/** Threads have to start first. */
const TERMS = { localAddress: null, timeoutMs: 20_000 };

function outcome(result: ProbeResult | null): string {
  return result === null
    ? "not run"
    : `${result.observation.outcome} ${result.observation.reason} ${String(result.passed)}`;
}

test("without threads the pool takes nothing over", async () => {
  const { pool, told } = poolOf({});
  expect(pool.run(plannedAt("192.0.2.1"), TERMS)).toBeNull();
  pool.growTo(0);
  expect(pool.run(plannedAt("192.0.2.1"), TERMS)).toBeNull();
  expect(told.workers).toBe(0);
});

test("threads make the exchange, each over its own network, and say how late they began", async () => {
  const [answers, wrong] = [await server(ready), await server((socket) => socket.end("no\r\n"))];
  const { pool, told } = poolOf({
    "192.0.2.1": `127.0.0.1:${String(answers.port)}`,
    "192.0.2.2": `127.0.0.1:${String(wrong.port)}`,
    "192.0.2.3": `127.0.0.1:${String(await closedPort())}`,
  });
  pool.growTo(2);
  const hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
  const round = () => Promise.all(hosts.map(async (host) => pool.run(plannedAt(host), TERMS)));
  for (const results of [await round(), await round()]) {
    expect(results.map(outcome)).toEqual([
      "match ok true",
      "mismatch pattern_missing false",
      "refused refused false",
      // Not named by connect_to: no packet leaves.
      "fault not_configured null",
    ]);
  }
  expect(told.workers).toBe(2);
  expect(told.lags).toHaveLength(8);
  expect(told.lags.every((lag) => lag >= 0 && lag < 30)).toBe(true);
});

test("a changed plan is told anew; one that is gone is forgotten", async () => {
  const [one, other] = [await server(ready), await server(ready)];
  const thread = infestedThread();
  const { pool } = poolOf(
    {
      "192.0.2.1": `127.0.0.1:${String(one.port)}`,
      "192.0.2.2": `127.0.0.1:${String(other.port)}`,
    },
    thread.entry,
  );
  pool.growTo(1);
  const before = plannedAt("192.0.2.1");
  await pool.run(before, TERMS);
  await pool.run(before, TERMS);
  expect([one.accepted(), other.accepted()]).toEqual([2, 0]);
  await until(
    "it has told",
    () => timesTold(thread),
    (times) => times === 1,
    20_000,
  );
  const after = { ...plannedAt("192.0.2.2"), id: before.id };
  expect(outcome(await pool.run(after, TERMS))).toBe("match ok true");
  expect([one.accepted(), other.accepted()]).toEqual([2, 1]);
  pool.forget(before.id);
  await until("it is told to forget", thread.given, (text) => /kind: 'forget'/.test(text), 30_000);
  await pool.run(after, TERMS);
  await until(
    "it has been told anew",
    () => timesTold(thread),
    (times) => times === 3,
    20_000,
  );
});

test("no secret is ever posted: neither of a probe, nor of the configuration, nor of the environment", async () => {
  const [password, ofEnvironment] = [
    randomBytes(12).toString("hex"),
    randomBytes(12).toString("hex"),
  ];
  process.env["ADC_WITNESS_TEST_CANARY"] = ofEnvironment;
  onTestFinished(() => {
    Reflect.deleteProperty(process.env, "ADC_WITNESS_TEST_CANARY");
  });
  const answers = await server(ready);
  const thread = infestedThread();
  const ways = {
    "192.0.2.1": `127.0.0.1:${String(answers.port)}`,
    "192.0.2.2": `127.0.0.1:${String(answers.port)}`,
  };
  const { pool } = poolOf(ways, thread.entry);
  pool.growTo(1);
  expect(pool.run(plannedAt("192.0.2.1", password), TERMS)).toBeNull();
  expect(outcome(await pool.run(plannedAt("192.0.2.2"), TERMS))).toBe("match ok true");
  const given = await until("it tells", thread.given, (text) => text.includes("192.0.2.2"), 30_000);
  expect(given).toContain("workerData");
  expect(given).toContain("kind: 'run'");
  expect(given).not.toContain(password);
  expect(given).not.toContain(ofEnvironment);
});

test("a thread that dies loses its probes as our own fault, and another takes its place", async () => {
  const [answers, speechless] = [await server(ready), await server(silent)];
  const thread = infestedThread();
  const { pool, told } = poolOf(
    {
      "192.0.2.1": `127.0.0.1:${String(answers.port)}`,
      "192.0.2.2": `127.0.0.1:${String(speechless.port)}`,
    },
    thread.entry,
  );
  pool.growTo(1);
  const running = pool.run(plannedAt("192.0.2.2"), { localAddress: null, timeoutMs: 60_000 });
  await until("it is under way", speechless.open, (open) => open === 1, 30_000);
  thread.kill();
  const lost = await running;
  expect(outcome(lost)).toBe("fault agent_fault null");
  expect(lost?.observation.evidence.detail).toContain("killed by the test");
  expect(lost?.observation.durationMs).toBeGreaterThan(0);
  expect(told.ended).toBe(1);
  const again = await until(
    "its successor probes",
    () => pool.run(plannedAt("192.0.2.1"), TERMS),
    (result) => result?.passed === true,
    30_000,
  );
  expect(outcome(again ?? null)).toBe("match ok true");
  await until("both have told", thread.started, (started) => started === 2, 20_000);
  await until("nothing of the dead is left", speechless.open, (open) => open === 0, 30_000);
});

test("a thread that hangs is ended and replaced", { timeout: 60_000 }, async () => {
  const answers = await server(ready);
  const thread = infestedThread();
  let ended = 0;
  const link = new WorkerLink({
    entry: thread.entry,
    ways: {
      connectTo: { "192.0.2.1": `127.0.0.1:${String(answers.port)}` },
      unmapped: "refuse",
      allowTargets: [],
      listen: [],
    },
    events: {
      workerLag: () => undefined,
      workerEnded: () => {
        ended += 1;
      },
    },
    log: { error: () => undefined },
    now: Date.now,
  });
  onTestFinished(() => link.stop());
  const { action, vantage } = plannedAt("192.0.2.1");
  const run = () => link.run("p", { action, vantage }, { localAddress: null, timeoutMs: 100 });
  await until("it works", run, (result) => result?.passed === true, 30_000);
  thread.hang();
  let lost: ProbeResult | null = null;
  void (async () => {
    for (;;) {
      const result = await run();
      if (result?.observation.reason === "agent_fault") {
        lost = result;
        return;
      }
    }
  })();
  await until(
    "the hung thread is given up",
    () => {
      link.look();
      return lost;
    },
    (seen) => seen !== null,
    30_000,
  );
  expect(ended).toBe(1);
  await until("its successor works", run, (result) => result?.passed === true, 30_000);
});

test("a stop breaks off what is under way and leaves neither thread nor socket", async () => {
  const speechless = await server(silent);
  const ways = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [
      `192.0.2.${String(index + 1)}`,
      `127.0.0.1:${String(speechless.port)}`,
    ]),
  );
  const { pool } = poolOf(ways);
  pool.growTo(2);
  const running = Object.keys(ways).map(async (host) =>
    pool.run(plannedAt(host), { localAddress: null, timeoutMs: 60_000 }),
  );
  await until("all are under way", speechless.open, (open) => open === 50, 20_000);
  const { threads } = systemThreads();
  await pool.stop();
  expect(new Set((await Promise.all(running)).map(outcome))).toEqual(
    new Set(["fault agent_fault null"]),
  );
  await until(
    "both threads are gone",
    systemThreads,
    (seen) => threads === 0 || seen.threads <= threads - 2,
    30_000,
  );
  await until("no socket is left", speechless.open, (open) => open === 0, 30_000);
  expect(outcome((await pool.run(plannedAt("192.0.2.1"), TERMS)) ?? null)).toBe(
    "fault agent_fault null",
  );
  pool.growTo(4);
  expect(pool.size).toBe(2);
});

/** How often a probe has been told in full. */
function timesTold(thread: InfestedThread): number {
  return [...thread.given().matchAll(/errand: \{/g)].length;
}

/** Threads of this process by the system's own count; elsewhere than on Linux nobody counts. */
function systemThreads(): { readonly threads: number } {
  return {
    threads: process.platform === "linux" ? readdirSync("/proc/self/task").length : 0,
  };
}

test("a thread that the system refuses to start costs its probes their opinion, never the agent its life", async () => {
  const { pool, told } = poolOf({}, new URL("http://127.0.0.1/no-module.js"));
  pool.growTo(1);
  expect(
    await pool.run(plannedAt("192.0.2.1"), { localAddress: null, timeoutMs: 1_000 }),
  ).toMatchObject({ passed: null, observation: { outcome: "fault", reason: "agent_fault" } });
  await until(
    "it has been tried again",
    () => told.ended,
    (count) => count >= 2,
    10_000,
  );
});
