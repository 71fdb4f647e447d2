import type { MemberRecord } from "./records/member-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";

/** Persistence that follows the client's address: one agent address sticks to one server, and each probe keeps the entry alive. */
const SOURCE_BOUND: ReadonlySet<string> = new Set([
  "SOURCEIP",
  "SRCIPDESTIP",
  "SSLSESSION",
  "CALLID",
]);

/** Whether probes through a VIP may be judged now, when clients stick to servers. */
export type PersistencePause =
  | { readonly kind: "none" }
  /** From these addresses of ours the ADC would still go to a member that leaves; from others not. */
  | { readonly kind: "avoid"; readonly addresses: ReadonlySet<string> }
  | { readonly kind: "pause" };

const NONE: PersistencePause = { kind: "none" };
const PAUSE: PersistencePause = { kind: "pause" };

/**
 * A member has just started to leave, and our own persistence entry would go on sending us there (NetScaler docs:
 * persistence outlives a graceful disable). After the persistence time-out without a probe the next answer is a new
 * client's; sooner where the ADC tells that our entry leads elsewhere, or is gone. That it has none counts only for an
 * address it has shown before: an address translation on the way hides us from it. `pollMs`: until the poll told, probes
 * went on and kept the entry alive, and longer where polls failed or the ADC was slow.
 */
export function persistencePause(
  vserver: VserverRecord,
  now: number,
  pollMs: number,
): PersistencePause {
  const { config, ownEntries } = vserver;
  if (config.kind !== "lb" || !isSourceBound(vserver)) {
    return NONE;
  }
  const { timeoutMs } = config.persistence;
  const leaving = vserver.memberRecords.filter(
    ({ outSince, outToldAt }) =>
      outSince !== null && now - Math.max(outSince + pollMs, outToldAt ?? outSince) < timeoutMs,
  );
  if (leaving.length === 0) {
    return NONE;
  }
  if (ownEntries === null || ownEntries.asked.length === 0) {
    return PAUSE;
  }
  const held = new Set(ownEntries.asked.filter((source) => leadsAway(vserver, source)));
  return held.size === 0
    ? NONE
    : held.size < ownEntries.asked.length
      ? { kind: "avoid", addresses: held }
      : PAUSE;
}

export function isSourceBound({ config }: VserverRecord): boolean {
  return config.kind === "lb" && SOURCE_BOUND.has(config.persistence.type);
}

/** The members that the ADC gives this address of ours to; null for a member that is not known here. */
export function boundTo(vserver: VserverRecord, source: string): (MemberRecord | null)[] {
  return (vserver.ownEntries?.entries ?? [])
    .filter((entry) => entry.source === source)
    .map(
      ({ address, port }) =>
        vserver.memberRecords.find(
          (member) => member.address === address && member.port === port,
        ) ?? null,
    );
}

/** Whether a probe from there may go where no new client does. */
function leadsAway(vserver: VserverRecord, source: string): boolean {
  const bound = boundTo(vserver, source);
  return bound.length === 0
    ? !vserver.shownSources.has(source)
    : bound.some((member) => member === null || member.outSince !== null);
}
