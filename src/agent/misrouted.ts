import type { ProbeRecord } from "./records/probe-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";
import type { MemberRecord } from "./records/member-record.ts";

/** An answer through a content-switching policy by a server that is none of its target's. */
export interface Misrouted {
  /** What was asked for; null where the probe asks for no path. */
  readonly path: string | null;
  readonly server: string;
}

/**
 * Whether a server of the estate answered in place of the target's members. One machine may be several servers of the ADC's:
 * those of one address are one. A backup vserver may answer rightly; whom its members serve is not told here.
 */
export function isMisrouted(
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
