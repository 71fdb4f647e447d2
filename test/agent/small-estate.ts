import { planProbes } from "../../src/agent/plan/plan.ts";
import { BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import {
  buildRecords,
  type EstateRecords,
  type RecordOptions,
} from "../../src/agent/records/build-records.ts";
import type { MemberRecord } from "../../src/agent/records/member-record.ts";
import type { ProbeRecord } from "../../src/agent/records/probe-record.ts";
import type { VserverRecord } from "../../src/agent/records/vserver-record.ts";
import { WitnessState, type WitnessOptions } from "../../src/agent/records/witness-state.ts";
import { memberKey, type AdcState, type MemberState } from "../../src/model/adc-state.ts";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import type { Observation } from "../../src/model/observation.ts";

/** A clock that stands until it is told. */
export interface Clock {
  at: number;
}

/** One observation in a few words: what is not given is an ordinary success or failure over a finished handshake. */
export function observed(
  changes: Partial<Omit<Observation, "outcome" | "reason">> & {
    readonly passed: boolean;
    readonly outcome?: Observation["outcome"];
    readonly reason?: Observation["reason"];
  },
): Observation {
  const { passed, ...given } = changes;
  const facts = {
    step: "response",
    startedAt: 0,
    durationMs: 1,
    phases: { connect: 1 },
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "", detail: null },
  };
  const usual = passed
    ? { outcome: "match", reason: "ok" }
    : { outcome: "mismatch", reason: "bad_status" };
  return { ...facts, ...usual, ...given } as Observation;
}

/** A state over one small estate, as the agent makes it, and where to find things in it. */
export interface SmallEstate {
  readonly clock: Clock;
  readonly state: WitnessState;
  readonly records: EstateRecords;
  readonly member: (server: string, adcService?: string) => MemberRecord;
  readonly vserver: (name: string) => VserverRecord;
  /** The probe of that monitor or transaction at a server, or at a vserver. */
  readonly probe: (name: string, where: string) => ProbeRecord;
  readonly hear: (
    members: Readonly<Record<string, Partial<MemberState>>>,
    persistence?: AdcState["persistence"],
  ) => void;
  /** The ADC is asked once more, and says what it said before. */
  readonly hearAgain: () => void;
  readonly observe: (name: string, where: string, observation: Observation, times?: number) => void;
  /** Every probe that has run sees what it saw last. */
  readonly seeAgain: () => void;
  /** Time goes by, probes go on seeing what they saw last. */
  readonly later: (ms: number) => void;
}

export interface SmallEstateOptions {
  readonly nitro?: boolean;
  readonly pollMs?: number;
  readonly stabilityMs?: number;
  readonly grace?: "watched" | "single_look";
  readonly settings?: PlanSettings;
  readonly vservers?: RecordOptions["vservers"];
  /** As records take them; planning has its own. */
  readonly exclude?: RecordOptions["exclude"];
  readonly declared?: "no" | "open" | "over";
  /** In place of `declared`: windows that open and end. */
  readonly declarations?: WitnessOptions["declarations"];
  /** A clock that is never set; without it the state trusts the wall clock. */
  readonly monotonic?: () => number;
  /** Adds what only NITRO tells. */
  readonly changeEstate?: (estate: Estate) => Estate;
}

export const STARTED_AT = 1_800_000_000_000;

export function smallEstate(conf: string, options: SmallEstateOptions = {}): SmallEstate {
  const clock: Clock = { at: STARTED_AT };
  const now = (): number => clock.at;
  const read = parseNsConf(conf, { adc: "prod" });
  const estate = options.changeEstate?.(read) ?? read;
  const pollMs = options.pollMs ?? 0;
  const state = new WitnessState({
    agent: "dc1",
    stabilityMs: options.stabilityMs ?? 60_000,
    overdueAfterMs: 4 * 3_600_000,
    declarations: options.declarations ?? {
      declaredFor: () => ({ state: options.declared ?? "no", endAt: null, window: null }),
      observe: () => undefined,
    },
    grace: options.grace ?? "watched",
    now,
    ...(options.monotonic === undefined ? {} : { monotonic: options.monotonic }),
  });
  state.addAdc("prod", { nitro: options.nitro ?? true, pollMs });
  const settings = options.settings ?? BARE_SETTINGS;
  const records = buildRecords(
    estate,
    planProbes(estate, settings),
    {
      pollMs,
      vservers: options.vservers ?? new Map(),
      exclude: options.exclude ?? [],
      now,
      ...(options.monotonic === undefined ? {} : { monotonic: options.monotonic }),
    },
    null,
  );
  state.setRecords("prod", records);
  state.evaluateAll();
  const found = <T>(what: string, one: T | undefined): T => {
    if (one === undefined) {
      throw new Error(`no ${what} in this estate`);
    }
    return one;
  };
  const probe = (name: string, where: string): ProbeRecord =>
    found(
      `${name} at ${where}`,
      state.probes.find(
        (each) =>
          (each.monitor || each.transaction) === name &&
          (each.server === where || each.vserver === where),
      ),
    );
  let said: () => AdcState | null = () => null;
  const hearAgain = (): void => {
    state.applyAdcPoll("prod", said());
  };
  const seeAgain = (): void => {
    for (const each of state.probes) {
      if (each.last !== null) {
        state.recordResult(each, { ...each.last, startedAt: clock.at }, each.lastPassed);
      }
    }
  };
  return {
    clock,
    state,
    records,
    hearAgain,
    seeAgain,
    later: (ms) => {
      for (let leftMs = ms; leftMs > 0; leftMs -= 5_000) {
        clock.at += Math.min(5_000, leftMs);
        seeAgain();
      }
    },
    member: (server, adcService) =>
      found(
        server,
        state.members.find(
          (each) => each.server === server && (adcService ?? each.adcService) === each.adcService,
        ),
      ),
    vserver: (name) =>
      found(
        name,
        state.vservers.find((each) => each.vserver === name),
      ),
    probe,
    hear: (members, persistence = new Map()) => {
      said = () => ({ ...adcState(state.members, members, clock.at), persistence });
      hearAgain();
    },
    observe: (name, where, observation, times = 1) => {
      for (let count = 0; count < times; count++) {
        const { outcome } = observation;
        const passed =
          outcome === "fault" ? null : outcome === "match" || outcome === "maintenance";
        state.recordResult(probe(name, where), observation, passed);
      }
    },
  };
}

/** The ADC's word about each server named; of the others it says nothing. */
function adcState(
  records: readonly MemberRecord[],
  said: Readonly<Record<string, Partial<MemberState>>>,
  at: number,
): AdcState {
  const members = new Map<string, MemberState>();
  for (const record of records) {
    const own = said[record.server];
    if (own !== undefined) {
      members.set(memberKey(record.adcService, record.server, record.port), {
        adcService: record.adcService,
        server: record.server,
        address: record.address,
        port: record.port,
        state: "up",
        rawState: (own.state ?? "up").toUpperCase(),
        trofsReason: null,
        connections: null,
        sinceMs: null,
        enabled: true,
        monitors: [],
        blind: [],
        ...own,
      });
    }
  }
  return { at, nodes: [], vservers: new Map(), members };
}
