import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ownOptions } from "./options.ts";
import { OurAgent } from "./our-agent.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import { NO_LOOKS, PLANS, PROTOCOLS, type Protocol } from "./protocols.ts";

const options = ownOptions({
  command: "node dist/bench/profile.js",
  about: "Runs one protocol's agent under Node's CPU profiler, and prints the path of the profile.",
  options: {
    protocol: {
      kind: "text",
      takes: "NAME",
      usual: "tcp_ecv",
      about: `one of ${PROTOCOLS.join(", ")}`,
    },
    seconds: { kind: "number", usual: 20, about: "seconds to profile" },
  },
});
const { seconds } = options;
const protocol = PROTOCOLS.find((each) => each === options.protocol);
if (protocol === undefined) {
  throw new Error(`no protocol ${options.protocol}; there are ${PROTOCOLS.join(", ")}`);
}
const directory = await mkdtemp(join(tmpdir(), "adc-witness-profile-"));
const targets = await forkAndHear<Record<Protocol, number>>("targets-process.js");
const agent = await OurAgent.start(directory, {
  parts: [{ protocol, members: PLANS[protocol].members }],
  ports: targets.heard,
  config: { looks: NO_LOOKS },
  nodeArguments: ["--cpu-prof", `--cpu-prof-dir=${directory}`],
});
await sleep(8_000);
const before = await agent.scrape();
await sleep(seconds * 1000);
const after = await agent.scrape();
const probes = after.probes - before.probes;
const micros = ((after.cpuMs - before.cpuMs) / probes) * 1000;
const reasons = after.text
  .split("\n")
  .filter((line) => line.startsWith("adc_witness_probe_failures_total"));
console.log(
  `${protocol}: ${micros.toFixed(0)} us CPU per probe over ${String(probes)} probes; ${String(after.series)} series; profile in ${directory}`,
);
console.log(reasons.join("\n"));
await agent.stop();
await stopChild(targets.child);
