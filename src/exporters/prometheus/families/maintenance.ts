import type { Steps } from "../../../estate/steps.ts";
import type { LiveMember } from "../../../agent/live.ts";
import { bit, seconds, stateSetFamily, valueFamily, type Scope } from "./scope.ts";

export const MAINTENANCE_SOURCES = ["declared", "adc", "detected"] as const;
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
