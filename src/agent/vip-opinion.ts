import type { Reason } from "../probes/reason.ts";
import { combineTransactions } from "../verdict/service-opinion.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";

export interface VipOpinion {
  readonly opinion: VserverRecord["vip"];
  readonly reason: Reason | null;
}

/** Rungs of a login that the ADC itself puts before the service: seen through a VIP they protect it, and are no outage. */
const PROTECTED_REASONS: ReadonlySet<Reason> = new Set<Reason>([
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
]);

/** Our application-level answer through a vserver's own address. */
export function vipOpinion(record: VserverRecord): VipOpinion {
  const probes = record.probes.filter(
    (probe) => probe.vantage === "vip" && probe.planned.action.unsupportedReason === null,
  );
  return record.kind === "cs" ? anyTarget(probes) : throughOne(probes);
}

/** A content-switching vserver answers when it does for any of its targets; each target's own vserver tells of the rest. */
function anyTarget(probes: readonly ProbeRecord[]): VipOpinion {
  const targets = [...new Set(probes.map((probe) => probe.vserver))].map((target) =>
    throughOne(probes.filter((probe) => probe.vserver === target)),
  );
  for (const opinion of ["up", "protected", "down", "unknown"] as const) {
    const decider = targets.find((target) => target.opinion === opinion);
    if (decider !== undefined) {
      return decider;
    }
  }
  return { opinion: "none", reason: null };
}

function throughOne(probes: readonly ProbeRecord[]): VipOpinion {
  const looks = probes.filter((probe) => probe.kind === "transaction");
  const stopped = looks.filter(
    (probe) => probe.current !== null && PROTECTED_REASONS.has(probe.current.reason),
  );
  // A login climbs higher than an anonymous look, which is always stopped at the first rung.
  const guarded = stopped.find(isLogin) ?? stopped[0];
  if (guarded?.current && !looks.some((probe) => answersDespiteGuard(probe))) {
    return { opinion: "protected", reason: guarded.current.reason };
  }
  const combined = combineTransactions(
    looks.map((probe) => ({
      id: probe.id,
      rank: probe.rank,
      opinion: probe.opinion,
    })),
  );
  if (combined.opinion === "up" || combined.opinion === "down") {
    return { opinion: combined.opinion, reason: reasonOf(probes, combined.decidedBy) };
  }
  const monitors = probes.filter((probe) => probe.kind === "monitor");
  for (const opinion of ["up", "down", "unknown"] as const) {
    const decider = monitors.find((probe) => probe.opinion === opinion);
    if (decider !== undefined) {
      return { opinion, reason: decider.last?.reason ?? null };
    }
  }
  return { opinion: combined.opinion, reason: null };
}

/** A login that passes AAA proves the service behind it. */
function answersDespiteGuard(probe: ProbeRecord): boolean {
  return isLogin(probe) && probe.opinion === "up";
}

function isLogin(probe: ProbeRecord): boolean {
  return probe.rank === "login";
}

function reasonOf(probes: readonly ProbeRecord[], id: string | null): Reason | null {
  return probes.find((probe) => probe.id === id)?.last?.reason ?? null;
}
