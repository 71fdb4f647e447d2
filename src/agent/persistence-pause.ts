import type { VserverRecord } from "./records/vserver-record.ts";

/** Persistence that follows the client's address: one agent address sticks to one server, and each probe keeps the entry alive. */
const SOURCE_BOUND: ReadonlySet<string> = new Set([
  "SOURCEIP",
  "SRCIPDESTIP",
  "SSLSESSION",
  "CALLID",
]);

/**
 * Whether probes through a VIP should pause: a member has just started to leave, and our own persistence entry would go
 * on sending us there (NetScaler docs: persistence outlives a graceful disable). After the persistence time-out without
 * a probe the next answer is a new client's.
 */
export function pausesForPersistence(vserver: VserverRecord, now: number): boolean {
  const { config } = vserver;
  if (config.kind !== "lb" || !SOURCE_BOUND.has(config.persistence.type)) {
    return false;
  }
  return vserver.memberRecords.some(
    (member) => member.outSince !== null && now - member.outSince < config.persistence.timeoutMs,
  );
}
