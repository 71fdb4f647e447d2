import { BARE_SETTINGS } from "../src/agent/plan/settings.ts";
import { planProbes } from "../src/agent/plan/plan.ts";
import { buildRecords } from "../src/agent/records/build-records.ts";
import { WitnessState } from "../src/agent/records/witness-state.ts";
import type { Estate } from "../src/model/estate.ts";
import { createDeclarations } from "../src/maintenance/declarations.ts";
import type { Observation } from "../src/model/observation.ts";

/** The agent's live state of an estate after every probe has passed. */
export function hearingState(estate: Estate, pollMs: number): WitnessState {
  const clocks = { now: Date.now, monotonic: () => performance.now() };
  const state = new WitnessState({
    agent: "bench",
    stabilityMs: 120_000,
    overdueAfterMs: 4 * 3_600_000,
    declarations: createDeclarations({
      configured: [],
      store: null,
      snapshot: null,
      onFailure: (message) => {
        throw new Error(message);
      },
    }),
    grace: "watched",
    ...clocks,
  });
  state.addAdc(estate.adc, { nitro: true, pollMs });
  const plan = planProbes(estate, BARE_SETTINGS);
  state.setRecords(
    estate.adc,
    buildRecords(estate, plan, { pollMs, vservers: new Map(), ...clocks }, null),
  );
  state.evaluateAll();
  return state;
}

/** A passing result for every probe, valid for some intervals. */
export function answerEveryProbe(state: WitnessState): void {
  for (const probe of state.probes) {
    if (probe.planned.action.run !== null) {
      state.recordResult(probe, goodAnswer(Date.now()), true);
    }
  }
}

function goodAnswer(startedAt: number): Observation {
  return {
    startedAt,
    durationMs: 5,
    phases: {},
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "", detail: null },
    outcome: "match",
    reason: "ok",
    step: "response",
  };
}
