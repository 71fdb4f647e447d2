import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Condition } from "../lab/exchange/condition.ts";
import { startLab, type Lab } from "../lab/lab.ts";
import { labConfig } from "../src/cli/demo-config.ts";
import { sumOf, textOf } from "./our-agent.ts";
import { freePort, stopChild, untilAnswered } from "./processes.ts";
import { seededRandom, type Random } from "./simulation/random.ts";
import { growth, type Reading } from "./slope.ts";

const CONDITIONS: readonly Condition[] = [
  { kind: "healthy" },
  { kind: "healthy" },
  { kind: "maintenance" },
  { kind: "stopped" },
  { kind: "hung" },
  { kind: "accept_then_close" },
  { kind: "reset" },
  { kind: "slow", delayMs: 800 },
  { kind: "certificate", name: "expired" },
];
const PROTOCOLS = ["https", "imap", "pop3", "smtp", "all"] as const;
const SAMPLE_MS = 2_000;
const FAULT_MS = 1_500;

/** The built agent watches the lab while servers break and mend at random; its memory and descriptors must stay flat. */
export async function realSoak(
  lengthMs: number,
): Promise<{ readonly lines: readonly string[]; readonly flat: boolean }> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-soak-"));
  const lab = await startLab({ scenario: "healthy" });
  const { yaml, env } = await labConfig(lab, directory);
  const file = join(directory, "agent.yml");
  await writeFile(file, yaml);
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "../src/cli/main.js"),
      ...["run", "--config", file, "--listen", `127.0.0.1:${String(port)}`],
    ],
    { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...env } },
  );
  try {
    await untilAnswered(`${url}/-/healthy`, 30_000);
    const end = performance.now() + lengthMs;
    const breaking = breakAtRandom(lab, seededRandom(1), end);
    const readings: Reading[] = [];
    while (performance.now() < end) {
      await sleep(SAMPLE_MS);
      const text = await textOf(`${url}/metrics`);
      readings.push({
        atMs: performance.now(),
        heapMb: sumOf(text, "process_heap_bytes") / 1e6,
        residentMb: sumOf(text, "process_resident_memory_bytes") / 1e6,
        descriptors: sumOf(text, "process_open_fds"),
      });
    }
    await breaking;
    return growth(readings);
  } finally {
    await stopChild(child);
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function breakAtRandom(lab: Lab, random: Random, end: number): Promise<void> {
  const servers = [...lab.servers.values()];
  while (performance.now() < end) {
    await random.pick(servers).set(random.pick(PROTOCOLS), random.pick(CONDITIONS));
    await sleep(FAULT_MS);
  }
}
