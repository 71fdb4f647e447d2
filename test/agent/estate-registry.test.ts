import { SecretBindings } from "../../src/agent/secret-bindings.ts";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EstateRegistry } from "../../src/agent/estate-registry.ts";
import { ProbeRunner } from "../../src/agent/probe-runner.ts";
import { ProbeSchedule } from "../../src/agent/probe-schedule.ts";
import { WitnessState } from "../../src/agent/records/witness-state.ts";
import { parseConfig } from "../../src/config/load.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { createNetwork } from "../../src/net/dns.ts";
import type { Network } from "../../src/net/network.ts";
import { repositoryRoot } from "../../bench/fuzz/root.ts";
import { configOf } from "../support/in-process-agent.ts";
import { observed } from "./small-estate.ts";

/** Any file that is there: it is never read. */
const DEMO_CONF = join(repositoryRoot(), "lab", "demo.conf");
const ignore = (): void => undefined;
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const NOWHERE: Network = {
  ...createNetwork({ connectTo: {}, unmapped: "refuse", now: Date.now }),
  resolve: () => ({ kind: "forbidden", message: "no packet leaves" }),
  addresses: () => Promise.resolve({ kind: "forbidden", message: "no packet leaves" }),
};

function confOf(server: string): string {
  return `add server ${server} 10.0.0.1
add serviceGroup sg SSL
add lb monitor m HTTP -httpRequest "GET /" -secure YES -interval 20 MIN -resptimeout 2
bind serviceGroup sg ${server} 443
bind serviceGroup sg -monitorName m
`;
}

test("EstateRegistry.learn › forgets what it learned about a member when the member leaves the estate", async () => {
  const read = parseConfig(
    JSON.stringify({
      agent: "test",
      state_dir: tmpdir(),
      adcs: [{ name: "prod", ns_conf: DEMO_CONF }],
    }),
    { file: "test.yml", baseDir: tmpdir(), env: {} },
  );
  const config = await configOf(read);
  const [adc] = config.adcs;
  if (adc === undefined) {
    throw new Error("no ADC");
  }
  const { now } = Date;
  const monotonic = (): number => performance.now();
  const { signal } = new AbortController();
  const state = new WitnessState({
    agent: "test",
    stabilityMs: 60_000,
    overdueAfterMs: 4 * 3_600_000,
    declarations: {
      declaredFor: () => ({ state: "no", endAt: null, window: null }),
      observe: ignore,
    },
    grace: "watched",
    now,
    monotonic,
  });
  state.addAdc("prod", { nitro: false, pollMs: 0 });
  const events = {
    probeFinished: ignore,
    loginEnded: ignore,
    scheduleLag: ignore,
    missedProbe: ignore,
    probesPlanned: ignore,
  };
  const network = NOWHERE;
  const sourceAddresses: readonly string[] = [];
  const runner = new ProbeRunner({
    network,
    signal,
    sourceAddresses,
    events,
    keeper: null,
    now,
    monotonic,
  });
  const schedule = new ProbeSchedule({
    config,
    state,
    runner,
    earlierPositions: new Map(),
    events,
    log: LOG,
    now,
    monotonic,
  });
  onTestFinished(async () => {
    await schedule.stop();
  });
  const estates = new EstateRegistry({
    log: LOG,
    bindings: new SecretBindings(),
    keeper: { bindSecrets: () => Promise.resolve(new Map()) },
    config,
    network,
    state,
    schedule,
    signal,
    events,
    now,
    monotonic,
    earlier: null,
  });

  for (let generation = 0; generation < 20; generation++) {
    const estate = parseNsConf(confOf(`srv${String(generation)}`), { adc: "prod" });
    await estates.apply(adc, estate);
    for (const probe of state.probes.filter(({ vantage }) => vantage === "backend")) {
      state.recordResult(probe, observed({ passed: true, exchangeSeen: true }), true);
      estates.learn(probe);
    }
    expect(estates.memory.learned.get("prod")?.size).toBe(1);
  }
  // What was learnt counts: the member that is there has got its look.
  await estates.planAgain();
  expect(state.probes.map(({ transaction }) => transaction)).toContain("https_challenge");
});
