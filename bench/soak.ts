import { availableParallelism } from "node:os";
import { durationMs, flagValue } from "./flags.ts";
import { realSoak } from "./real-soak/real-soak.ts";
import { simulateInParts } from "./simulation/parts.ts";
import { simulationReport } from "./simulation/report.ts";

/**
 * `soak [--hours 1000] [--servers 50] [--seed 1] [--threads N]`: maintenance hours in virtual time, four members to a
 * server. `soak --real 30m`: the agent and the lab in real time; each reading
 * goes to standard error. Exit status 1 when something was said that was not so,
 * not said that was so, or when memory, handles or descriptors grow.
 */
const words = process.argv.slice(2);
const seed = Number(flagValue(words, "--seed") ?? "1");
const real = flagValue(words, "--real");
if (real === null) {
  const result = await simulateInParts(
    {
      hours: Number(flagValue(words, "--hours") ?? "1000"),
      servers: Number(flagValue(words, "--servers") ?? "50"),
      seed,
      threads: Number(flagValue(words, "--threads") ?? String(availableParallelism())),
    },
    (done, of) => {
      console.error(`world ${String(done)} of ${String(of)} done`);
    },
  );
  console.log(simulationReport(result));
  process.exitCode = result.falseAlarms.length + result.missed.length === 0 ? 0 : 1;
} else {
  const { lines, flat } = await realSoak({
    lengthMs: durationMs(real),
    seed,
    onReading: (reading) => {
      console.error(JSON.stringify(reading));
    },
  });
  console.log(lines.join("\n"));
  // Not by waiting: a server of the lab that was broken at the end may linger.
  process.exit(flat ? 0 : 1);
}
