import { createAdcSession } from "../src/estate/nitro/adc-session.ts";
import { createNetwork } from "../src/probes/wire/network.ts";
import { flagValue } from "./flags.ts";
import { NITRO_ACCOUNT } from "./nitro-conf.ts";
import { forkAndHear, nextMessage, stopChild } from "./processes.ts";

/**
 * `nitro-poll [--polls 20] [--every 15]`: what polling 5,000 members costs our side: CPU per poll, and the share of a
 * core when polled every 15 s. The appliance is the lab's, in a process of its own. Polls follow at once: a core that
 * sleeps between them would cost a little more for each.
 */
const words = process.argv.slice(2);
const polls = Number(flagValue(words, "--polls") ?? "20");
const everyMs = Number(flagValue(words, "--every") ?? "15") * 1000;
const WARM_UP = 5;

const { child, heard: url } = await forkAndHear<string>("nitro-appliance.js");
const session = createAdcSession({
  adc: "bench",
  urls: [url],
  ...NITRO_ACCOUNT,
  tls: { ca: null, serverName: null, verify: true },
  network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
});
try {
  const read = await session.importEstate();
  if (read.kind !== "estate") {
    throw new Error(read.message);
  }
  const cpuMs: number[] = [];
  const tookMs: number[] = [];
  for (let turn = 0; turn < WARM_UP + polls; turn += 1) {
    const before = process.cpuUsage();
    const began = performance.now();
    const result = await session.poll(read.estate);
    const spent = process.cpuUsage(before);
    if (result.kind !== "state" || result.state.members.size !== 5_000) {
      throw new Error("the poll did not tell all members");
    }
    if (turn >= WARM_UP) {
      cpuMs.push((spent.user + spent.system) / 1000);
      tookMs.push(performance.now() - began);
    }
  }
  const answered = nextMessage<{ requests: number; statistics: number }>(child);
  child.send("requests");
  const { requests, statistics } = await answered;
  const cpu = median(cpuMs);
  console.log(
    `5,000 members, 2 monitors each: ${cpu.toFixed(0)} ms of CPU a poll (median of ${String(polls)}; ` +
      `${Math.min(...cpuMs).toFixed(0)} to ${Math.max(...cpuMs).toFixed(0)}), ${median(tookMs).toFixed(0)} ms on the clock`,
  );
  console.log(
    `every ${String(everyMs / 1000)} s: ${((cpu / everyMs) * 100).toFixed(1)} % of a core; next poll in ${(session.nextPollDelayMs(everyMs) / 1000).toFixed(1)} s`,
  );
  console.log(`${String(requests)} requests in all, ${String(statistics)} of them for connections`);
} finally {
  await session.close();
  await stopChild(child);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
