import type { ReplicaOpinion } from "../model/verdicts.ts";

/**
 * How long a result counts. After three intervals without a newer one it has expired, and every opinion based on it is
 * `unknown`. Pure functions of time, in milliseconds of any one clock.
 */
const STALE_INTERVALS = 3;
/** For intervals of a few milliseconds: a busy event loop must not make results expire. */
const MIN_FRESH_MS = 5_000;

/** How long a result of a probe with this interval counts. */
export function freshForMs(intervalMs: number): number {
  return Math.max(STALE_INTERVALS * intervalMs, MIN_FRESH_MS);
}

/** Until when a result of this instant counts; Infinity if there is none that could expire. */
export function freshUntil(resultAt: number | null, intervalMs: number): number {
  return resultAt === null ? Infinity : resultAt + freshForMs(intervalMs);
}

/** Whether a result of this instant still counts; null, no result, does not. */
export function isFresh(resultAt: number | null, now: number, intervalMs: number): boolean {
  return resultAt !== null && now <= freshUntil(resultAt, intervalMs);
}

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
  /** UP or DOWN; `unknown` before enough results, and while the last probe was a fault of our own. */
  readonly opinion: ReplicaOpinion;
  /** The same, ignoring faults of our own. */
  readonly settled: ReplicaOpinion;
  /** Results since the last change of state, newest last: at most `retries` or `successRetries` of them. */
  readonly recent: readonly boolean[];
  /** Result of the newest probe; null when it was inconclusive, or there was none. */
  readonly lastPassed: boolean | null;
}

export function initialReplica(): ReplicaState {
  return { opinion: "unknown", settled: "unknown", recent: [], lastPassed: null };
}

/**
 * The state after one probe. `passed` is its result after `-reverse`. Null is a fault of our own: the opinion is unknown until
 * the next result, and rows of failures or successes go on after it.
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

/** UP after so many successes that one more changes nothing: the state of nearly every monitor. */
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

/** The opinion now: unknown once the last result has expired (by the interval or, while DOWN, by the down time). */
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

/** One bound monitor of a member, with the opinion of our replica. */
export interface BoundReplica {
  readonly monitor: string;
  /** False when the binding (`-monState DISABLED`) or the monitor itself (`-state DISABLED`) is off: not counted. */
  readonly enabled: boolean;
  /** A passive load monitor never takes a member out. */
  readonly passive: boolean;
  readonly weight: number;
  /** `unknown` also for a monitor that cannot be repeated. */
  readonly opinion: ReplicaOpinion;
  readonly lastPassed: boolean | null;
}

export interface MemberReplica {
  readonly opinion: ReplicaOpinion;
  /** The monitor that decided; null if none did. */
  readonly decidedBy: string | null;
  /**
   * The last failures would bring the member down if they went on: the ADC may be about to notice. A failing monitor whose
   * weight cannot matter does not count.
   */
  readonly failing: boolean;
}

/**
 * The opinion of several monitors on one member (NetScaler docs, "Set a threshold value for the monitors bound to a
 * service"): with threshold 0 all enabled monitors must be UP, otherwise the weights of those that are UP must reach
 * it. An unknown monitor makes the member unknown only if it could still change the outcome. No counted monitor at
 * all: unknown, for there is nothing to repeat.
 */
export function memberReplica(
  monitors: readonly BoundReplica[],
  monThreshold: number,
): MemberReplica {
  const counted = monitors.filter((monitor) => monitor.enabled && !monitor.passive);
  const now = weigh(counted, monThreshold);
  const soon = weigh(
    counted.map((monitor) =>
      monitor.lastPassed === false ? { ...monitor, opinion: "down" as const } : monitor,
    ),
    monThreshold,
  );
  const failing = soon.opinion === "down" && anyFailed(counted);
  return { opinion: now.opinion, decidedBy: now.decidedBy, failing };
}

function anyFailed(counted: readonly BoundReplica[]): boolean {
  return counted.some((monitor) => monitor.lastPassed === false);
}

type Weighed = Pick<MemberReplica, "opinion" | "decidedBy">;

function weigh(counted: readonly BoundReplica[], monThreshold: number): Weighed {
  if (counted.length === 0) {
    return { opinion: "unknown", decidedBy: null };
  }
  return monThreshold === 0 ? allMustBeUp(counted) : weightsMustReach(counted, monThreshold);
}

function allMustBeUp(counted: readonly BoundReplica[]): Weighed {
  for (const opinion of ["down", "unknown", "up"] as const) {
    const decider = firstWith(counted, opinion);
    if (decider !== null) {
      return { opinion, decidedBy: decider };
    }
  }
  return { opinion: "unknown", decidedBy: null };
}

function weightsMustReach(counted: readonly BoundReplica[], threshold: number): Weighed {
  let reached = 0;
  for (const monitor of counted.filter((each) => each.opinion === "up")) {
    reached += monitor.weight;
    if (reached >= threshold) {
      return { opinion: "up", decidedBy: monitor.monitor };
    }
  }
  const open = counted
    .filter((each) => each.opinion === "unknown")
    .reduce((sum, each) => sum + each.weight, 0);
  return reached + open >= threshold
    ? { opinion: "unknown", decidedBy: firstWith(counted, "unknown") }
    : { opinion: "down", decidedBy: firstWith(counted, "down") };
}

function firstWith(counted: readonly BoundReplica[], opinion: ReplicaOpinion): string | null {
  return counted.find((monitor) => monitor.opinion === opinion)?.monitor ?? null;
}
