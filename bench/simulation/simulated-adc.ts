import type { MonitorState } from "../../src/estate/adc-state.ts";
import { initialReplica, stepReplica, type ReplicaState } from "../../src/verdict/replica.ts";
import { TIMING } from "./estate.ts";

const PARAMETERS = {
  retries: TIMING.retries,
  failureRetries: 0,
  successRetries: 1,
  intervalMs: TIMING.intervalMs,
  downTimeMs: TIMING.downTimeMs,
};

/** The ADC's own monitoring of one member: the same state machine on its own grid, late by a probe's time-out. */
export class SimulatedMember {
  #state: ReplicaState = initialReplica();
  /** What its state machine says, with the time from which that shows: a failure shows when its time-out is over. */
  readonly #changes: { at: number; up: boolean }[] = [{ at: 0, up: true }];
  monitors: readonly MonitorState[] = [];

  /** One probe of the ADC; returns the time to its next. */
  probe(at: number, passes: boolean): number {
    this.#state = stepReplica(this.#state, PARAMETERS, passes);
    const up = this.#state.opinion !== "down";
    if (this.#changes.at(-1)?.up !== up) {
      this.#changes.push({ at: passes ? at : at + TIMING.timeoutMs, up });
    }
    return this.#state.settled === "down" ? TIMING.downTimeMs : TIMING.intervalMs;
  }

  /** What a poll at this time reads. */
  upAt(at: number): boolean {
    for (;;) {
      const next = this.#changes[1];
      if (next === undefined || next.at > at) {
        return this.#changes[0]?.up ?? true;
      }
      this.#changes.shift();
    }
  }
}
