import type { LiveMember, LiveVserver } from "./live.ts";
import type { Port } from "./adc-service.ts";
import type { Reason, Step } from "./reasons.ts";
import type { AdcOpinion, ReplicaOpinion, ServiceOpinion, Verdict } from "./verdicts.ts";

/** Verdict and opinions from `at` until the next entry. */
export interface TimelineEntry {
  readonly at: number;
  readonly adc: AdcOpinion;
  /** Of a vserver: null. */
  readonly replica: ReplicaOpinion | null;
  /** Of a vserver: what answers at the VIP. */
  readonly service: ServiceOpinion | "protected";
  readonly verdict: Verdict;
  readonly step: Step | null;
  readonly reason: Reason | null;
  /** The monitor or transaction that decided; of a vserver: null. */
  readonly decidedBy: string | null;
  /** Whether responses show maintenance; of a vserver: null. */
  readonly detected: boolean | null;
  /** Members that work; of a member: null. */
  readonly working: number | null;
  /** Whether clients are still connected to a member that gets no new ones; null: it gets new ones, or the ADC does not report it. */
  readonly clientsLeft: boolean | null;
}

/** The member or vserver of a timeline. */
export type TimelineOwner =
  | {
      readonly kind: "member";
      readonly adc: string;
      readonly adcService: string;
      readonly server: string;
      readonly port: Port;
      /** Vservers it serves. */
      readonly vservers: readonly string[];
    }
  | {
      readonly kind: "vserver";
      readonly adc: string;
      readonly vserver: string;
      readonly vserverKind: LiveVserver["kind"];
    };

export function memberOwner(member: LiveMember): TimelineOwner {
  const { adc, adcService, server, port, vservers } = member;
  return { kind: "member", adc, adcService, server, port, vservers };
}

export function vserverOwner({ adc, vserver, kind }: LiveVserver): TimelineOwner {
  return { kind: "vserver", adc, vserver, vserverKind: kind };
}

/** Identifies an owner across restarts, whichever vservers a member serves. */
export function ownerKey(owner: TimelineOwner): string {
  return owner.kind === "member"
    ? `m\u0000${owner.adc}\u0000${owner.adcService}\u0000${owner.server}\u0000${String(owner.port)}`
    : `v\u0000${owner.adc}\u0000${owner.vserverKind}\u0000${owner.vserver}`;
}

export function memberEntry(member: LiveMember, at: number): TimelineEntry {
  return {
    at,
    adc: member.adcOpinion,
    replica: member.replica,
    service: member.service,
    verdict: member.verdict,
    step: member.step,
    reason: member.reason,
    decidedBy: member.decidedBy,
    detected: member.maintenance.detected,
    working: null,
    clientsLeft: clientsLeft(member),
  };
}

function clientsLeft({ adcOpinion, connections }: LiveMember): boolean | null {
  const getsNewOnes = adcOpinion === "up" || adcOpinion === "unknown";
  return getsNewOnes || connections === null ? null : connections > 0;
}

export function vserverEntry(vserver: LiveVserver, at: number): TimelineEntry {
  return {
    at,
    adc: vserver.adcOpinion,
    replica: null,
    service: vserver.vip,
    verdict: vserver.verdict,
    step: null,
    reason: vserver.reason,
    decidedBy: null,
    detected: null,
    working: vserver.members.reallyUp,
    clientsLeft: null,
  };
}

/** Unknown from `at` on, because the agent did not run. */
export function unwatchedEntry(at: number, before: TimelineEntry): TimelineEntry {
  const isMember = before.replica !== null;
  return {
    at,
    adc: "unknown",
    replica: isMember ? "unknown" : null,
    service: "unknown",
    verdict: "unknown",
    step: null,
    reason: null,
    decidedBy: null,
    detected: isMember ? false : null,
    working: isMember ? null : 0,
    clientsLeft: null,
  };
}

/** Whether a new entry would show no difference. */
export function memberStillHolds(entry: TimelineEntry, member: LiveMember): boolean {
  return (
    entry.verdict === member.verdict &&
    entry.adc === member.adcOpinion &&
    entry.replica === member.replica &&
    entry.service === member.service &&
    entry.reason === member.reason &&
    entry.detected === member.maintenance.detected &&
    entry.clientsLeft === clientsLeft(member)
  );
}

export function vserverStillHolds(entry: TimelineEntry, vserver: LiveVserver): boolean {
  return (
    entry.verdict === vserver.verdict &&
    entry.adc === vserver.adcOpinion &&
    entry.service === vserver.vip &&
    entry.reason === vserver.reason &&
    entry.working === vserver.members.reallyUp
  );
}
