import { durationMs, flagValue } from "./flags.ts";
import { realSoak } from "./real-soak.ts";
import { delayHistogram } from "./simulation/histogram.ts";
import { simulate } from "./simulation/simulate.ts";

/**
 * `soak [--hours 1000] [--servers 50] [--seed 1] [--evaluate 5s]`: maintenance hours in virtual time, four members to a
 * server. `soak --real 30m`: the agent and the lab in real time. Exit status 1 when something was said that was not so,
 * not said that was so, or when memory, handles or descriptors grow.
 */
const words = process.argv.slice(2);
const real = flagValue(words, "--real");
if (real === null) {
  const hours = Number(flagValue(words, "--hours") ?? "1000");
  const result = simulate({
    hours,
    servers: Number(flagValue(words, "--servers") ?? "50"),
    seed: Number(flagValue(words, "--seed") ?? "1"),
    evaluateMs: durationMs(flagValue(words, "--evaluate") ?? "5s"),
  });
  console.log(
    `${String(result.members)} members, ${String(hours)} hours, ${String(result.probes)} probes, ${String(result.changes)} changes of the truth, ${String(result.episodes)} times an alarm was due`,
  );
  console.log(`false alarms: ${String(result.falseAlarms.length)}`);
  console.log(`missed: ${String(result.missed.length)}`);
  console.log(delayHistogram(result.delays));
  for (const each of [...result.falseAlarms, ...result.missed].slice(0, 20)) {
    console.log(JSON.stringify(each));
  }
  process.exitCode = result.falseAlarms.length + result.missed.length === 0 ? 0 : 1;
} else {
  const { lines, flat } = await realSoak(durationMs(real));
  console.log(lines.join("\n"));
  process.exitCode = flat ? 0 : 1;
}
