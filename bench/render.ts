import { planProbes } from "../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../src/agent/plan/settings.ts";
import { buildRecords } from "../src/agent/records/build-records.ts";
import { WitnessState } from "../src/agent/records/witness-state.ts";
import { parseNsConf } from "../src/adc/nsconf/import.ts";
import { createMetrics } from "../src/exporters/prometheus/metrics.ts";
import { estateConf } from "./estate-conf.ts";
import { ownOptions } from "./options.ts";

const { replicas, times } = ownOptions({
  command: "node dist/bench/render.js",
  about: `What one exposition of all metrics costs, in text and compressed by turns, and for how long it keeps the event loop
from a timer of a millisecond.`,
  options: {
    replicas: { kind: "number", usual: 10_000, about: "probes whose series are rendered" },
    times: { kind: "number", usual: 8, about: "expositions" },
  },
});
const monotonic = (): number => performance.now();
const state = new WitnessState({
  agent: "bench",
  stabilityMs: 120_000,
  overdueAfterMs: 4 * 3_600_000,
  declarations: {
    declaredFor: () => ({ state: "no", window: null, endAt: null }),
    observe: () => undefined,
  },
  grace: "watched",
  now: Date.now,
  monotonic,
});
state.addAdc("bench", { nitro: false, pollMs: 0 });
const estate = parseNsConf(estateConf([{ protocol: "tcp_ecv", members: replicas }]), {
  adc: "bench",
});
state.setRecords(
  "bench",
  buildRecords(
    estate,
    planProbes(estate, BARE_SETTINGS),
    { pollMs: 0, vservers: new Map(), now: Date.now, monotonic },
    null,
  ),
);
const metrics = createMetrics({ version: "0", revision: "0", phases: false });
for (const probe of state.probes) {
  const observation = {
    outcome: "match",
    reason: "ok",
    step: "banner",
    startedAt: Date.now(),
    durationMs: 3,
    phases: { resolve: 0, connect: 1, banner: 2 },
    responseTimeMs: 2,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "", detail: null },
  } as const;
  state.recordResult(probe, observation, true);
  metrics.probeFinished(probe, observation, true);
}
let lookedAt = performance.now();
let longestMs = 0;
const looking = setInterval(() => {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - lookedAt);
  lookedAt = now;
}, 1);
for (let time = 0; time < times; time++) {
  const gzip = time % 2 === 1;
  longestMs = 0;
  const began = performance.now();
  const before = process.cpuUsage();
  const chunks = await metrics.render(state, "text", { gzip });
  const { user, system } = process.cpuUsage(before);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  console.log(
    `${gzip ? "gzip" : "text"}: ${String(bytes)} bytes in ${(performance.now() - began).toFixed(0)} ms, ${((user + system) / 1000).toFixed(0)} ms of processor, longest hold ${longestMs.toFixed(1)} ms`,
  );
}
clearInterval(looking);
metrics.close();
