import type { Declared } from "../../maintenance/declared.ts";
import type { EstateRecords } from "./build-records.ts";
import { groupBy } from "./group-by.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";
import { ServerRecord } from "./server-record.ts";
import type { VserverRecord } from "./vserver-record.ts";

/** The records of all ADCs together, and the ways in which they are looked for. Made anew with each import. */
export interface RecordIndex {
  readonly members: readonly MemberRecord[];
  readonly vservers: readonly VserverRecord[];
  readonly servers: readonly ServerRecord[];
  readonly probes: readonly ProbeRecord[];
  readonly probeById: ReadonlyMap<string, ProbeRecord>;
  /** Members by their server's name: the windows of two ADCs' members of one name are the same. */
  readonly namesakes: ReadonlyMap<string, readonly MemberRecord[]>;
}

/** `declaredOf` tells the window over a member, now. */
export function indexRecords(
  estates: readonly EstateRecords[],
  declaredOf: (member: MemberRecord) => Declared,
): RecordIndex {
  const members = estates.flatMap((each) => each.members);
  const probes = estates.flatMap((each) => each.probes);
  const byServer = groupBy(members, ({ adc, server }) => `${adc}\u0000${server}`);
  return {
    members,
    vservers: estates.flatMap((each) => each.vservers),
    servers: [...byServer.values()].map((own) => new ServerRecord(own, declaredOf)),
    probes,
    probeById: new Map(probes.map((probe) => [probe.id, probe])),
    namesakes: groupBy(members, ({ server }) => server),
  };
}
