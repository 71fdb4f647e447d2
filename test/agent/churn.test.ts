import { readdirSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { buildRecords, type EstateRecords } from "../../src/agent/records/build-records.ts";
import { WitnessState } from "../../src/agent/records/witness-state.ts";
import { Scheduler } from "../../src/agent/scheduler.ts";
import { memberKey, type AdcState, type MemberState } from "../../src/model/adc-state.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { createMetrics } from "../../src/exporters/prometheus/metrics.ts";
import { createHistory } from "../../src/web/history/history.ts";
import { observed, STARTED_AT } from "./small-estate.ts";

const SERVERS = 100;
const POLL_MS = 15_000;
const POLLS = 3_600_000 / POLL_MS;
/** From here on nothing may grow. */
const SETTLED_POLL = 40;
const HISTORY_BYTES = 128 * 1024;

/** Every name of it is another one in each generation. */
function confOf(generation: number): string {
  const name = (of: string): string => `${of}_${String(generation)}`;
  const servers = Array.from({ length: SERVERS }, (_, index) => `${name("ex")}_${String(index)}`);
  return [
    `add lb monitor ${name("m")} HTTP -httpRequest "GET /" -interval 10 -resptimeout 2`,
    `add serviceGroup ${name("sg")} HTTP`,
    `add lb vserver v HTTP 10.1.0.1 80`,
    ...servers.flatMap((server, index) => [
      `add server ${server} 10.0.${String(index >> 7)}.${String(index & 127)}`,
      `bind serviceGroup ${name("sg")} ${server} 80`,
    ]),
    `bind serviceGroup ${name("sg")} -monitorName ${name("m")}`,
    `bind lb vserver v ${name("sg")}`,
    "",
  ].join("\n");
}

function allUp({ members }: EstateRecords, at: number): AdcState {
  const states = members.map((member): [string, MemberState] => [
    memberKey(member.adcService, member.server, member.port),
    {
      adcService: member.adcService,
      server: member.server,
      address: member.address,
      port: member.port,
      state: "up",
      rawState: "UP",
      trofsReason: null,
      connections: null,
      sinceMs: null,
      enabled: true,
      monitors: [],
      blind: [],
    },
  ]);
  return { at, nodes: [], vservers: new Map(), members: new Map(states) };
}

test("churn › keeps every store the same size when 100 servers are renamed at every poll for an hour", async () => {
  let now = STARTED_AT;
  const clock = (): number => now;
  const state = new WitnessState({
    agent: "test",
    stabilityMs: 60_000,
    overdueAfterMs: 4 * 3_600_000,
    declarations: {
      declaredFor: () => ({ state: "no", endAt: null, window: null }),
      observe: () => undefined,
    },
    grace: "watched",
    now: clock,
    monotonic: clock,
  });
  state.addAdc("prod", { nitro: true, pollMs: POLL_MS });
  const metrics = createMetrics({ version: "0", revision: "0", phases: false });
  const history = createHistory({ maxBytes: HISTORY_BYTES, now: clock });
  onTestFinished(metrics.close);
  let records: EstateRecords | null = null;
  const sizes: Record<string, number>[] = [];

  for (let poll = 0; poll < POLLS; poll++) {
    const estate = parseNsConf(confOf(poll), { adc: "prod" });
    records = buildRecords(
      estate,
      planProbes(estate, BARE_SETTINGS),
      { pollMs: POLL_MS, vservers: new Map(), now: clock, monotonic: clock },
      records,
    );
    state.setRecords("prod", records);
    state.applyAdcPoll("prod", allUp(records, now));
    for (const probe of records.probes) {
      // Each server has a name of its own; through the VIP the first of them answers.
      const server = probe.server || `ex_${String(poll)}_0`;
      const servedBy = `n-${server}.example.com`.replaceAll("_", "-");
      const passed = poll % 3 !== 0;
      const seen = observed({ passed, servedBy, exchangeSeen: true, startedAt: now });
      state.recordResult(probe, seen, passed);
      metrics.probeFinished(probe, seen, passed);
      history.probeFinished(probe, seen, passed);
    }
    state.evaluateAll();
    history.sample(state);
    if (poll >= SETTLED_POLL && (poll - SETTLED_POLL) % 39 === 0) {
      const text = Buffer.concat(await metrics.render(state, "text")).toString("utf8");
      sizes.push({
        series: text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length,
        names: state.names.size,
        members: state.members.length,
        probes: state.probes.length,
        servers: state.servers.length,
        servedBy: state.vservers.reduce((sum, { servedBy }) => sum + servedBy.size, 0),
        detections: state.members.reduce((sum, { detection }) => sum + detection.probes.size, 0),
        changes: history.changesAfter(0).length,
        descriptors: process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0,
      });
    }
    now += POLL_MS;
  }

  const [first, ...others] = sizes;
  expect(others.length).toBeGreaterThan(3);
  expect(first).toMatchObject({ members: SERVERS });
  for (const other of others) {
    expect(other).toEqual(first);
  }
}, 120_000);

test("Scheduler.remove › leaves no queued starts behind when jobs come and go whose starts are far off", async () => {
  const scheduler = new Scheduler(() => performance.now());
  for (let generation = 0; generation < 100; generation++) {
    for (let index = 0; index < SERVERS; index++) {
      const id = `${String(generation)} ${String(index)}`;
      const intervalMs = 20_000_000;
      scheduler.add(
        { id, intervalMs, run: () => Promise.resolve(intervalMs) },
        performance.now() + intervalMs,
      );
    }
    for (let index = 0; index < SERVERS; index++) {
      scheduler.remove(`${String(generation)} ${String(index)}`);
    }
  }
  expect(scheduler.queued).toBeLessThan(2_000);
  await scheduler.stop();
});
