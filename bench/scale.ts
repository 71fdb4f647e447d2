import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mainThreadCpuMsOf } from "./cpu-time.ts";
import { flagValue } from "./flags.ts";
import { OurAgent, sumOf } from "./our-agent.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import type { Protocol } from "./protocols.ts";

/**
 * `scale [--replicas 10000] [--interval 5] [--seconds 30] [--shards 1]`: how one process, or one for each shard, keeps
 * its schedule: 70 % TCP-ECV, 20 % HTTP-ECV, 10 % HTTPS, all played by one process of targets on the same machine.
 */
const START_MS = 90_000;

const words = process.argv.slice(2);
const replicas = Number(flagValue(words, "--replicas") ?? "10000");
const intervalSeconds = Number(flagValue(words, "--interval") ?? "5");
const seconds = Number(flagValue(words, "--seconds") ?? "30");
const shards = Number(flagValue(words, "--shards") ?? "1");
const parts = [
  { protocol: "tcp_ecv", members: Math.round(replicas * 0.7) },
  { protocol: "http_ecv", members: Math.round(replicas * 0.2) },
  { protocol: "https_ecv", members: Math.round(replicas * 0.1) },
] as const;
const directory = await mkdtemp(join(tmpdir(), "adc-witness-scale-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
const began = performance.now();
const agents = await Promise.all(
  Array.from({ length: shards }, (_, index) =>
    OurAgent.start(join(directory, String(index)), {
      parts,
      ports: targets.heard,
      intervalSeconds,
      config: { shard: `${String(index)}/${String(shards)}` },
    }),
  ),
);
try {
  console.log(
    `replicas ${String(replicas)} every ${String(intervalSeconds)} s, processes ${String(shards)}`,
  );
  const reports = await Promise.all(agents.map(watch));
  for (const report of reports) {
    console.log(["", ...report].join("\n"));
  }
} finally {
  await Promise.all(agents.map((agent) => agent.stop()));
  await stopChild(targets.child);
  await rm(directory, { recursive: true, force: true });
}

/** Watches one agent from its first complete round on. */
async function watch(agent: OurAgent): Promise<readonly string[]> {
  // Not by its metrics: rendering all of them twice a second would be most of what is measured.
  while (!(await isReady(agent)) && performance.now() - began < START_MS) {
    await sleep(100);
  }
  const firstRoundMs = performance.now() - began;
  const first = await agent.scrape();
  const watchedFrom = performance.now();
  const mainThreadMs = mainThreadCpuMsOf(agent.pid);
  await sleep(seconds * 1000);
  const mainThreadShare = (mainThreadCpuMsOf(agent.pid) - mainThreadMs) / seconds / 1000;
  const scrapeBegan = performance.now();
  const after = await agent.scrape();
  const scrapeMs = performance.now() - scrapeBegan;
  const watchedSeconds = (performance.now() - watchedFrom) / 1000;
  const probes = `probes: ${String(after.probes - first.probes)} in ${watchedSeconds.toFixed(0)} s`;
  const lag = quantileOf(first.text, after.text, "adc_witness_schedule_lag_seconds", 0.99);
  const cpuShare = (after.cpuMs - first.cpuMs) / watchedSeconds / 1000;
  const memory = agent.memoryMb();
  const turn = (statistic: string): string => {
    const name = `adc_witness_event_loop_lag_seconds{statistic="${statistic}"}`;
    const line = after.text.split("\n").find((each) => each.startsWith(name));
    return `${(Number(line?.split(" ")[1] ?? 0) * 1000).toFixed(1)} ms`;
  };
  return [
    `start to first complete round: ${(firstRoundMs / 1000).toFixed(1)} s`,
    `${probes}, missed ${String(after.missed - first.missed)}, failed ${String(after.failures - first.failures)}`,
    `p99 schedule lag: at most ${lag} s`,
    `CPU, all threads: ${(cpuShare * 100).toFixed(0)} % of a core; main thread ${(mainThreadShare * 100).toFixed(0)} %`,
    `memory: ${memory.now.toFixed(0)} MB, peak ${memory.peak.toFixed(0)} MB`,
    `event loop lag: p50 ${turn("p50")}, p99 ${turn("p99")}, max ${turn("max")}`,
    `/metrics: ${String(after.series)} series in ${scrapeMs.toFixed(0)} ms`,
  ];
}

/** Whether every replica that is due within a minute has an opinion. A busy start may refuse to answer. */
async function isReady({ url }: OurAgent): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}

/** The bucket bound under which that share of a histogram's growth between two scrapes lies. */
function quantileOf(before: string, after: string, name: string, share: number): string {
  const all = sumOf(after, `${name}_count`) - sumOf(before, `${name}_count`);
  for (const [, bound = "+Inf"] of after.matchAll(
    new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"[^}]*\\}`, "gm"),
  )) {
    const count = bucket(after, name, bound) - bucket(before, name, bound);
    if (count >= share * all) {
      return bound;
    }
  }
  return "+Inf";
}

function bucket(text: string, name: string, bound: string): number {
  const escaped = bound.replace("+", "\\+");
  const line = new RegExp(`^${name}_bucket\\{[^}]*le="${escaped}"[^}]*\\} (\\S+)`, "m").exec(text);
  return Number(line?.[1] ?? 0);
}
