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

/** One member: the agent's records of it, the ADC's state of it, and the truth. */
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
  /** Since when it has continuously been unhealthy, and whether maintenance was part of that. */
  notWellSince: number | null;
  workedOn: boolean;
  /** When it last recovered, and whether it failed again before that could be observed. */
  wellAt: number;
  wasBrieflyWell: boolean;
  /** Logins gave no result, last at that time, and it has not been healthy since for long enough to be observed. */
  isAwayUntold: boolean;
  toldAt: number;
  /** When the monitor's own login last had no result although another account works. */
  monitorToldAt: number;
  readonly flaps: FlapJudge;
  /** From the last poll. */
  heard: AdcBelief;
  evaluationIsDue: boolean;
}

/** A member that is initially healthy, with the times within which its alarms must begin and end. */
export function memberOf(record: MemberRecord, beginsAt: number, tally: Tally): Member {
  const kind = SERVICE_KINDS.find((each) => SERVICES[each].group === record.adcService) ?? "imap";
  const slowest = Math.max(...record.probes.map((probe) => probe.intervalMs));
  const grace = Math.max(record.grace.towardsDownMs, record.grace.towardsUpMs);
  // The truth starts with the fault itself: our replica needs its retries to confirm it, and grace starts then.
  const decisionMs = TIMING.retries * TIMING.intervalMs;
  const bounds = {
    namedWithinMs: decisionMs + grace + slowest + AGENT_EVALUATES_MS,
    // A verdict is withdrawn after the next look of each kind and the next probes of ADC and replica while they are
    // down; the next poll reports the ADC's change.
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
