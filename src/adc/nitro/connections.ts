import { memberKey, type MemberState, type NitroGap } from "../../model/adc-state.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { NitroAnswer, NitroClient, NitroFailure, NitroStop } from "./client.ts";
import { gapOf } from "./gaps.ts";
import { isAnswer } from "./judge.ts";
import { count, text, type Row } from "./row-values.ts";

/** Maximum requests for connection counts in one poll; the rest follow in the next polls. */
const MAX_STATISTICS_REQUESTS = 50;

/**
 * Adds the client connections of the members of the chosen services, one request each. If there are more services than fit
 * into one poll, they take turns by `turn`, the number of the poll; the others keep their last counts. A refused request is a
 * gap. `end`: the appliance no longer answers.
 */
export async function addConnections(
  client: NitroClient,
  members: Map<string, MemberState>,
  previous: ReadonlyMap<string, MemberState>,
  chosen: readonly AdcService[],
  turn: number,
): Promise<{ readonly end: NitroFailure | NitroStop | null; readonly gaps: readonly NitroGap[] }> {
  const gaps = new Map<string, NitroGap>();
  const { denied } = client.limits;
  const first = (turn * MAX_STATISTICS_REQUESTS) % Math.max(chosen.length, 1);
  const ordered = [...chosen.slice(first), ...chosen.slice(0, first)];
  const asked = new Set(ordered.slice(0, MAX_STATISTICS_REQUESTS));
  for (const service of chosen) {
    const resource = service.kind === "service" ? "service" : "servicegroup";
    const key = `stat/${resource}`;
    const known = denied.get(key);
    if (known !== undefined) {
      gaps.set(key, gapOf(client.node, key, known));
    }
    if (!asked.has(service) || gaps.has(key)) {
      keepConnections(service, members, previous);
      continue;
    }
    const query = resource === "service" ? {} : { query: { statbindings: "yes" } };
    const answer = await client.get({ kind: "stat", resource, name: service.name, ...query });
    if (answer.kind === "stopped" || (answer.kind === "failed" && !isAnswer(answer.code))) {
      return { end: answer, gaps: [] };
    }
    if (answer.kind === "refused" && answer.action === "permission") {
      denied.set(key, answer);
    }
    const [row] = answer.kind === "rows" ? answer.rows : [];
    if (row !== undefined) {
      applyRow(service, row, members);
    } else if (answer.kind !== "rows" && !isGone(answer)) {
      gaps.set(key, gapOf(client.node, key, answer));
    }
  }
  return { end: null, gaps: [...gaps.values()] };
}

/** It no longer exists: the next import will show that. */
function isGone(answer: NitroAnswer): boolean {
  return answer.kind === "refused" && (answer.action === "empty" || answer.action === "stale");
}

function applyRow(service: AdcService, row: Row, members: Map<string, MemberState>): void {
  const nested: unknown = row["servicegroupmember"];
  const rows: readonly unknown[] = Array.isArray(nested) ? nested : [nested];
  const byEntity = new Map(
    rows.filter(isRow).map((memberRow) => [text(memberRow, "servicegroupname"), memberRow]),
  );
  for (const member of service.members) {
    const wirePort = member.port === "*" ? "65535" : String(member.port);
    const reported =
      service.kind === "service"
        ? row
        : (byEntity.get(`${service.name}?${member.server}?${wirePort}`) ??
          byEntity.get(`${service.name}?${member.address ?? ""}?${wirePort}`));
    const key = memberKey(member.adcService, member.server, member.port);
    const state = members.get(key);
    if (state !== undefined && reported !== undefined) {
      members.set(key, { ...state, connections: clientConnections(reported) });
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

/** Clients served by the member; on firmware that does not report them, connections to it. */
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
