import type { Port } from "../estate/adc-service.ts";
import { CHALLENGE_PATH } from "../probes/transactions/web-paths.ts";
import { groupBy } from "./records/group-by.ts";
import type { MemberRecord } from "./records/member-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";

/** What one member's challenge offered when it was asked for a path. */
export interface OfferedSchemes {
  readonly adcService: string;
  readonly server: string;
  readonly port: Port;
  readonly path: string;
  /** As an observation holds them: in one order, whatever the server's was. */
  readonly schemes: string;
}

/** A member that offers other login schemes than all others of its group, which agree. */
export interface OddSchemes {
  readonly server: string;
  readonly port: Port;
  readonly path: string;
  readonly offers: string;
  readonly others: string;
}

/**
 * The odd ones out among members of one group that were asked for the same URL: of two that differ each is the other's.
 * Null where nothing can be compared: fewer than two told, or they follow no common rule that one of them could break.
 */
export function oddSchemes(offered: readonly OfferedSchemes[]): readonly OddSchemes[] | null {
  const alike = groupBy(offered, ({ adcService, port, path }) => `${adcService}\n${port}${path}`);
  const judged = [...alike.values()].flatMap((members) => {
    const odd = oddAmong(members);
    return odd === null ? [] : [odd];
  });
  return judged.length === 0 ? null : judged.flat();
}

function oddAmong(members: readonly OfferedSchemes[]): readonly OddSchemes[] | null {
  const [first, second, third] = [...groupBy(members, ({ schemes }) => schemes).values()];
  if (members.length < 2 || first === undefined || third !== undefined) {
    return null;
  }
  if (second === undefined) {
    return [];
  }
  const odd = [oddOne(first, second), oddOne(second, first)].flatMap((one) => one ?? []);
  return odd.length === 0 ? null : odd;
}

function oddOne(
  some: readonly OfferedSchemes[],
  others: readonly OfferedSchemes[],
): OddSchemes | null {
  const [member, ...more] = some;
  const [other] = others;
  if (member === undefined || other === undefined || more.length > 0) {
    return null;
  }
  const { server, port, path, schemes } = member;
  return { server, port, path, offers: schemes, others: other.schemes };
}

/** As {@link oddSchemes}, of a vserver's members; what content switching leads to is judged target by target. */
export function oddSchemesBehind(record: VserverRecord): readonly OddSchemes[] | null {
  return record.kind === "cs" ? null : oddSchemes(record.memberRecords.flatMap(offeredBy));
}

/** By the looks: a login's own answers depend on the account. */
function offeredBy({ adcService, server, port, probes }: MemberRecord): readonly OfferedSchemes[] {
  return probes.flatMap(({ planned: { action }, current }) => {
    if (current?.authSchemes === undefined || action.kind === "monitor" || action.run === null) {
      return [];
    }
    const path = action.run.spec.path ?? CHALLENGE_PATH;
    return [{ adcService, server, port, path, schemes: current.authSchemes }];
  });
}
