import type { ReplicaOpinion } from "./verdicts.ts";

/** One monitor of a member, as bound, with what our replica of it says. */
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
  /** The monitor whose opinion tipped the scale; null when there is none, or when none of them could have. */
  readonly decidedBy: string | null;
  /**
   * True when the failures seen last, should they go on, bring the member down: the ADC may be about to notice. A
   * failing monitor whose weight cannot matter does not count.
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
