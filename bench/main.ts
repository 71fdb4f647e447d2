import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BareResult, BareTask } from "./bare-process.ts";
import { Blackbox } from "./blackbox.ts";
import { Floor } from "./floor.ts";
import { countInstructions } from "./instructions.ts";
import {
  BLACKBOX_PACKAGE,
  LEAST_ROUNDS,
  benchJson,
  benchTable,
  settingNow,
  type Measured,
  type Share,
} from "./report.ts";
import { OurAgent } from "./our-agent.ts";
import { ownOptions } from "./options.ts";
import { forkAndHear, forkModule, nextMessage, stopChild } from "./processes.ts";
import { NO_LOOKS, PLANS, PROTOCOLS, rateOf, type Protocol } from "./protocols.ts";

/**
 * CPU time per probe of the whole agent, of blackbox_exporter, of a bare Node.js loop and of a C loop, in one run:
 * protocol after protocol, in rounds that each measure all of them, at the same rate against the same targets. The
 * result is the median of the rounds' ratios with their spread; and instructions per probe, if they can be counted.
 * Requires Linux for /proc.
 */
/** Each round contains one scrape of our agent: twice as often as Prometheus' usual 15 s. */
const ROUND_MS = 8_000;
/** By then V8 has compiled nearly all that runs again and again: an agent runs for months. */
const WARM_UP_MS = 16_000;
/** On a machine so busy that a round takes long, fewer rounds are run; then no result is claimed. */
const PROTOCOL_BUDGET_MS = 120_000;
const BLACKBOX_SECONDS = 2;
const BARE_SECONDS = 1.5;
/** A small program is compiled sooner. */
const BARE_WARM_UP_SECONDS = 4;

interface Contenders {
  readonly ports: Readonly<Record<Protocol, number>>;
  readonly blackbox: Blackbox | null;
  readonly bare: ReturnType<typeof forkModule>;
  readonly floor: Floor | null;
}

async function main(asJson: boolean, protocols: readonly Protocol[]): Promise<void> {
  const setting = settingNow();
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-bench-"));
  const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
  const blackbox = await Blackbox.start(directory);
  if (blackbox === null) {
    console.error(`blackbox_exporter is not installed: apt-get install ${BLACKBOX_PACKAGE}`);
  }
  const floor = await Floor.build(directory);
  const bare = forkModule("bare-process.js");
  const measured: Measured[] = [];
  try {
    for (const protocol of protocols) {
      const contenders = { ports: targets.heard, blackbox, bare, floor };
      measured.push(await measureProtocol(protocol, join(directory, protocol), contenders));
    }
    console.log(asJson ? benchJson(measured, setting) : benchTable(measured, setting));
  } finally {
    await blackbox?.stop();
    await Promise.all([stopChild(bare), stopChild(targets.child)]);
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureProtocol(
  protocol: Protocol,
  directory: string,
  { ports, blackbox, bare, floor }: Contenders,
): Promise<Measured> {
  const deadline = performance.now() + PROTOCOL_BUDGET_MS;
  const parts = [{ protocol, members: PLANS[protocol].members }];
  const agent = await OurAgent.start(directory, { parts, ports, config: { looks: NO_LOOKS } });
  const measured: Measured = { protocol, ours: [], blackbox: [], bare: [], floor: [], missed: 0 };
  try {
    const warm = sleep(WARM_UP_MS);
    await blackbox?.measure(protocol, ports[protocol], 1);
    await measureBare(bare, protocol, ports[protocol], BARE_WARM_UP_SECONDS);
    await warm;
    let before = await agent.scrape();
    for (let round = 0; round < LEAST_ROUNDS; round++) {
      if (round > 0 && performance.now() + ROUND_MS > deadline) {
        break;
      }
      const end = sleep(ROUND_MS);
      const counting = countInstructions(agent.pid, ROUND_MS / 1000);
      if (blackbox !== null) {
        measured.blackbox.push(await blackbox.measure(protocol, ports[protocol], BLACKBOX_SECONDS));
      }
      measured.bare.push(await measureBare(bare, protocol, ports[protocol], BARE_SECONDS));
      const least = await floor?.measure(protocol, ports[protocol], BARE_SECONDS);
      measured.floor.push(...(least === null || least === undefined ? [] : [least]));
      await end;
      const after = await agent.scrape();
      measured.ours.push({
        cpuMsPerProbe: (after.cpuMs - before.cpuMs) / (after.probes - before.probes),
        failed: after.failures - before.failures,
        instructions: perProbe(await counting, protocol, ROUND_MS / 1000),
      });
      measured.missed += after.missed - before.missed;
      before = after;
    }
  } finally {
    await agent.stop();
  }
  return measured;
}

async function measureBare(
  child: ReturnType<typeof forkModule>,
  protocol: Protocol,
  port: number,
  seconds: number,
): Promise<Share> {
  const task: BareTask = { protocol, port, ratePerSecond: rateOf(protocol), seconds };
  const counting = countInstructions(child.pid ?? 0, seconds);
  child.send(task);
  const { probes, passed, cpuMs } = await nextMessage<BareResult>(child);
  return {
    cpuMsPerProbe: cpuMs / probes,
    failed: probes - passed,
    instructions: perProbe(await counting, protocol, seconds),
  };
}

function perProbe(count: number | null, protocol: Protocol, seconds: number): number | null {
  return count === null ? null : count / (rateOf(protocol) * seconds);
}

const { json, tcp, only } = ownOptions({
  command: "npm run bench --",
  about:
    "CPU time per probe of the agent, of blackbox_exporter, of a bare Node.js loop and of one in C.",
  options: {
    json: { kind: "switch", about: "one line of JSON with machine and spread" },
    tcp: { kind: "switch", about: "add the bare TCP monitor" },
    only: {
      kind: "text",
      takes: "NAME,…",
      usual: null,
      about: `only these, of ${PROTOCOLS.join(", ")}`,
    },
  },
});
const names = only?.split(",") ?? null;
await main(
  json,
  PROTOCOLS.filter((protocol) =>
    names === null ? protocol !== "tcp" || tcp : names.includes(protocol),
  ),
);
