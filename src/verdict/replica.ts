import { isFresh } from "./freshness.ts";
import type { ReplicaOpinion } from "./verdicts.ts";

/**
 * The state machine of one monitor binding, as the ADC itself runs it.
 *
 * NetScaler knowledge base CTX132937: while UP a probe goes out every interval, and `retries` failures in a row (or,
 * with `failureRetries` k, k failures among the last `retries` probes) make it DOWN; while DOWN one goes out every
 * down time, and `successRetries` successes in a row make it UP.
 *
 * UNCONFIRMED by any document, and chosen here: successes 2 to n while DOWN are spaced by the down time; the window of
 * `failureRetries` begins anew with every change of state.
 */
export interface ReplicaParameters {
  readonly retries: number;
  /** 0: all `retries` probes must fail. */
  readonly failureRetries: number;
  readonly successRetries: number;
  readonly intervalMs: number;
  readonly downTimeMs: number;
}

export interface ReplicaState {
  /** What the machine says; `unknown` also while the last probe was a fault of our own. */
  readonly opinion: ReplicaOpinion;
  /** Where the machine stands, whatever the last probe was. */
  readonly settled: ReplicaOpinion;
  /** Results since the last change of state, newest last: at most `retries` or `successRetries` of them. */
  readonly recent: readonly boolean[];
  /** Result of the newest probe; null when it said nothing, or there was none. */
  readonly lastPassed: boolean | null;
}

export function initialReplica(): ReplicaState {
  return { opinion: "unknown", settled: "unknown", recent: [], lastPassed: null };
}

/**
 * One probe's result. `passed` is the result after *reverse*; null is a fault of our own, which makes the opinion
 * unknown until the next result and otherwise neither counts nor breaks a row.
 */
export function stepReplica(
  state: ReplicaState,
  parameters: ReplicaParameters,
  passed: boolean | null,
): ReplicaState {
  if (passed === null) {
    return { ...state, opinion: "unknown", lastPassed: null };
  }
  const kept = Math.max(parameters.retries, parameters.successRetries, 1);
  if (passed && isCalm(state, kept)) {
    return state;
  }
  const recent = [...state.recent, passed].slice(-kept);
  const settled = decide(state.settled, parameters, recent);
  return {
    opinion: settled,
    settled,
    recent: settled === state.settled ? recent : [],
    lastPassed: passed,
  };
}

/** UP after so many successes that one more says nothing new: the state of nearly every monitor at nearly every probe. */
function isCalm({ opinion, recent }: ReplicaState, kept: number): boolean {
  return opinion === "up" && recent.length === kept && !recent.includes(false);
}

function decide(
  settled: ReplicaOpinion,
  parameters: ReplicaParameters,
  recent: readonly boolean[],
): ReplicaOpinion {
  switch (settled) {
    case "unknown":
      if (recent.at(-1) === true) {
        return "up";
      }
      return lastAre(recent, false, parameters.retries) ? "down" : "unknown";
    case "up":
      return failsEnough(parameters, recent) ? "down" : "up";
    case "down":
      return lastAre(recent, true, parameters.successRetries) ? "up" : "down";
  }
}

function failsEnough(parameters: ReplicaParameters, recent: readonly boolean[]): boolean {
  if (parameters.failureRetries === 0) {
    return lastAre(recent, false, parameters.retries);
  }
  const window = recent.slice(-Math.max(parameters.retries, 1));
  return window.filter((passed) => !passed).length >= parameters.failureRetries;
}

function lastAre(recent: readonly boolean[], value: boolean, count: number): boolean {
  const needed = Math.max(count, 1);
  return recent.length >= needed && recent.slice(-needed).every((passed) => passed === value);
}

/**
 * The opinion at this moment: unknown once no result has come for three times the pause to the next one, the interval or,
 * while DOWN, the down time.
 */
export function replicaOpinionAt(
  state: ReplicaState,
  parameters: ReplicaParameters,
  resultAt: number | null,
  now: number,
): ReplicaOpinion {
  return isFresh(resultAt, now, nextDelayMs(state, parameters)) ? state.opinion : "unknown";
}

/** Milliseconds from the start of one probe to the start of the next: the down time while DOWN, else the interval. */
export function nextDelayMs(state: ReplicaState, parameters: ReplicaParameters): number {
  return state.settled === "down" ? parameters.downTimeMs : parameters.intervalMs;
}
