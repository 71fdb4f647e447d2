import { memberKey, type MemberState } from "../../model/adc-state.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { NitroClient, NitroFailure, NitroStop } from "./client.ts";
import { count, text, type Row } from "./row-values.ts";

/** At most so many requests for connection counts in one poll; the rest is asked for in the next ones. */
const MAX_STATISTICS_REQUESTS = 50;

/**
 * Fills in the clients' connections of the members of the chosen services, one request each. `turn` counts polls, so that
 * more services than fit into one poll take turns; those left out keep what they had. Trouble here is only trouble when the
 * appliance answers nothing at all any more.
 */
export async function addConnections(
  client: NitroClient,
  members: Map<string, MemberState>,
  previous: ReadonlyMap<string, MemberState>,
  chosen: readonly AdcService[],
  turn: number,
): Promise<NitroFailure | NitroStop | null> {
  const first = (turn * MAX_STATISTICS_REQUESTS) % Math.max(chosen.length, 1);
  const ordered = [...chosen.slice(first), ...chosen.slice(0, first)];
  const asked = new Set(ordered.slice(0, MAX_STATISTICS_REQUESTS));
  for (const service of chosen) {
    if (!asked.has(service)) {
      keepConnections(service, members, previous);
      continue;
    }
    const answer = await client.get(
      service.kind === "service"
        ? { kind: "stat", resource: "service", name: service.name }
        : {
            kind: "stat",
            resource: "servicegroup",
            name: service.name,
            query: { statbindings: "yes" },
          },
    );
    if (answer.kind === "failed" || answer.kind === "stopped") {
      return answer;
    }
    const row = answer.kind === "rows" ? answer.rows[0] : undefined;
    if (row !== undefined) {
      applyRow(service, row, members);
    }
  }
  return null;
}

function applyRow(service: AdcService, row: Row, members: Map<string, MemberState>): void {
  const nested: unknown = row["servicegroupmember"];
  const rows: readonly unknown[] = Array.isArray(nested) ? nested : [nested];
  const byEntity = new Map(
    rows.filter(isRow).map((memberRow) => [text(memberRow, "servicegroupname"), memberRow]),
  );
  for (const member of service.members) {
    const wirePort = member.port === "*" ? "65535" : String(member.port);
    const told =
      service.kind === "service"
        ? row
        : (byEntity.get(`${service.name}?${member.server}?${wirePort}`) ??
          byEntity.get(`${service.name}?${member.address ?? ""}?${wirePort}`));
    const key = memberKey(member.adcService, member.server, member.port);
    const state = members.get(key);
    if (state !== undefined && told !== undefined) {
      members.set(key, { ...state, connections: clientConnections(told) });
    }
  }
}

function keepConnections(
  service: AdcService,
  members: Map<string, MemberState>,
  previous: ReadonlyMap<string, MemberState>,
): void {
  for (const member of service.members) {
    const key = memberKey(member.adcService, member.server, member.port);
    const state = members.get(key);
    const before = previous.get(key)?.connections ?? null;
    if (state !== undefined && before !== null) {
      members.set(key, { ...state, connections: before });
    }
  }
}

/** Clients served by the member; the connections towards it where firmware tells only those. */
function clientConnections(row: Row): number | null {
  return (
    count(row, "curclntconnections") ??
    count(row, "svrestablishedconn") ??
    count(row, "cursrvrconnections")
  );
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
