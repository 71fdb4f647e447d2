import { expect, onTestFinished, test } from "vitest";
import { ProbeRunner } from "../../src/agent/probe-runner.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { serve } from "../support/scripted-server.ts";
import { smallEstate } from "./small-estate.ts";

const CONF = [
  "add server ex01 192.0.2.1",
  "add serviceGroup sg TCP",
  "bind serviceGroup sg ex01 143",
  'add lb monitor m TCP-ECV -recv "OK" -interval 5 -resptimeout 1500 MSEC',
  "bind serviceGroup sg -monitorName m",
].join("\n");

/** A server that answers each connection only when it is told to, in the order they came. */
async function site() {
  const answers: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const server = await serve((socket) => {
    answers.push(() => socket.end("* OK ready\r\n"));
    waiting.shift()?.();
  });
  onTestFinished(() => server.close());
  const { probe, state } = smallEstate(CONF);
  const runner = new ProbeRunner({
    network: createNetwork({
      connectTo: { "192.0.2.1:143": `127.0.0.1:${String(server.port)}` },
      unmapped: "refuse",
      now: Date.now,
    }),
    signal: new AbortController().signal,
    sourceAddresses: [],
    events: { probeFinished: () => undefined, loginEnded: () => undefined },
    keeper: null,
    now: Date.now,
    monotonic: () => performance.now(),
  });
  const connected = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });
  return { server, answers, connected, record: probe("m", "ex01"), state, runner };
}

test("probe on demand › ends at its own time-out while the scheduled run goes on", async () => {
  const { answers, connected, record, state, runner } = await site();
  const first = connected();
  const scheduled = runner.run(record, state);
  await first;
  const second = connected();
  const asked = runner.now(record, 150);
  await second;
  expect((await asked)?.observation).toMatchObject({ outcome: "timeout" });
  answers[0]?.();
  await scheduled;
  expect(record).toMatchObject({ opinion: "up", lastPassed: true });
});

test("probe on demand › is not shared with the scheduled run and changes no opinion", async () => {
  const { answers, connected, record, state, runner, server } = await site();
  const first = connected();
  const asked = runner.now(record, 200);
  await first;
  const second = connected();
  const scheduled = runner.run(record, state);
  await second;
  expect((await asked)?.passed).toBe(false);
  expect(record.last).toBeNull();
  answers[1]?.();
  await scheduled;
  expect(server.accepted()).toBe(2);
  expect(record).toMatchObject({ opinion: "up", lastPassed: true });
});

test("probe on demand › waits no longer than the monitor's own time-out", async () => {
  const { record, runner } = await site();
  const result = await runner.now(record, 60_000);
  expect(result?.observation).toMatchObject({ outcome: "timeout" });
  expect(result?.observation.durationMs).toBeLessThan(5_000);
});
