import { isIPv6 } from "../../lib/ip.ts";
import {
  type MemberState,
  type PersistenceEntries,
  type PersistenceEntry,
  memberKey,
} from "../../model/adc-state.ts";
import type { Estate } from "../../model/estate.ts";
import type { LbVserver } from "../../model/vserver.ts";
import type { NitroClient } from "./client.ts";
import type { Missing } from "./gaps.ts";
import { address, number, port, type Row } from "./row-values.ts";

/** Maximum requests for persistence entries in one poll; the remaining vservers wait for the next. */
export const MAX_PERSISTENCE_REQUESTS = 20;
/** Maximum rows of one answer: if an appliance does not filter, its table is not read whole. */
const PAGE_SIZE = 100;
/** `-timeout` ends at 1440 minutes. */
const MAX_TIMEOUT_S = 86_400;
const RESOURCE = "lbpersistentsessions";

/** Persistence whose entries NITRO lists by the client's address. */
const BY_ADDRESS: ReadonlySet<string> = new Set(["SOURCEIP", "SRCIPDESTIP"]);

export interface PersistenceRead {
  readonly persistence: ReadonlyMap<string, PersistenceEntries>;
  /** Why entries that matter are missing; null when none are. */
  readonly missing: Missing | null;
}

/**
 * Our own entries in the persistence tables of vservers with persistence by address and a member that is leaving or has just
 * left. Requested last in a poll, so that a failure affects nothing else; missing entries are absent.
 */
export async function readPersistence(
  client: NitroClient,
  estate: Estate,
  members: ReadonlyMap<string, MemberState>,
  sources: readonly string[],
  turn: number,
): Promise<PersistenceRead> {
  const persistence = new Map<string, PersistenceEntries>();
  const { denied } = client.limits;
  const wanted = [...estate.lbVservers.values()].filter((one) => matters(one, estate, members));
  const perPoll = Math.max(1, Math.floor(MAX_PERSISTENCE_REQUESTS / Math.max(sources.length, 1)));
  const first = (turn * perPoll) % Math.max(wanted.length, 1);
  const ordered = [...wanted.slice(first), ...wanted.slice(0, first)].slice(0, perPoll);
  for (const { name } of sources.length === 0 || denied.has(RESOURCE) ? [] : ordered) {
    const entries: PersistenceEntry[] = [];
    let isWhole = true;
    for (const source of sources) {
      const answer = await client.get({
        kind: "config",
        resource: RESOURCE,
        query: {
          args: `vserver:${name}`,
          filter: `${isIPv6(source) ? "srcipv6" : "srcip"}:${source}`,
          pagesize: String(PAGE_SIZE),
          pageno: "1",
        },
      });
      if (answer.kind === "refused" && answer.action === "permission") {
        const { code, message, words } = answer;
        denied.set(RESOURCE, { code, message, words });
      }
      const empty = answer.kind === "refused" && answer.action === "empty";
      if (answer.kind !== "rows" && !empty) {
        return { persistence, missing: answer };
      }
      const rows = answer.kind === "rows" ? answer.rows : [];
      const own = rows.map(entryOf).filter((entry) => entry.source === source);
      for (const entry of own) {
        entries.push(entry);
      }
      // A full page without our entries is only the beginning of the table: ours may be further on.
      isWhole &&= own.length > 0 || rows.length < PAGE_SIZE;
    }
    if (isWhole) {
      persistence.set(name, { asked: sources, entries });
    }
  }
  return { persistence, missing: denied.get(RESOURCE) ?? null };
}

/** Nobody needs an entry that must have timed out since the member left. */
function matters(
  { persistence, services }: LbVserver,
  estate: Estate,
  members: ReadonlyMap<string, MemberState>,
): boolean {
  return (
    BY_ADDRESS.has(persistence.type) &&
    services
      .flatMap(({ service }) => estate.services.get(service)?.members ?? [])
      .some((member) => {
        const state = members.get(memberKey(member.adcService, member.server, member.port));
        const out = state?.state === "out" || /^leaving/.test(state?.state ?? "");
        return out && (state?.sinceMs ?? 0) < 2 * persistence.timeoutMs;
      })
  );
}

/** NetScaler docs: an IPv6 entry has its addresses in fields of their own, and 0.0.0.0 in the others. */
function entryOf(row: Row): PersistenceEntry {
  const seconds = number(row, "timeout", 0, MAX_TIMEOUT_S);
  return {
    source: address(row, "srcip") ?? address(row, "srcipv6"),
    address: address(row, "destip") ?? address(row, "destipv6"),
    port: port(row, "destport"),
    expiresInMs: seconds === null ? null : seconds * 1000,
  };
}
