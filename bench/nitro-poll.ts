import { createAdcSession } from "../src/adc/nitro/adc-session.ts";
import { createNetwork } from "../src/net/dns.ts";
import { ownOptions } from "./options.ts";
import { answerEveryProbe, hearingState } from "./hearing.ts";
import { NITRO_ACCOUNT } from "./nitro-conf.ts";
import { forkAndHear, nextMessage, stopChild } from "./processes.ts";

/**
 * The cost of polling 5,000 members in 100 groups on our side: CPU time per poll including all verdicts, as a share of
 * a core when polled every 15 s. The appliance is the lab's, in a separate process; some of its groups have a member
 * out of service. Polls follow one another immediately: a core that sleeps between them would need a little more for
 * each.
 */
const options = ownOptions({
  command: "node dist/bench/nitro-poll.js",
  about:
    "The cost of polling 5,000 members in 100 groups over NITRO, and of processing the responses.",
  options: {
    polls: { kind: "number", usual: 20, about: "polls to measure" },
    every: {
      kind: "number",
      usual: 15,
      about: "seconds between two polls, for the share of a core",
    },
    "out-groups": { kind: "number", usual: 0, about: "groups with a member out of service" },
  },
});
const { polls } = options;
const everyMs = options.every * 1000;
const outGroups = String(options["out-groups"]);
const WARM_UP = 5;

const { child, heard: url } = await forkAndHear<string>("nitro-appliance.js", [
  "--out-groups",
  outGroups,
]);
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
  const state = hearingState(read.estate, everyMs);
  const imported = await requestsSoFar();
  const pollMs: number[] = [];
  const hearMs: number[] = [];
  const tookMs: number[] = [];
  for (let turn = 0; turn < WARM_UP + polls; turn += 1) {
    answerEveryProbe(state);
    const began = performance.now();
    const start = process.cpuUsage();
    const result = await session.poll(read.estate);
    const polled = cpuMsSince(start);
    if (result.kind !== "state" || result.state.members.size !== 5_000) {
      throw new Error("the poll did not tell all members");
    }
    state.applyAdcPoll("bench", result.state);
    const heard = cpuMsSince(start);
    if (turn >= WARM_UP) {
      pollMs.push(polled);
      hearMs.push(heard - polled);
      tookMs.push(performance.now() - began);
    }
  }
  const { requests, statistics } = await requestsSoFar();
  const inAll = WARM_UP + polls;
  const cpu = median(pollMs) + median(hearMs);
  console.log(
    `5,000 members, 2 monitors each, a member out in ${outGroups} of 100 groups; verdicts: ${verdictsOf(state)}`,
  );
  console.log(
    `CPU of one poll: ${spread(pollMs)}; to process it: ${spread(hearMs)}; ${median(tookMs).toFixed(0)} ms on the clock`,
  );
  console.log(
    `every ${String(everyMs / 1000)} s: ${((cpu / everyMs) * 100).toFixed(1)} % of a core; next poll in ${(session.nextPollDelayMs(everyMs) / 1000).toFixed(1)} s`,
  );
  console.log(
    `requests of one poll: ${((requests - imported.requests) / inAll).toFixed(1)}, ` +
      `${((statistics - imported.statistics) / inAll).toFixed(1)} of them for connections`,
  );
} finally {
  await session.close();
  await stopChild(child);
}

interface Requests {
  readonly requests: number;
  readonly statistics: number;
}

async function requestsSoFar(): Promise<Requests> {
  const answered = nextMessage<Requests>(child);
  child.send("requests");
  return answered;
}

function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function verdictsOf(state: ReturnType<typeof hearingState>): string {
  const counts = new Map<string, number>();
  for (const { verdict } of state.members) {
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return [...counts].map(([verdict, count]) => `${String(count)} ${verdict}`).join(", ");
}

function spread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((each) => each.toFixed(0));
  return `${median(values).toFixed(0)} ms (median of ${String(values.length)}; ${least ?? ""} to ${most ?? ""})`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
