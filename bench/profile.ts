import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OurAgent } from "./our-agent.ts";
import { forkAndHear, stopChild } from "./processes.ts";
import { NO_LOOKS, PLANS, PROTOCOLS, type Protocol } from "./protocols.ts";

/** Runs one protocol's agent under Node's CPU profiler and tells where the profile lies: `profile.js tcp_ecv 20`. */
const wanted = process.argv[2] ?? "tcp_ecv";
const seconds = Number(process.argv[3] ?? "20");
const protocol = PROTOCOLS.find((each) => each === wanted) ?? "tcp_ecv";
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
