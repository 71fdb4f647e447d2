import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { BareResult, BareTask } from "./bare-process.ts";
import { Floor } from "./floor.ts";
import { ownOptions } from "./options.ts";
import { OurAgent } from "./our-agent.ts";
import { endWithUs, forkAndHear, nextMessage, stopChild } from "./processes.ts";
import { INTERVAL_SECONDS, NO_LOOKS, type Protocol } from "./protocols.ts";

/**
 * Instructions per probe of the agent, of the bare loop and of the C loop, counted by valgrind's callgrind: unlike
 * time, they do not depend on other load on the machine. Valgrind runs a program some fifty times slower, so the rates
 * are low, and the start would be most of the count. Each program therefore runs for the same time with N members and
 * with 2N; the additional instructions of the second run are divided by its additional probes. Instructions in the
 * kernel are not counted.
 */
const MEMBERS = { tcp_ecv: 100, http_ecv: 100, https_ecv: 25 } as const;
type Counted = keyof typeof MEMBERS;
const STOP_WITHIN_MS = 120_000;
const run = promisify(execFile);

interface Count {
  readonly instructions: number;
  readonly probes: number;
}

const { seconds } = ownOptions({
  command: "node dist/bench/callgrind.js",
  about:
    "Instructions per probe, in thousands, counted by valgrind (Debian: valgrind). About ten minutes.",
  options: {
    seconds: { kind: "number", usual: 60, about: "how long each program probes" },
  },
});
const directory = await mkdtemp(join(tmpdir(), "adc-witness-callgrind-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
const floor = await Floor.build(directory);
try {
  console.log("| monitor | agent | bare | C | agent over bare |\n| --- | --- | --- | --- | --- |");
  for (const protocol of Object.keys(MEMBERS) as Counted[]) {
    const [agent, bare, least] = await Promise.all([
      difference(protocol, agentOf),
      difference(protocol, bareOf),
      floor?.command(protocol, 0, 1, 1) ? difference(protocol, floorOf) : null,
    ]);
    const shown = [agent, bare, least].map((count) => (count === null ? "-" : thousands(count)));
    console.log(`| ${[protocol, ...shown, (agent / bare).toFixed(2)].join(" | ")} |`);
  }
} finally {
  await stopChild(targets.child);
  await rm(directory, { recursive: true, force: true });
}

type Contender = (protocol: Counted, members: number, out: string) => Promise<Count>;

async function difference(protocol: Counted, contender: Contender): Promise<number> {
  const out = (size: string): string => join(directory, `${contender.name}-${protocol}-${size}`);
  const few = await contender(protocol, MEMBERS[protocol], out("few"));
  const many = await contender(protocol, MEMBERS[protocol] * 2, out("many"));
  return (many.instructions - few.instructions) / (many.probes - few.probes);
}

async function agentOf(protocol: Counted, members: number, out: string): Promise<Count> {
  const agent = await OurAgent.start(`${out}-agent`, {
    parts: [{ protocol, members }],
    ports: targets.heard,
    config: { looks: NO_LOOKS },
    under: ["valgrind", ...callgrind(out)],
  });
  await sleep(seconds * 1000);
  const { probes, missed, failures } = await agent.scrape();
  await agent.stop(STOP_WITHIN_MS);
  if (missed + failures > 0) {
    console.error(`${protocol}: missed ${String(missed)}, failed ${String(failures)}`);
  }
  return { instructions: await totalOf(out), probes };
}

async function bareOf(protocol: Counted, members: number, out: string): Promise<Count> {
  const child = fork(join(import.meta.dirname, "bare-process.js"), {
    execPath: "valgrind",
    execArgv: [...callgrind(out), process.execPath],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  endWithUs(child);
  const ratePerSecond = members / INTERVAL_SECONDS;
  const port = targets.heard[protocol];
  child.send({ protocol, port, ratePerSecond, seconds } satisfies BareTask);
  const { probes } = await nextMessage<BareResult>(child);
  const exited = once(child, "exit");
  child.disconnect();
  await exited;
  return { instructions: await totalOf(out), probes };
}

async function floorOf(protocol: Counted, members: number, out: string): Promise<Count> {
  const rate = members / INTERVAL_SECONDS;
  const command = floor?.command(protocol, targets.heard[protocol], rate, seconds) ?? [];
  const { stdout } = await run("valgrind", [...callgrind(out), ...command]);
  return { instructions: await totalOf(out), probes: Number(stdout.split(" ")[0]) };
}

function callgrind(out: string): readonly string[] {
  return ["--quiet", "--tool=callgrind", `--callgrind-out-file=${out}`];
}

/** The sum over all threads, as callgrind writes it at the end. */
async function totalOf(out: string): Promise<number> {
  const found = /^(?:summary|totals): (\d+)$/m.exec(await readFile(out, "utf8"))?.[1];
  if (found === undefined) {
    throw new Error(`valgrind wrote no sum: ${out}`);
  }
  return Number(found);
}

/** In thousands. */
function thousands(count: number): string {
  return (count / 1000).toFixed(1);
}
