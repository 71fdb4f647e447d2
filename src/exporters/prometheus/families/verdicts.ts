import type { Steps } from "../../../lib/steps.ts";
import type { LiveMember } from "../../../model/live.ts";
import {
  bit,
  closedStates,
  each,
  seconds,
  stateSetFamily,
  valueFamily,
  type Scope,
} from "./scope.ts";
import { depthRank } from "../../../model/observation.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../../model/verdicts.ts";
import { labelSuffix } from "../text-format.ts";

const MAINTENANCE = closedStates("source", ["declared", "adc", "detected"]);

function maintenanceBits(declared: boolean, adc: boolean, detected: boolean): number {
  return (
    (declared ? MAINTENANCE.bitOf("declared") : 0) |
    (adc ? MAINTENANCE.bitOf("adc") : 0) |
    (detected ? MAINTENANCE.bitOf("detected") : 0)
  );
}

/** Maintenance of servers and members. */
export function* maintenanceFamilies(scope: Scope): Steps<void> {
  const { servers } = scope;
  yield* stateSetFamily(
    scope,
    "adc_witness_maintenance",
    MAINTENANCE,
    servers,
    ({ maintenance: { declared, adc, detected } }) => maintenanceBits(declared, adc, detected),
  );
  yield* valueFamily(
    scope,
    "adc_witness_member_away_since_timestamp_seconds",
    scope.members,
    (member) => seconds(member.awaySince ?? null),
  );
  yield* valueFamily(scope, "adc_witness_maintenance_end_timestamp_seconds", servers, (server) =>
    seconds(server.maintenanceEnd),
  );
  yield* stateSetFamily(
    scope,
    "adc_witness_member_maintenance",
    MAINTENANCE,
    scope.members,
    ({ maintenance: { declared, adc, detected } }) =>
      maintenanceBits(declared === "open", adc, detected),
  );
  yield* valueFamily(scope, "adc_witness_ready_to_return", scope.members, (member) =>
    member.readyToReturn || member.maintenance.declared !== "no" ? bit(member.readyToReturn) : null,
  );
}

const MEMBER_VERDICT = closedStates("verdict", MEMBER_VERDICTS);
const VSERVER_VERDICT = closedStates("verdict", VSERVER_VERDICTS);

/** The three opinions and the verdicts on members and vservers. */
export function* verdictFamilies(scope: Scope): Steps<void> {
  const { members, memberships, vservers, writer } = scope;
  writer.family("adc_witness_vserver_member_info");
  yield* each(memberships, (labels) => {
    writer.sample(labels, 1);
  });
  writer.family("adc_witness_opinion");
  yield* each(members, ({ entity, labels }) => {
    for (const { text, valueOf } of OPINIONS) {
      const value = valueOf(entity);
      if (value !== null) {
        writer.sample(labels + text, value);
      }
    }
  });
  writer.family("adc_witness_member_depth");
  yield* each(members, ({ entity: { depth }, labels }) => {
    for (const { opinion, text } of OPINIONS) {
      const seen = depth?.[opinion] ?? null;
      if (seen !== null) {
        writer.sample(labels + text, depthRank(seen));
      }
    }
  });
  writer.family("adc_witness_state_changes_total");
  yield* each(members, ({ entity: { stateChanges }, labels }) => {
    if (stateChanges !== undefined) {
      for (const { opinion, ofText } of OPINIONS) {
        writer.sample(labels + ofText, stateChanges[opinion]);
      }
    }
  });
  yield* valueFamily(scope, "adc_witness_adc_flapping", members, ({ flapping }) =>
    bit((flapping ?? null) !== null),
  );
  yield* stateSetFamily(scope, "adc_witness_verdict", MEMBER_VERDICT, members, ({ verdict }) =>
    MEMBER_VERDICT.bitOf(verdict),
  );
  yield* valueFamily(scope, "adc_witness_mismatch", members, (member) => bit(member.mismatch));
  yield* valueFamily(
    scope,
    "adc_witness_mismatch_seconds_total",
    members,
    (member) => member.mismatchSeconds,
  );
  yield* valueFamily(scope, "adc_witness_verdict_since_timestamp_seconds", members, (member) =>
    seconds(member.since),
  );
  yield* stateSetFamily(
    scope,
    "adc_witness_vserver_verdict",
    VSERVER_VERDICT,
    vservers,
    ({ verdict }) => VSERVER_VERDICT.bitOf(verdict),
  );
  yield* valueFamily(scope, "adc_witness_vserver_mismatch", vservers, (vserver) =>
    bit(vserver.mismatch),
  );
  yield* valueFamily(
    scope,
    "adc_witness_vserver_mismatch_seconds_total",
    vservers,
    (vserver) => vserver.mismatchSeconds,
  );
  yield* valueFamily(
    scope,
    "adc_witness_vserver_verdict_since_timestamp_seconds",
    vservers,
    (vserver) => seconds(vserver.since),
  );
  writer.family("adc_witness_vserver_members");
  yield* each(vservers, ({ entity, labels }) => {
    for (const { text, count } of MEMBER_COUNTS) {
      writer.sample(labels + text, entity.members[count]);
    }
  });
}

const MEMBER_COUNTS = (
  [
    ["configured", "configured"],
    ["adc_up", "adcUp"],
    ["really_up", "reallyUp"],
    ["really_down", "reallyDown"],
    ["maintenance", "maintenance"],
  ] as const
).map(([of, count]) => ({ text: labelSuffix("of", of), count }));

/** Labels and value of each opinion; null if there is none. */
const OPINIONS: readonly {
  readonly opinion: "adc" | "replica" | "service";
  readonly text: string;
  readonly ofText: string;
  readonly valueOf: (member: LiveMember) => number | null;
}[] = [
  {
    ...opinionLabels("adc"),
    valueOf: ({ adcOpinion }) => (adcOpinion === "unknown" ? null : bit(adcOpinion === "up")),
  },
  { ...opinionLabels("replica"), valueOf: ({ replica }) => upOrDown(replica) },
  { ...opinionLabels("service"), valueOf: ({ service }) => upOrDown(service) },
];

function opinionLabels<Opinion extends string>(
  opinion: Opinion,
): { readonly opinion: Opinion; readonly text: string; readonly ofText: string } {
  return { opinion, text: labelSuffix("opinion", opinion), ofText: labelSuffix("of", opinion) };
}

function upOrDown(opinion: "up" | "down" | "unknown" | "none"): number | null {
  return opinion === "up" || opinion === "down" ? bit(opinion === "up") : null;
}
