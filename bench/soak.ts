import { availableParallelism } from "node:os";
import { ownOptions } from "./options.ts";
import { realSoak } from "./real-soak/real-soak.ts";
import { simulateInParts } from "./simulation/parts.ts";
import { simulationReport } from "./simulation/report.ts";

const { hours, servers, threads, seed, real } = ownOptions({
  command: "npm run soak --",
  about: `Maintenance hours in virtual time, four members to a server; with --real, the agent and the lab in real time, and each
reading goes to standard error. Exit status 1 when a verdict was wrong or missing, or when memory, handles or descriptors grow.`,
  options: {
    hours: { kind: "number", usual: 1_000, about: "hours to simulate" },
    servers: { kind: "number", usual: 50, about: "servers of the simulated estate" },
    threads: {
      kind: "number",
      usual: availableParallelism(),
      about: "threads that share the work",
    },
    seed: { kind: "number", usual: 1, about: "seed of the random numbers" },
    real: {
      kind: "duration",
      usual: null,
      about: "run in real time for this long, for example 30m",
    },
  },
});
if (real === null) {
  const result = await simulateInParts({ hours, servers, seed, threads }, (done, of) => {
    console.error(`world ${String(done)} of ${String(of)} done`);
  });
  console.log(simulationReport(result));
  process.exitCode = result.falseAlarms.length + result.missed.length === 0 ? 0 : 1;
} else {
  const { lines, flat } = await realSoak({
    lengthMs: real,
    seed,
    onReading: (reading) => {
      console.error(JSON.stringify(reading));
    },
  });
  console.log(lines.join("\n"));
  // Not by waiting: a server of the lab that was broken at the end may linger.
  process.exit(flat ? 0 : 1);
}
