import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownOptions } from "./options.ts";
import { plot, type Plot } from "./plot.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import type { Protocol } from "./protocols.ts";
import { settingNow } from "./report.ts";
import { watchEstate, type Watched } from "./watch-agent.ts";

/** The last size is divided over two processes. */
const SIZES = [
  { replicas: 100, shards: 1 },
  { replicas: 1_000, shards: 1 },
  { replicas: 4_000, shards: 1 },
  { replicas: 10_000, shards: 1 },
  { replicas: 16_000, shards: 2 },
] as const;

interface Point {
  readonly replicas: number;
  readonly shards: number;
  readonly agents: readonly Watched[];
}
const sum = (point: Point, of: (watched: Watched) => number): number =>
  point.agents.reduce((total, each) => total + of(each), 0);
const worst = (point: Point, of: (watched: Watched) => number): number =>
  Math.max(...point.agents.map(of));

/** The figures to draw, each with how a point is calculated from its processes. */
const MEASURES: readonly { readonly name: string; readonly of: (point: Point) => number }[] = [
  {
    name: "CPU per probe, microseconds",
    of: (point) =>
      sum(point, (each) => each.cpuShare * each.seconds * 1e6) / sum(point, ({ probes }) => probes),
  },
  { name: "resident memory, MB", of: (point) => sum(point, ({ memoryMb }) => memoryMb) },
  { name: "scrape, ms", of: (point) => worst(point, ({ scrapeMs }) => scrapeMs) },
  { name: "page, ms", of: (point) => worst(point, ({ pageMs }) => pageMs) },
  { name: "loop lag p99, ms", of: (point) => worst(point, ({ loopLagMs }) => loopLagMs.p99) },
  { name: "first round, s", of: (point) => worst(point, (each) => each.firstRoundMs / 1000) },
];

const { seconds, out } = ownOptions({
  command: "node dist/bench/growth.js",
  about:
    "The agent's cost as the estate grows, with every replica probed each five seconds: a table, and a drawing.",
  options: {
    seconds: { kind: "number", usual: 20, about: "seconds to measure each size" },
    out: {
      kind: "text",
      takes: "FILE",
      usual: null,
      about: "write the drawing to this file, as SVG",
    },
  },
});
const { at, cpu, cores, node, load } = settingNow();
const setting = `${at} UTC, ${cpu}, ${String(cores)} cores, Node.js ${node}, load before ${load.toFixed(2)}`;
const directory = await mkdtemp(join(tmpdir(), "adc-witness-growth-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
const points: Point[] = [];
try {
  console.log(`${setting}\n`);
  console.log(
    `| replicas | processes | missed | ${MEASURES.map(({ name }) => name).join(" | ")} |`,
  );
  console.log(`|${" --- |".repeat(3 + MEASURES.length)}`);
  for (const { replicas, shards } of SIZES) {
    const size = { replicas, shards, intervalSeconds: 5 };
    const point = {
      replicas,
      shards,
      agents: await watchEstate(directory, size, targets.heard, seconds),
    };
    points.push(point);
    const missed = `${String(sum(point, (each) => each.missed))} of ${String(sum(point, (each) => each.probes))}`;
    const figures = MEASURES.map(({ of }) => of(point).toFixed(1));
    console.log(`| ${[replicas, shards, missed, ...figures].join(" | ")} |`);
  }
} finally {
  await stopChild(targets.child);
  await rm(directory, { recursive: true, force: true });
}
if (out !== null) {
  const plots: readonly Plot[] = MEASURES.map(({ name, of }) => ({
    name,
    points: points.map((point) => ({ x: point.replicas, y: of(point) })),
  }));
  await writeFile(out, plot(`Replicas every 5 s. ${setting}`, plots));
}
