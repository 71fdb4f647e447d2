import { fork } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startLab } from "../../lab/lab.ts";
import { labConfig, tokenFileOf } from "../../src/cli/lab-config.ts";
import { sumOf, textOf } from "../our-agent.ts";
import { endWithUs, freePort, nextMessage, stopChild } from "../processes.ts";
import { seededRandom } from "../simulation/random.ts";
import { Clients } from "./clients.ts";
import { RandomFaults } from "./faults.ts";
import { growth, type AgentMemory, type Reading } from "./slope.ts";

const SAMPLE_MS = 1_000;
/**
 * For the agent's process: garbage collection also discards compiled code, which otherwise varies by megabytes for an
 * hour; the young generation has its full size from the start.
 */
const AGENT_FLAGS = [
  "--stress-flush-code",
  "--flush-baseline-code",
  "--no-opt",
  "--min-semi-space-size=16",
];
const RELOAD_EVERY_SAMPLES = 15;

export interface RealSoakOptions {
  readonly lengthMs: number;
  readonly seed: number;
  readonly onReading?: (reading: Reading) => void;
}

/**
 * The agent monitors the lab while servers break and recover at random and clients come and go; its memory must stay
 * flat. The lab runs in this process, the agent in a separate one.
 */
export async function realSoak(
  options: RealSoakOptions,
): Promise<{ readonly lines: readonly string[]; readonly flat: boolean }> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-soak-"));
  const lab = await startLab({ scenario: "healthy" });
  const { yaml, env } = await labConfig(lab, directory);
  const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
  const file = join(directory, "agent.yml");
  await writeFile(file, yaml);
  const listen = `127.0.0.1:${String(await freePort())}`;
  const child = fork(join(import.meta.dirname, "agent-process.js"), [file, listen], {
    execArgv: AGENT_FLAGS,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...process.env, ...env },
  });
  endWithUs(child);
  try {
    await nextMessage(child);
    const began = performance.now();
    const faults = new RandomFaults(lab, seededRandom(options.seed));
    const clients = new Clients(`http://${listen}`, token, RELOAD_EVERY_SAMPLES);
    const readings: Reading[] = [];
    while (performance.now() - began < options.lengthMs) {
      await Promise.all([faults.next(), clients.ask(), sleep(SAMPLE_MS)]);
      const heard = nextMessage<AgentMemory>(child);
      child.send("read");
      const reading = { atMs: performance.now() - began, ...(await heard) };
      readings.push(reading);
      options.onReading?.(reading);
    }
    const text = await textOf(`http://${listen}/metrics`);
    const ran = `${(options.lengthMs / 1000).toFixed(0)} s, ${String(sumOf(text, "adc_witness_probes_total"))} probes, ${String(sumOf(text, "adc_witness_probe_failures_total"))} of them failed, ${String(faults.count)} faults, ${String(clients.requests)} requests, ${String(clients.reloads)} reloads`;
    const { lines, flat } = growth(readings);
    return { lines: [ran, ...lines, flat ? "FLAT" : "RISES"], flat };
  } finally {
    await stopChild(child);
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  }
}
