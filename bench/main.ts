import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BareResult, BareTask } from "./bare-process.ts";
import { Blackbox, BLACKBOX_PACKAGE } from "./blackbox.ts";
import { OurAgent, type AgentReading } from "./our-agent.ts";
import { forkAndHear, forkModule, nextMessage, stopChild } from "./processes.ts";
import { PLANS, PROTOCOLS, rateOf, type Protocol } from "./protocols.ts";
import { benchJson, benchTable, type Measured, type Share } from "./report.ts";

/**
 * CPU time per probe of the whole agent, of blackbox_exporter and of a bare Node.js loop, in one run: rounds that follow
 * each other, every contender at the same rate against the same targets, the median of the rounds counts.
 * Needs Linux for /proc.
 */
const ROUNDS = 5;
/** On a machine so busy that a round takes long, fewer rounds must do. */
const BUDGET_MS = 190_000;
/** A round is as long as Prometheus' scrape interval here: each holds one scrape of our agent. */
const ROUND_MS = 15_000;
const WARM_UP_MS = 12_000;
const BLACKBOX_SECONDS = 2;
const BARE_SECONDS = 1.2;

async function main(asJson: boolean, nodeArguments: readonly string[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-bench-"));
  const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
  const ports = targets.heard;
  const blackbox = await Blackbox.start(directory);
  if (blackbox === null) {
    console.error(`blackbox_exporter is not installed: apt-get install ${BLACKBOX_PACKAGE}`);
  }
  const bare = forkModule("bare-process.js");
  const agents = new Map<Protocol, OurAgent>();
  try {
    for (const protocol of PROTOCOLS) {
      const parts = [{ protocol, members: PLANS[protocol].members }];
      agents.set(
        protocol,
        await OurAgent.start(join(directory, protocol), { parts, ports, nodeArguments }),
      );
    }
    // Compilers warm up, and every member has had its first probe.
    const warm = sleep(WARM_UP_MS);
    for (const protocol of PROTOCOLS) {
      await blackbox?.measure(protocol, ports[protocol], BLACKBOX_SECONDS / 2);
      await measureBare(bare, protocol, ports[protocol], BARE_SECONDS);
    }
    await warm;
    const measured = await rounds(agents, ports, blackbox, bare);
    console.log(asJson ? benchJson(measured) : benchTable(measured));
  } finally {
    await Promise.all([...agents.values()].map((agent) => agent.stop()));
    await blackbox?.stop();
    await Promise.all([stopChild(bare), stopChild(targets.child)]);
    await rm(directory, { recursive: true, force: true });
  }
}

async function rounds(
  agents: ReadonlyMap<Protocol, OurAgent>,
  ports: Readonly<Record<Protocol, number>>,
  blackbox: Blackbox | null,
  bare: ReturnType<typeof forkModule>,
): Promise<Measured[]> {
  const measured = PROTOCOLS.map((protocol): Measured => ({
    protocol,
    ours: [],
    blackbox: [],
    bare: [],
    missed: 0,
  }));
  let before = await scrapeAll(agents);
  const deadline = performance.now() + BUDGET_MS - WARM_UP_MS;
  for (let round = 0; round < ROUNDS && performance.now() < deadline - 2 * ROUND_MS; round++) {
    const end = sleep(ROUND_MS);
    for (const each of measured) {
      const port = ports[each.protocol];
      if (blackbox !== null) {
        each.blackbox.push(await blackbox.measure(each.protocol, port, BLACKBOX_SECONDS));
      }
      each.bare.push(await measureBare(bare, each.protocol, port, BARE_SECONDS));
    }
    await end;
    const after = await scrapeAll(agents);
    for (const each of measured) {
      const [from, to] = [before.get(each.protocol), after.get(each.protocol)];
      if (from === undefined || to === undefined) {
        continue;
      }
      each.ours.push({
        cpuMsPerProbe: (to.cpuMs - from.cpuMs) / (to.probes - from.probes),
        failed: to.failures - from.failures,
      });
      each.missed += to.missed - from.missed;
    }
    before = after;
  }
  return measured;
}

async function scrapeAll(
  agents: ReadonlyMap<Protocol, OurAgent>,
): Promise<ReadonlyMap<Protocol, AgentReading>> {
  const readings = new Map<Protocol, AgentReading>();
  for (const [protocol, agent] of agents) {
    readings.set(protocol, await agent.scrape());
  }
  return readings;
}

async function measureBare(
  child: ReturnType<typeof forkModule>,
  protocol: Protocol,
  port: number,
  seconds: number,
): Promise<Share> {
  const task: BareTask = { protocol, port, ratePerSecond: rateOf(protocol), seconds };
  child.send(task);
  const { probes, passed, cpuMs } = await nextMessage<BareResult>(child);
  return { cpuMsPerProbe: cpuMs / probes, failed: probes - passed };
}

const words = process.argv.slice(2);
await main(
  words.includes("--json"),
  words.filter((word) => word.startsWith("--cpu-prof")),
);
