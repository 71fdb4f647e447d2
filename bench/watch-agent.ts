import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { mainThreadCpuMsOf } from "./cpu-time.ts";
import { OurAgent, sumOf, textOf } from "./our-agent.ts";
import { NO_LOOKS, type Protocol } from "./protocols.ts";

const START_MS = 90_000;

export interface EstateSize {
  readonly replicas: number;
  readonly intervalSeconds: number;
  /** Processes that divide the estate. */
  readonly shards: number;
}

/** What one agent did while it was watched. */
export interface Watched {
  /** From the start to the first complete round. */
  readonly firstRoundMs: number;
  readonly seconds: number;
  readonly probes: number;
  readonly missed: number;
  readonly failed: number;
  /** Upper bound of the 99th percentile of how late probes start; infinite beyond the last bucket. */
  readonly lagSeconds: number;
  /** Of a core: all threads, and the main thread. */
  readonly cpuShare: number;
  readonly mainThreadShare: number;
  readonly memoryMb: number;
  readonly peakMemoryMb: number;
  readonly loopLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly series: number;
  readonly scrapeMs: number;
  readonly pageMs: number;
}

/**
 * Agents of an estate: 70 % TCP-ECV, 20 % HTTP-ECV, 10 % HTTPS. They are watched from their first complete round on, and
 * stopped.
 */
export async function watchEstate(
  directory: string,
  { replicas, intervalSeconds, shards }: EstateSize,
  ports: Readonly<Record<Protocol, number>>,
  seconds: number,
): Promise<readonly Watched[]> {
  const parts = [
    { protocol: "tcp_ecv", members: Math.round(replicas * 0.7) },
    { protocol: "http_ecv", members: Math.round(replicas * 0.2) },
    { protocol: "https_ecv", members: Math.round(replicas * 0.1) },
  ] as const;
  const began = performance.now();
  const agents = await Promise.all(
    Array.from({ length: shards }, (_, index) =>
      OurAgent.start(join(directory, `${String(replicas)}-${String(index)}`), {
        parts,
        ports,
        intervalSeconds,
        config: { shard: `${String(index)}/${String(shards)}`, looks: NO_LOOKS },
      }),
    ),
  );
  try {
    return await Promise.all(agents.map((agent) => watch(agent, began, seconds)));
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
  }
}

async function watch(agent: OurAgent, began: number, seconds: number): Promise<Watched> {
  // Not by its metrics: rendering all of them twice a second would be most of the measured work.
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
  const pageBegan = performance.now();
  await textOf(`${agent.url}/`);
  const pageMs = performance.now() - pageBegan;
  const { now, peak } = agent.memoryMb();
  const turnMs = (statistic: string): number => {
    const name = `adc_witness_event_loop_lag_seconds{statistic="${statistic}"}`;
    const line = after.text.split("\n").find((each) => each.startsWith(name));
    return Number(line?.split(" ")[1] ?? 0) * 1000;
  };
  return {
    firstRoundMs,
    seconds: watchedSeconds,
    probes: after.probes - first.probes,
    missed: after.missed - first.missed,
    failed: after.failures - first.failures,
    lagSeconds: quantileOf(first.text, after.text, "adc_witness_schedule_lag_seconds", 0.99),
    cpuShare: (after.cpuMs - first.cpuMs) / watchedSeconds / 1000,
    mainThreadShare,
    memoryMb: now,
    peakMemoryMb: peak,
    loopLagMs: { p50: turnMs("p50"), p99: turnMs("p99"), max: turnMs("max") },
    series: after.series,
    scrapeMs,
    pageMs,
  };
}

/** Whether every replica that is due within a minute has an opinion. A busy start may refuse to answer. */
async function isReady({ url }: OurAgent): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}

/** The bucket bound below which this share of a histogram's growth between two scrapes lies. */
function quantileOf(before: string, after: string, name: string, share: number): number {
  const all = sumOf(after, `${name}_count`) - sumOf(before, `${name}_count`);
  for (const [, bound = "+Inf"] of after.matchAll(
    new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"[^}]*\\}`, "gm"),
  )) {
    const count = bucket(after, name, bound) - bucket(before, name, bound);
    if (count >= share * all) {
      return bound === "+Inf" ? Infinity : Number(bound);
    }
  }
  return Infinity;
}

function bucket(text: string, name: string, bound: string): number {
  const escaped = bound.replace("+", "\\+");
  const line = new RegExp(`^${name}_bucket\\{[^}]*le="${escaped}"[^}]*\\} (\\S+)`, "m").exec(text);
  return Number(line?.[1] ?? 0);
}
