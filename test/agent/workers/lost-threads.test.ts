import { expect, onTestFinished, test } from "vitest";
import { ProbeRunner } from "../../../src/agent/probe-runner.ts";
import { WorkerPool } from "../../../src/agent/workers/worker-pool.ts";
import { networkOfWays } from "../../../src/agent/import-once.ts";
import { until } from "../../support/lab-agent.ts";
import { serve } from "../../support/scripted-server.ts";
import { infestedThread } from "../../support/worker-thread.ts";
import { smallEstate } from "../small-estate.ts";

const CONF = `#NS13.1 Build 37.38
add server s1 192.0.2.1
add serviceGroup g TCP
bind serviceGroup g s1 4443
add lb monitor m TCP-ECV -recv ready -interval 30 -resptimeout 20 -retries 1
bind serviceGroup g -monitorName m
`;

test("a dead thread's probe makes the member unknown, never down; its successor sees it up again", async () => {
  let speaks = true;
  const server = await serve((socket) => {
    if (speaks) {
      socket.write("ready\r\n");
    }
  });
  onTestFinished(() => server.close());
  const ways = {
    connectTo: { "192.0.2.1": `127.0.0.1:${String(server.port)}` },
    unmapped: "refuse",
  } as const;
  const thread = infestedThread();
  const workers = new WorkerPool({
    ways,
    events: {
      workersProbing: () => undefined,
      workerLag: () => undefined,
      workerEnded: () => undefined,
    },
    log: { error: () => undefined },
    now: Date.now,
    entry: thread.entry,
  });
  onTestFinished(() => workers.stop());
  workers.growTo(1);
  const { state, hear, member, probe } = smallEstate(CONF);
  hear({ s1: { state: "up" } });
  const record = probe("m", "s1");
  const runner = new ProbeRunner({
    network: networkOfWays(ways),
    signal: new AbortController().signal,
    sourceAddresses: [],
    events: { probeFinished: () => undefined, loginEnded: () => undefined },
    keeper: null,
    workers,
    now: Date.now,
    monotonic: () => performance.now(),
  });

  await runner.run(record, state);
  expect([member("s1").replica, member("s1").verdict]).toEqual(["up", "agree_up"]);

  speaks = false;
  const running = runner.run(record, state);
  await until("it is under way", server.open, (open) => open === 1, 30_000);
  thread.kill();
  await running;
  expect(record.last).toMatchObject({ outcome: "fault", reason: "agent_fault" });
  expect([member("s1").replica, member("s1").verdict]).toEqual(["unknown", "unknown"]);

  speaks = true;
  await until(
    "its successor sees it",
    async () => {
      await runner.run(record, state);
      return member("s1").replica;
    },
    (replica) => replica === "up",
    30_000,
  );
  expect(member("s1").verdict).toBe("agree_up");
});
