import { get, type IncomingMessage } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ownOptions } from "./options.ts";
import { OurAgent } from "./our-agent.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import { NO_LOOKS, type Protocol } from "./protocols.ts";

const PATHS = ["/", "/api/v1/estate", "/metrics"] as const;

const { members, streams, visits } = ownOptions({
  command: "node dist/bench/visitors.js",
  about: "Response times of a probing agent's page, API and scrape while event streams are open.",
  options: {
    members: { kind: "number", usual: 500, about: "members of the estate" },
    streams: { kind: "number", usual: 1_000, about: "event streams that are open" },
    visits: { kind: "number", usual: 11, about: "visits to each path" },
  },
});

interface Visit {
  readonly status: number;
  readonly bytes: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
}

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on("error", reject);
  });
}

async function visit(url: string): Promise<Visit> {
  const began = performance.now();
  const response = await open(url);
  let firstByteMs = Infinity;
  let bytes = 0;
  for await (const chunk of response) {
    firstByteMs = Math.min(firstByteMs, performance.now() - began);
    bytes += (chunk as Buffer).length;
  }
  const totalMs = performance.now() - began;
  return { status: response.statusCode ?? 0, bytes, firstByteMs, totalMs };
}

/** Median and worst. */
function shown(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${(sorted[sorted.length >> 1] ?? NaN).toFixed(0)} (${(sorted.at(-1) ?? NaN).toFixed(0)})`;
}

const directory = await mkdtemp(join(tmpdir(), "adc-witness-visitors-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
const agent = await OurAgent.start(directory, {
  parts: [{ protocol: "http_ecv", members }],
  ports: targets.heard,
  config: { looks: NO_LOOKS },
});
try {
  const opened: IncomingMessage[] = [];
  while (opened.length < streams) {
    const stream = await open(`${agent.url}/api/v1/events`);
    stream.resume();
    opened.push(stream);
  }
  const refused = opened.filter(({ statusCode }) => statusCode !== 200).length;
  console.log(
    `${String(members)} members, ${String(streams)} event streams (${String(refused)} refused)`,
  );
  console.log("median and worst of " + String(visits) + " visits, milliseconds");
  console.log("| path | status | bytes | first byte | whole |\n| --- | --- | --- | --- | --- |");
  for (const path of PATHS) {
    const made: Visit[] = [];
    while (made.length < visits) {
      // Longer than an answer is kept for others: each is made anew.
      await sleep(1_100);
      made.push(await visit(agent.url + path));
    }
    const statuses = [...new Set(made.map(({ status }) => status))].join(", ");
    const bytes = made.at(-1)?.bytes ?? 0;
    const first = shown(made.map(({ firstByteMs }) => firstByteMs));
    const whole = shown(made.map(({ totalMs }) => totalMs));
    console.log(`| ${path} | ${statuses} | ${String(bytes)} | ${first} | ${whole} |`);
  }
  const stillOpen = opened.filter(({ closed }) => !closed).length;
  console.log(`event streams still open: ${String(stillOpen)}`);
} finally {
  await agent.stop();
  await stopChild(targets.child);
  await rm(directory, { recursive: true, force: true });
}
