import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BareResult, BareTask } from "./bare-process.ts";
import { Blackbox } from "./blackbox.ts";
import { BLACKBOX_PACKAGE, benchJson, benchTable, type Measured, type Share } from "./report.ts";
import { OurAgent } from "./our-agent.ts";
import { flagValue } from "./flags.ts";
import { forkAndHear, forkModule, nextMessage, stopChild } from "./processes.ts";
import { PLANS, PROTOCOLS, rateOf, type Protocol } from "./protocols.ts";

/**
 * CPU time per probe of the whole agent, of blackbox_exporter and of a bare Node.js loop, in one run: protocol after
 * protocol, rounds that follow each other, every contender at the same rate against the same targets, the median of the
 * rounds counts. `--json` prints the ratios alone, `--tcp` adds the bare TCP monitor, `--only NAME,…` leaves the others out.
 * Needs Linux for /proc.
 */
const ROUNDS = 4;
/** Each round holds one scrape of our agent: somewhat more often than Prometheus' usual 15 s. */
const ROUND_MS = 13_000;
/** By then V8 has compiled nearly all that runs again and again: an agent runs for months. */
const WARM_UP_MS = 20_000;
/** On a machine so busy that a round takes long, fewer rounds must do. */
const PROTOCOL_BUDGET_MS = 74_000;
const BLACKBOX_SECONDS = 2;
const BARE_SECONDS = 1.5;
/** A small program is compiled sooner. */
const BARE_WARM_UP_SECONDS = 4;

interface Contenders {
  readonly ports: Readonly<Record<Protocol, number>>;
  readonly blackbox: Blackbox | null;
  readonly bare: ReturnType<typeof forkModule>;
}

async function main(asJson: boolean, protocols: readonly Protocol[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-bench-"));
  const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
  const blackbox = await Blackbox.start(directory);
  if (blackbox === null) {
    console.error(`blackbox_exporter is not installed: apt-get install ${BLACKBOX_PACKAGE}`);
  }
  const bare = forkModule("bare-process.js");
  const measured: Measured[] = [];
  try {
    for (const protocol of protocols) {
      const contenders = { ports: targets.heard, blackbox, bare };
      measured.push(await measureProtocol(protocol, join(directory, protocol), contenders));
    }
    console.log(asJson ? benchJson(measured) : benchTable(measured));
  } finally {
    await blackbox?.stop();
    await Promise.all([stopChild(bare), stopChild(targets.child)]);
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureProtocol(
  protocol: Protocol,
  directory: string,
  { ports, blackbox, bare }: Contenders,
): Promise<Measured> {
  const deadline = performance.now() + PROTOCOL_BUDGET_MS;
  const parts = [{ protocol, members: PLANS[protocol].members }];
  const agent = await OurAgent.start(directory, { parts, ports });
  const measured: Measured = { protocol, ours: [], blackbox: [], bare: [], missed: 0 };
  try {
    const warm = sleep(WARM_UP_MS);
    await blackbox?.measure(protocol, ports[protocol], 1);
    await measureBare(bare, protocol, ports[protocol], BARE_WARM_UP_SECONDS);
    await warm;
    let before = await agent.scrape();
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0 && performance.now() + ROUND_MS > deadline) {
        break;
      }
      const end = sleep(ROUND_MS);
      if (blackbox !== null) {
        measured.blackbox.push(await blackbox.measure(protocol, ports[protocol], BLACKBOX_SECONDS));
      }
      measured.bare.push(await measureBare(bare, protocol, ports[protocol], BARE_SECONDS));
      await end;
      const after = await agent.scrape();
      measured.ours.push({
        cpuMsPerProbe: (after.cpuMs - before.cpuMs) / (after.probes - before.probes),
        failed: after.failures - before.failures,
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
  child.send(task);
  const { probes, passed, cpuMs } = await nextMessage<BareResult>(child);
  return { cpuMsPerProbe: cpuMs / probes, failed: probes - passed };
}

const words = process.argv.slice(2);
const only = flagValue(words, "--only")?.split(",");
await main(
  words.includes("--json"),
  PROTOCOLS.filter((protocol) =>
    only === undefined ? protocol !== "tcp" || words.includes("--tcp") : only.includes(protocol),
  ),
);
