import { initialReplica, stepReplica, type ReplicaState } from "../../src/verdict/replica.ts";
import { TIMING } from "./estate.ts";

const PARAMETERS = {
  retries: TIMING.retries,
  failureRetries: 0,
  successRetries: 1,
  intervalMs: TIMING.intervalMs,
  downTimeMs: TIMING.downTimeMs,
};

export type AdcBelief = "up" | "down" | "leaving" | "out";

/** How long a member that is disabled still serves its last clients: the administrator's delay. */
const LEAVES_FOR_MS = 60_000;

/** The ADC's own monitoring of one member: the same state machine on its own grid, late by a probe's time-out. */
export class SimulatedMember {
  #state: ReplicaState = initialReplica();
  /** The ADC's state of the member, and from when it is visible: a failure is visible after its time-out. */
  readonly #changes: { at: number; belief: AdcBelief }[] = [{ at: 0, belief: "up" }];
  #disabled = false;
  #outSince: number | null = null;
  /** Its last probe was lost on the way: until the next one it sees no more than with its path cut. */
  sightIsLost = false;

  /** One probe of the ADC, which would pass or not unless it is lost; returns the time to its next. */
  probe(at: number, wouldPass: boolean, lost: boolean): number {
    this.sightIsLost = lost && !this.#disabled;
    if (this.#disabled) {
      return TIMING.intervalMs;
    }
    const passes = wouldPass && !lost;
    this.#state = stepReplica(this.#state, PARAMETERS, passes);
    if (this.#state.settled !== "unknown") {
      this.#believe(this.#state.settled, passes ? at : at + TIMING.timeoutMs);
    }
    return this.#state.settled === "down" ? TIMING.downTimeMs : TIMING.intervalMs;
  }

  takeOut(at: number): void {
    this.#disabled = true;
    this.#outSince = at;
    this.#believe("leaving", at);
    this.#believe("out", at + LEAVES_FOR_MS);
  }

  /** An enabled member is DOWN until its first good probe. */
  putBack(at: number): void {
    this.#disabled = false;
    this.#outSince = null;
    this.#state = initialReplica();
    this.#believe("down", at);
  }

  /** Since when it has been out of service; null if it is not. */
  get outSince(): number | null {
    return this.#outSince;
  }

  /** The last belief that shows by then, or will once a probe's time-out is over. */
  beliefFrom(at: number): { readonly belief: AdcBelief; readonly at: number } {
    return this.#changes.at(-1) ?? { belief: "up", at };
  }

  /** What a poll at this time reads. */
  beliefAt(at: number): AdcBelief {
    return this.#changeAt(at)?.belief ?? "up";
  }

  /** Since when it has believed that. */
  believedSince(at: number): number {
    return this.#changeAt(at)?.at ?? 0;
  }

  #believe(belief: AdcBelief, at: number): void {
    if (this.#changes.at(-1)?.belief !== belief) {
      this.#changes.push({ at, belief });
    }
  }

  #changeAt(at: number): { at: number; belief: AdcBelief } | undefined {
    for (;;) {
      const next = this.#changes[1];
      if (next === undefined || next.at > at) {
        return this.#changes[0];
      }
      this.#changes.shift();
    }
  }
}
