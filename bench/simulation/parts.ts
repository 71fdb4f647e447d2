import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SimulationOptions, SimulationResult } from "./simulate.ts";
import { sumOfCounts } from "./flap-judge.ts";
import { addTally, type Tally } from "./tally.ts";

/** Hours simulated with one seed; then a new world starts with the next seed. */
const HOURS_OF_A_WORLD = 50;

/** Splits the hours over worlds of their own seeds, and these over threads: the same result with any number of them. */
export async function simulateInParts(
  options: SimulationOptions & { readonly threads: number },
  onPart: (done: number, of: number) => void,
): Promise<SimulationResult> {
  const count = Math.ceil(options.hours / HOURS_OF_A_WORLD);
  const parts = Array.from({ length: count }, (_, index) => ({
    servers: options.servers,
    seed: options.seed + index,
    hours: Math.min(HOURS_OF_A_WORLD, options.hours - index * HOURS_OF_A_WORLD),
  }));
  const results = new Array<SimulationResult>(count);
  const waiting = parts.map((part, index) => ({ part, index }));
  let done = 0;
  const thread = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results[next.index] = await simulateInThread(next.part);
      onPart(++done, count);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.threads, count) }, thread));
  return sumOf(results);
}

async function simulateInThread(options: SimulationOptions): Promise<SimulationResult> {
  const worker = new Worker(new URL("./part-thread.js", import.meta.url), { workerData: options });
  const [result] = (await once(worker, "message")) as [SimulationResult];
  await once(worker, "exit");
  return result;
}

function sumOf(results: readonly SimulationResult[]): SimulationResult {
  const total = (pick: (result: SimulationResult) => number): number =>
    results.reduce((sum, result) => sum + pick(result), 0);
  const tally: Tally = {};
  for (const result of results) {
    addTally(tally, result.tally);
  }
  return {
    members: results[0]?.members ?? 0,
    hours: total((result) => result.hours),
    probes: total((result) => result.probes),
    changes: total((result) => result.changes),
    operations: total((result) => result.operations),
    episodes: total((result) => result.episodes),
    named: results.flatMap((result) => result.named),
    flapping: sumOfCounts(results.map(({ flapping }) => flapping)),
    logins: sumOfCounts(results.map(({ logins }) => logins)),
    missed: results.flatMap((result) => result.missed),
    falseAlarms: results.flatMap((result) => result.falseAlarms),
    tally,
  };
}
