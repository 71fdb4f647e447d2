import type { Observation, Vantage } from "../../model/observation.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";
import { type VserverRecord, UNRECOGNISED } from "./vserver-record.ts";

/** Counts an answer through the VIP for its server, and separately if the server is drained. */
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
    // Servers of other sites answer at public addresses too.
    return;
  }
  const name = server ?? UNRECOGNISED;
  record.servedBy.set(name, (record.servedBy.get(name) ?? 0) + 1);
  const members = record.memberRecords.filter((each) => each.server === server);
  if (members.length > 0) {
    // A server with several ports may have answered at one that is in service.
    countDrained(record, name, members.every(isDrained) ? drainedBecause(members) : null);
  }
}

/** Forgets the answers of servers that are in service again. */
export function forgetReturned(record: VserverRecord): void {
  record.forgetDrainedServers((server) =>
    drainedBecause(record.memberRecords.filter((member) => member.server === server)),
  );
}

/**
 * An answer by a drained member is confirmed by another one on a later fresh connection, even if other members answered in
 * between: the ADC rotates members. It is forgotten after two rounds of all members without one.
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

/** Why a server with these members should not answer; null: none is drained. */
function drainedBecause(members: readonly MemberRecord[]): "out" | "in_maintenance" | null {
  const drained = members.filter(isDrained);
  if (drained.length === 0) {
    return null;
  }
  return drained.some(({ outSince }) => outSince === null) ? "in_maintenance" : "out";
}

/** The ADC has it out of service, or still routes to it while it is in maintenance. */
function isDrained(member: MemberRecord): boolean {
  return member.outSince !== null || member.verdict === "routes_to_maintenance";
}

/**
 * Whether a server of the estate answered that is no member of the target. Servers with the same address are one machine. Where
 * there is a backup vserver, its members may answer: nothing is claimed.
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
/** Keeps the last answer of each probe if it was misrouted. */
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
