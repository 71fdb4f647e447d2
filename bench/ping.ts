import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { batchTickMs, START_TICK_MS, Scheduler } from "../src/agent/scheduler.ts";
import { parseNsConf } from "../src/adc/nsconf/import.ts";
import { runMonitor } from "../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../src/probes/monitors/spec.ts";
import { EchoBatches } from "../src/net/fping.ts";
import { createNetwork } from "../src/net/dns.ts";
import { ownOptions } from "./options.ts";

/**
 * CPU time of one PING probe, of the agent and of the programs that it starts: a `ping` each, `fping` started on every
 * probe's tick, `fping` started on PING's wider ticks. Linux; loopback only.
 */
const { targets, interval, seconds } = ownOptions({
  command: "node dist/bench/ping.js",
  about: "CPU time of one PING probe, including the programs that it starts.",
  options: {
    targets: { kind: "number", usual: 500, about: "hosts to ping" },
    interval: { kind: "number", usual: 5, about: "seconds between two probes of a host" },
    seconds: { kind: "number", usual: 20, about: "seconds to measure each way" },
  },
});
const intervalMs = interval * 1000;

const ways = [
  { name: "ping, one each", program: "/nowhere/fping", tickMs: START_TICK_MS },
  { name: "fping, starts on ticks of 50 ms", program: "fping", tickMs: START_TICK_MS },
  { name: "fping, starts on wider ticks", program: "fping", tickMs: batchTickMs(intervalMs) },
] as const;
console.log(
  `${String(targets)} targets every ${String(intervalMs / 1000)} s, ${String(seconds)} s each way`,
);
for (const way of ways) {
  const { probes, passed, ownUs, childUs } = await measure(way.program, way.tickMs);
  const each = (us: number): string => (us / probes).toFixed(0);
  console.log(
    `${way.name}: ${each(ownUs + childUs)} µs a probe (agent ${each(ownUs)}, programs ${each(childUs)}), ` +
      `${String(passed)} of ${String(probes)} passed`,
  );
}

async function measure(program: string, tickMs: number) {
  const echoes = new EchoBatches(program);
  const network = {
    ...createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
    echoes,
  };
  const { signal } = new AbortController();
  const scheduler = new Scheduler(() => performance.now());
  const spec = pingSpec();
  let probes = 0;
  let passed = 0;
  for (let index = 0; index < targets; index += 1) {
    const host = `127.0.${String(1 + (index >> 7))}.${String(1 + (index & 127))}`;
    scheduler.add({
      id: `bench/backend/sg/${host}/0/ping`,
      intervalMs,
      tickMs,
      run: async () => {
        const result = await runMonitor(
          spec,
          { host, port: 0, server: null },
          {
            network,
            signal,
            timeoutMs: 2000,
            localAddress: null,
            vantage: "backend",
            now: Date.now,
            monotonic: () => performance.now(),
          },
        );
        probes += 1;
        passed += result.passed === true ? 1 : 0;
        return intervalMs;
      },
    });
  }
  await sleep(intervalMs);
  const before = cpuUs();
  [probes, passed] = [0, 0];
  await sleep(seconds * 1000);
  const after = cpuUs();
  const seen = { probes, passed };
  await scheduler.stop();
  return { ...seen, ownUs: after.ownUs - before.ownUs, childUs: after.childUs - before.childUs };
}

/** Our own CPU time, and that of children that have ended (proc(5): fields 14 to 17, in hundredths of a second). */
function cpuUs(): { readonly ownUs: number; readonly childUs: number } {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const { user, system } = process.cpuUsage();
  return { ownUs: user + system, childUs: (Number(fields[13]) + Number(fields[14])) * 10_000 };
}

function pingSpec(): MonitorSpec {
  const estate = parseNsConf("add lb monitor p PING", { adc: "bench" });
  const monitor = estate.monitors.get("p");
  if (monitor === undefined) {
    throw new Error("the monitor was not read");
  }
  return {
    monitor,
    hostHeader: "",
    tls: null,
    credential: null,
    command: null,
    viaVip: null,
  };
}
