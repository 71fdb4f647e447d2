import type { Steps } from "../../../lib/steps.ts";
import type { LiveMember } from "../../../model/live.ts";
import { bit, seconds, stateSetFamily, valueFamily, type Scope, each } from "./scope.ts";
import { depthRank } from "../../../model/observation.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../../model/verdicts.ts";
import { withLabel } from "../text-format.ts";

const MAINTENANCE_SOURCES = ["declared", "adc", "detected"] as const;
type MaintenanceSource = (typeof MAINTENANCE_SOURCES)[number];

/** Maintenance, the third dimension beside opinions and verdicts. */
export function* maintenanceFamilies(scope: Scope): Steps<void> {
  const { servers } = scope;
  yield* stateSetFamily(
    scope,
    "adc_witness_maintenance",
    "source",
    MAINTENANCE_SOURCES,
    servers,
    (server) => MAINTENANCE_SOURCES.filter((source) => server.maintenance[source]),
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
    "source",
    MAINTENANCE_SOURCES,
    scope.members,
    memberSources,
  );
  yield* valueFamily(scope, "adc_witness_ready_to_return", scope.members, (member) =>
    member.readyToReturn || member.maintenance.declared !== "no" ? bit(member.readyToReturn) : null,
  );
}

function memberSources(member: LiveMember): readonly MaintenanceSource[] {
  const { declared, adc, detected } = member.maintenance;
  return MAINTENANCE_SOURCES.filter(
    (source) => ({ declared: declared === "open", adc, detected })[source],
  );
}

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
    for (const opinion of ["adc", "replica", "service"] as const) {
      const seen = depth?.[opinion] ?? null;
      if (seen !== null) {
        writer.sample(withLabel(labels, "opinion", opinion), depthRank(seen));
      }
    }
  });
  writer.family("adc_witness_state_changes_total");
  yield* each(members, ({ entity: { stateChanges }, labels }) => {
    for (const of of ["adc", "replica", "service"] as const) {
      if (stateChanges !== undefined) {
        writer.sample(withLabel(labels, "of", of), stateChanges[of]);
      }
    }
  });
  yield* valueFamily(scope, "adc_witness_adc_flapping", members, ({ flapping }) =>
    bit((flapping ?? null) !== null),
  );
  yield* stateSetFamily(
    scope,
    "adc_witness_verdict",
    "verdict",
    MEMBER_VERDICTS,
    members,
    (member) => [member.verdict],
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
    "verdict",
    VSERVER_VERDICTS,
    vservers,
    (vserver) => [vserver.verdict],
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
    const { configured, adcUp, reallyUp, reallyDown, maintenance } = entity.members;
    writer.sample(withLabel(labels, "of", "configured"), configured);
    writer.sample(withLabel(labels, "of", "adc_up"), adcUp);
    writer.sample(withLabel(labels, "of", "really_up"), reallyUp);
    writer.sample(withLabel(labels, "of", "really_down"), reallyDown);
    writer.sample(withLabel(labels, "of", "maintenance"), maintenance);
  });
}

/** The label that tells whose opinion it is, and the opinion; null while there is none. */
const OPINIONS: readonly {
  readonly text: string;
  readonly valueOf: (member: LiveMember) => number | null;
}[] = [
  {
    text: ',opinion="adc"',
    valueOf: ({ adcOpinion }) => (adcOpinion === "unknown" ? null : bit(adcOpinion === "up")),
  },
  { text: ',opinion="replica"', valueOf: ({ replica }) => upOrDown(replica) },
  { text: ',opinion="service"', valueOf: ({ service }) => upOrDown(service) },
];

function upOrDown(opinion: "up" | "down" | "unknown" | "none"): number | null {
  return opinion === "up" || opinion === "down" ? bit(opinion === "up") : null;
}
