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

/** Whether an entry still tells what holds: a reader would see no difference. */
export function memberStillHolds(entry: TimelineEntry, member: LiveMember): boolean {
  return (
    entry.verdict === member.verdict &&
    entry.adc === member.adcOpinion &&
    entry.replica === member.replica &&
    entry.service === member.service &&
    entry.reason === member.reason
  );
}

export function vserverStillHolds(entry: TimelineEntry, vserver: LiveVserver): boolean {
  return (
    entry.verdict === vserver.verdict &&
    entry.adc === vserver.adcOpinion &&
    entry.service === vserver.vip &&
    entry.reason === vserver.reason
  );
}
