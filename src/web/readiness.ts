import type { LiveProbe, LiveState } from "../agent/live.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is still missing, in words. */
  readonly detail: string;
}

/** Replicas with a longer interval are not waited for. */
const DUE_WITHIN_MS = 60_000;

/** Ready: an estate is imported, and every replica that is due within a minute has spoken. */
export function readiness(live: LiveState): Readiness {
  if (live.members.length === 0 && live.vservers.length === 0) {
    return { ready: false, detail: "no estate is imported yet" };
  }
  const due = live.probes.filter(isDueSoon);
  const silent = due.filter((probe) => !hasSpoken(probe)).length;
  return silent === 0
    ? { ready: true, detail: "ready" }
    : {
        ready: false,
        detail: `${String(silent)} of ${String(due.length)} replicas have no opinion yet`,
      };
}

function isDueSoon(probe: LiveProbe): boolean {
  return probe.kind === "monitor" && probe.scheduled !== false && probe.intervalMs <= DUE_WITHIN_MS;
}

/** An opinion, or a fault of our own that keeps it from having one: waiting longer would not help. */
function hasSpoken(probe: LiveProbe): boolean {
  return probe.opinion !== "unknown" || probe.last?.outcome === "fault";
}
