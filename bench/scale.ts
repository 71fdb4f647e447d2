import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownOptions } from "./options.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import type { Protocol } from "./protocols.ts";
import { watchEstate, type Watched } from "./watch-agent.ts";

const {
  replicas,
  interval: intervalSeconds,
  seconds,
  shards,
} = ownOptions({
  command: "node dist/bench/scale.js",
  about: `How one process, or one for each shard, keeps its schedule; all targets are played by one process on the same
machine.`,
  options: {
    replicas: { kind: "number", usual: 10_000, about: "probes that repeat monitors" },
    interval: { kind: "number", usual: 5, about: "seconds between two probes of a monitor" },
    seconds: { kind: "number", usual: 30, about: "seconds to measure" },
    shards: { kind: "number", usual: 1, about: "agents that share the estate" },
  },
});
const directory = await mkdtemp(join(tmpdir(), "adc-witness-scale-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
try {
  console.log(
    `replicas ${String(replicas)} every ${String(intervalSeconds)} s, processes ${String(shards)}`,
  );
  const size = { replicas, intervalSeconds, shards };
  for (const watched of await watchEstate(directory, size, targets.heard, seconds)) {
    console.log(["", ...linesOf(watched)].join("\n"));
  }
} finally {
  await stopChild(targets.child);
  await rm(directory, { recursive: true, force: true });
}

function linesOf(watched: Watched): readonly string[] {
  const { loopLagMs } = watched;
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  return [
    `start to first complete round: ${(watched.firstRoundMs / 1000).toFixed(1)} s`,
    `probes: ${String(watched.probes)} in ${watched.seconds.toFixed(0)} s, missed ${String(watched.missed)}, failed ${String(watched.failed)}`,
    `p99 schedule lag: at most ${String(watched.lagSeconds)} s`,
    `CPU, all threads: ${percent(watched.cpuShare)} of a core; main thread ${percent(watched.mainThreadShare)}`,
    `memory: ${watched.memoryMb.toFixed(0)} MB, peak ${watched.peakMemoryMb.toFixed(0)} MB`,
    `event loop lag: p50 ${loopLagMs.p50.toFixed(1)} ms, p99 ${loopLagMs.p99.toFixed(1)} ms, max ${loopLagMs.max.toFixed(1)} ms`,
    `/metrics: ${String(watched.series)} series in ${watched.scrapeMs.toFixed(0)} ms; page in ${watched.pageMs.toFixed(0)} ms`,
  ];
}
