import type { Observation, Vantage } from "../../model/observation.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";
import { type VserverRecord, UNRECOGNISED } from "./vserver-record.ts";

/** Counts who answered through the VIP, and whether that server should have been asked at all. */
export function countServedBy(
  record: VserverRecord,
  observation: Observation,
  server: string | null,
  vantage: Vantage = "vip",
): void {
  if (observation.servedBy === null) {
    return;
  }
  if (vantage === "public" && server === null) {
    // Another site's servers are no strangers at this VIP.
    return;
  }
  const name = server ?? UNRECOGNISED;
  record.servedBy.set(name, (record.servedBy.get(name) ?? 0) + 1);
  const members = record.memberRecords.filter((each) => each.server === server);
  if (members.length > 0) {
    // A server with several ports here may have answered at one that is in service.
    countDrained(record, name, members.every(isDrained) ? drainedBecause(members) : null);
  }
}

/** Forgets what servers answered that are in service again. */
export function forgetReturned(record: VserverRecord): void {
  record.forgetDrainedServers((server) =>
    drainedBecause(record.memberRecords.filter((member) => member.server === server)),
  );
}

/**
 * An answer by a drained member is confirmed by another one on a later fresh connection, also when its brothers answered
 * in between: the ADC takes turns. Only when all had their turn twice without it is the claim dropped.
 */
function countDrained(
  record: VserverRecord,
  server: string,
  because: ReturnType<typeof drainedBecause>,
): void {
  if (because !== null) {
    record.recordDrained(server, because);
    return;
  }
  record.answersSinceDrained++;
  if (record.answersSinceDrained > 2 * record.memberRecords.length) {
    record.forgetDrained();
  }
}

/** Why a server of these members should not answer, where any of them is drained. */
function drainedBecause(members: readonly MemberRecord[]): "out" | "in_maintenance" | null {
  const drained = members.filter(isDrained);
  if (drained.length === 0) {
    return null;
  }
  return drained.some(({ outSince }) => outSince === null) ? "in_maintenance" : "out";
}

/** Out of the ADC's rotation by its own account, or in maintenance while the ADC still routes to it. */
function isDrained(member: MemberRecord): boolean {
  return member.outSince !== null || member.verdict === "routes_to_maintenance";
}

/**
 * Whether a server of the estate answered in place of the target's members. One machine may be several servers of the ADC's:
 * those of one address are one. A backup vserver may answer rightly; which clients its members serve is not decided here.
 */
function isMisrouted(
  record: VserverRecord,
  probe: ProbeRecord,
  server: string | null,
  everybody: readonly MemberRecord[],
): boolean {
  const switched = probe.vantage === "vip" && probe.planned.vservers.length > 1;
  if (!switched || server === null || record.config.backupVserver !== null) {
    return false;
  }
  const addresses = new Set(
    everybody.flatMap((each) => (each.server === server ? (each.address ?? []) : [])),
  );
  return !record.memberRecords.some(
    (each) => each.server === server || (each.address !== null && addresses.has(each.address)),
  );
}
/** Books the last answer of each probe: what reached the right group again is forgotten. */
export function bookRoute(
  record: VserverRecord,
  probe: ProbeRecord,
  server: string | null,
  everybody: readonly MemberRecord[],
): void {
  if (server !== null && isMisrouted(record, probe, server, everybody)) {
    const { action } = probe.planned;
    const path = action.kind === "transaction" ? (action.run?.spec.path ?? null) : null;
    record.misroutedBy.set(probe.id, { path, server });
  } else {
    record.misroutedBy.delete(probe.id);
  }
}
