import type { LiveMember, LiveVserver } from "../../agent/live.ts";
import type { Reason, Step } from "../../probes/reason.ts";
import type {
  AdcOpinion,
  ReplicaOpinion,
  ServiceOpinion,
  Verdict,
} from "../../verdict/verdicts.ts";

/** What was said from one moment on, until the next entry. */
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
  };
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
  };
}

/** Whether a reader would see a difference: the reason matters only where the verdict is not good news. */
export function sameEntry(one: TimelineEntry, other: TimelineEntry): boolean {
  return (
    one.verdict === other.verdict &&
    one.adc === other.adc &&
    one.replica === other.replica &&
    one.service === other.service &&
    one.reason === other.reason
  );
}
