import { buildRecords } from "../../src/agent/records/build-records.ts";
import type { ProbeRecord } from "../../src/agent/records/probe-record.ts";
import { WitnessState } from "../../src/agent/records/witness-state.ts";
import { DueQueue } from "../../src/agent/due-queue.ts";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import { memberKey, type AdcState, type MemberState } from "../../src/estate/adc-state.ts";
import type { MemberRecord } from "../../src/agent/records/member-record.ts";
import {
  POLL_MS,
  SERVICE_KINDS,
  SERVICES,
  simulatedEstate,
  TIMING,
  type ServiceKind,
} from "./estate.ts";
import { MemberJudge, type Alarm, type FalseAlarm, type Missed } from "./judge.ts";
import { seededRandom, type Random } from "./random.ts";
import { SimulatedMember } from "./simulated-adc.ts";
import {
  failureSeen,
  LOST,
  lookPasses,
  monitorPasses,
  observation,
  type LookName,
  type Truth,
} from "./world.ts";

export interface SimulationOptions {
  readonly hours: number;
  readonly servers: number;
  readonly seed: number;
  /** How often everything is judged anew; the agent does so every second. */
  readonly evaluateMs?: number;
}

export interface SimulationResult {
  readonly members: number;
  readonly hours: number;
  readonly probes: number;
  /** Times at which a member's condition, or what its ADC's monitoring is worth, changed. */
  readonly changes: number;
  readonly episodes: number;
  readonly delays: readonly { readonly alarm: Alarm; readonly delayMs: number }[];
  readonly missed: readonly Missed[];
  readonly falseAlarms: readonly FalseAlarm[];
}

const AGENT_EVALUATES_MS = 1_000;
/** One probe in a thousand is lost on the way, ours and the ADC's alike. */
const LOST_SHARE = 0.001;
/** The world begins after noon of some day, so that no clock starts at zero. */
const BEGIN = Date.UTC(2026, 10, 3, 12);

type Event =
  | { readonly kind: "probe"; readonly probe: ProbeRecord }
  | { readonly kind: "adc_probe"; readonly member: Member }
  | { readonly kind: "poll" }
  | { readonly kind: "evaluate" }
  | { readonly kind: "change"; readonly member: Member };

interface Member {
  readonly record: MemberRecord;
  readonly kind: ServiceKind;
  readonly truth: Truth;
  readonly adc: SimulatedMember;
  readonly judge: MemberJudge;
}

/**
 * Maintenance hours in virtual time: an estate whose truth is known goes through maintenance, outages, flaps, blind and
 * deaf ADCs and lost probes, while the agent's own records and rules judge what its probes and polls tell. Sockets and
 * timers are played; everything that decides is the agent's own.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const evaluateMs = options.evaluateMs ?? AGENT_EVALUATES_MS;
  const random = seededRandom(options.seed);
  let now = BEGIN;
  const clock = (): number => now;
  const estate = simulatedEstate(options.servers);
  const members = SERVICE_KINDS.map((kind) => ({
    match: `*:${String(SERVICES[kind].port)}`,
    protocol: kind,
    exchange: "2016" as const,
    path: null,
    host: null,
  }));
  const plan = planProbes(estate, { ...BARE_SETTINGS, members });
  const records = buildRecords(
    estate,
    plan,
    { pollMs: POLL_MS, vservers: new Map(), now: clock },
    null,
  );
  const state = new WitnessState({
    agent: "simulation",
    stabilityMs: 300_000,
    declarations: {
      declaredFor: () => ({ state: "no", window: null, endAt: null }),
      observe: () => undefined,
    },
    grace: "watched",
    now: clock,
  });
  state.addAdc(estate.adc, { nitro: true, pollMs: POLL_MS });
  state.setRecords(estate.adc, records);
  const world = new Map(records.members.map((record) => [record, memberOf(record)]));
  const queue = new DueQueue<Event>();
  for (const probe of records.probes) {
    if (probe.planned.action.run !== null) {
      queue.push(BEGIN + random.between(0, 10_000), { kind: "probe", probe });
    }
  }
  for (const member of world.values()) {
    queue.push(BEGIN + random.between(0, TIMING.intervalMs), { kind: "adc_probe", member });
    queue.push(BEGIN + random.between(300_000, 7_200_000), { kind: "change", member });
  }
  queue.push(BEGIN + 5_000, { kind: "poll" });
  queue.push(BEGIN + evaluateMs, { kind: "evaluate" });

  const end = BEGIN + options.hours * 3_600_000;
  let probes = 0;
  let changes = 0;
  for (let due = queue.popDue(end); due !== undefined; due = queue.popDue(end)) {
    now = due.dueAt;
    queue.push(now + step(due.item), due.item);
  }
  const judges = [...world.values()].map((member) => member.judge);
  return {
    members: world.size,
    hours: options.hours,
    probes,
    changes,
    episodes: judges.reduce((sum, judge) => sum + judge.episodes, 0),
    delays: judges.flatMap((judge) => judge.delaysMs),
    missed: judges.flatMap((judge) => judge.missed),
    falseAlarms: judges.flatMap((judge) => judge.falseAlarms),
  };

  /** Does what is due, and tells in how many milliseconds the same is due again. */
  function step(event: Event): number {
    switch (event.kind) {
      case "probe":
        probes += 1;
        return observeProbe(event.probe);
      case "adc_probe": {
        const { member } = event;
        const lost = random.next() < LOST_SHARE;
        return member.adc.probe(now, !lost && adcSees(member));
      }
      case "poll":
        state.hear(estate.adc, polled());
        return POLL_MS;
      case "evaluate":
        state.evaluateAll();
        for (const member of world.values()) {
          member.judge.look(now, member.truth);
        }
        return evaluateMs;
      case "change":
        changes += 1;
        return changeTruth(event.member.truth, random);
    }
  }

  function observeProbe(probe: ProbeRecord): number {
    const record = records.memberOf.get(probe);
    const member = record === undefined ? undefined : world.get(record);
    if (member === undefined) {
      return probe.intervalMs;
    }
    const name = probe.transaction === "" ? member.kind : (probe.transaction as LookName);
    const passes =
      probe.transaction === ""
        ? monitorPasses(member.kind, member.truth)
        : lookPasses(probe.transaction as LookName, member.truth);
    const lost = random.next() < LOST_SHARE;
    const failure = lost ? LOST : passes ? null : failureSeen(name, member.truth);
    return state.observe(probe, observation(now, failure, true), failure === null);
  }

  function adcSees(member: Member): boolean {
    switch (member.truth.adc) {
      case "honest":
        return monitorPasses(member.kind, member.truth);
      case "stuck_up":
        return true;
      case "stuck_down":
        return false;
    }
  }

  function polled(): AdcState {
    const states = new Map<string, MemberState>();
    for (const { record, adc } of world.values()) {
      const up = adc.upAt(now);
      states.set(memberKey(record.adcService, record.server, record.port), {
        adcService: record.adcService,
        server: record.server,
        address: record.address,
        port: record.port,
        state: up ? "up" : "down",
        rawState: up ? "UP" : "DOWN",
        trofsReason: null,
        connections: null,
        sinceMs: null,
        enabled: true,
        monitors: [],
        blind: [],
      });
    }
    return { at: now, nodes: [], vservers: new Map(), members: states };
  }

  function memberOf(record: MemberRecord): Member {
    const kind = SERVICE_KINDS.find((each) => SERVICES[each].group === record.adcService) ?? "imap";
    const slowest = Math.max(...record.probes.map((probe) => probe.intervalMs));
    const grace = Math.max(record.grace.towardsDownMs, record.grace.towardsUpMs);
    // The truth begins with the fault itself: our replica takes its retries to be sure, and grace runs from there.
    const decisionMs = TIMING.retries * TIMING.intervalMs;
    const bound = decisionMs + grace + slowest + evaluateMs;
    // What is over is taken back with the next look of each kind, and the replica's next probe while it is down.
    const clears = TIMING.downTimeMs + slowest + evaluateMs;
    const judge = new MemberJudge(record, kind, bound, clears);
    return {
      record,
      kind,
      truth: { condition: "well", adc: "honest" },
      adc: new SimulatedMember(),
      judge,
    };
  }
}

/** What happens next to a member, and how long that lasts. Maintenance and faults are followed by a time of rest. */
function changeTruth(truth: Truth, random: Random): number {
  if (truth.condition !== "well" || truth.adc !== "honest") {
    truth.condition = "well";
    truth.adc = "honest";
    return random.between(600_000, 6 * 3_600_000);
  }
  const dice = random.next();
  if (dice < 0.35) {
    truth.condition = "maintenance";
    return random.between(120_000, 2 * 3_600_000);
  }
  if (dice < 0.55) {
    truth.condition = "dead";
    truth.adc = random.next() < 0.4 ? "stuck_up" : "honest";
    return random.between(30_000, 1_800_000);
  }
  if (dice < 0.7) {
    // A flap: back before anyone is sure.
    truth.condition = random.pick(["dead", "sick", "maintenance"] as const);
    return random.between(1_000, 45_000);
  }
  if (dice < 0.85) {
    truth.condition = "sick";
    return random.between(60_000, 1_800_000);
  }
  truth.adc = "stuck_down";
  return random.between(60_000, 3_600_000);
}
