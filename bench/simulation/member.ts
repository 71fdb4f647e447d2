import type { MemberRecord } from "../../src/agent/records/member-record.ts";
import type { MemberState } from "../../src/model/adc-state.ts";
import { POLL_MS, SERVICE_KINDS, SERVICES, TIMING, type ServiceKind } from "./estate.ts";
import { FlapJudge } from "./flap-judge.ts";
import { MemberJudge } from "./judge.ts";
import { SimulatedMember, type AdcBelief } from "./simulated-adc.ts";
import type { Tally } from "./tally.ts";
import { flapCuts, monitorPasses, WELL, type Truth } from "./world.ts";

/** The agent evaluates everything every second; the simulation, only what may have changed by then. */
export const AGENT_EVALUATES_MS = 1_000;
export const STABILITY_MS = 300_000;
export const OVERDUE_AFTER_MS = 4 * 3_600_000;

/** One member: what the agent keeps of it, what its ADC believes, and what is true. */
export interface Member {
  readonly record: MemberRecord;
  readonly kind: ServiceKind;
  readonly adc: SimulatedMember;
  readonly judge: MemberJudge;
  readonly polled: Readonly<Record<AdcBelief, MemberState>>;
  truth: Truth;
  /** What was so before, and until when: the agent's knowledge of it may be as old as its last look. */
  before: Truth;
  changedAt: number;
  evaluatedAt: number;
  /** Since when it has not been well, without a break, and whether that began or went on with work on it. */
  notWellSince: number | null;
  workedOn: boolean;
  /** When it was well again last, and whether it has been broken since, before that could be seen. */
  wellAt: number;
  wasBrieflyWell: boolean;
  /** Logins told nothing, last at that time, and it has not been well since then for long enough to be seen. */
  isAwayUntold: boolean;
  toldAt: number;
  /** When the monitor's own login last had no result although another account works. */
  monitorToldAt: number;
  readonly flaps: FlapJudge;
  /** From the last poll. */
  heard: AdcBelief;
  evaluationIsDue: boolean;
}

/** A member that is well at the beginning, with the times within which its alarms must come and go. */
export function memberOf(record: MemberRecord, beginsAt: number, tally: Tally): Member {
  const kind = SERVICE_KINDS.find((each) => SERVICES[each].group === record.adcService) ?? "imap";
  const slowest = Math.max(...record.probes.map((probe) => probe.intervalMs));
  const grace = Math.max(record.grace.towardsDownMs, record.grace.towardsUpMs);
  // The truth begins with the fault itself: our replica takes its retries to be sure, and grace runs from there.
  const decisionMs = TIMING.retries * TIMING.intervalMs;
  const bounds = {
    namedWithinMs: decisionMs + grace + slowest + AGENT_EVALUATES_MS,
    // What is over is taken back with the next look of each kind and the next probe of ADC and replica while they are
    // down, and of the ADC's change of mind the next poll tells.
    clearsWithinMs: TIMING.downTimeMs + slowest + POLL_MS + AGENT_EVALUATES_MS,
    graceAndIntervalMs: grace + slowest,
    stabilityMs: STABILITY_MS,
  };
  return {
    record,
    kind,
    truth: WELL,
    before: WELL,
    changedAt: beginsAt,
    notWellSince: null,
    workedOn: false,
    wellAt: -Infinity,
    wasBrieflyWell: false,
    isAwayUntold: false,
    toldAt: -Infinity,
    monitorToldAt: -Infinity,
    flaps: new FlapJudge(record),
    adc: new SimulatedMember(),
    judge: new MemberJudge(record, bounds, tally),
    polled: {
      up: memberState(record, "up", "UP"),
      down: memberState(record, "down", "DOWN"),
      leaving: memberState(record, "leaving", "GOING OUT OF SERVICE"),
      out: memberState(record, "out", "OUT OF SERVICE"),
    },
    evaluatedAt: beginsAt,
    heard: "up",
    evaluationIsDue: false,
  };
}

/** Whether a probe of the ADC would pass now. */
export function adcSees(member: Member, at: number): boolean {
  switch (member.truth.adc) {
    case "honest":
      return monitorPasses(member.kind, member.truth, "adc");
    case "stuck_up":
      return true;
    case "stuck_down":
      return false;
    case "flaps":
      return !flapCuts(at - member.changedAt);
  }
}

function memberState(record: MemberRecord, state: AdcBelief, rawState: string): MemberState {
  return {
    adcService: record.adcService,
    server: record.server,
    address: record.address,
    port: record.port,
    state,
    rawState,
    trofsReason: null,
    connections: null,
    sinceMs: null,
    enabled: state === "up" || state === "down",
    monitors: [],
    blind: [],
  };
}
