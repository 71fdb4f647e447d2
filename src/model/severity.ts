import { MISMATCH_VERDICTS, WARNING_VERDICTS, type Verdict } from "./verdicts.ts";

/** Worst first: what sends clients into errors before what only costs capacity. */
const WORST_FIRST: readonly Verdict[] = [
  "routes_to_maintenance",
  "vip_served_by_drained_server",
  "vip_login_broken",
  "vip_up_members_down",
  "vip_down_members_up",
  "false_up",
  "blind_monitor",
  "vip_wrong_certificate",
  "vip_site_withheld",
  "false_down",
  "strict_monitor",
  "return_overdue",
  "maintenance_overrun",
  "vip_backup_active",
  "replica_differs",
  "drained_undeclared",
  "settling",
  "ready_to_return",
  "unknown",
];

/** For sorting: the lower, the worse; verdicts that need nobody come last. */
export function severity(verdict: Verdict): number {
  const index = WORST_FIRST.indexOf(verdict);
  return index < 0 ? WORST_FIRST.length : index;
}

export const URGENCIES = ["info", "warning", "critical"] as const;
export type Urgency = (typeof URGENCIES)[number];

/** Mismatches that cost capacity or the owner's attention, and no client's request yet. */
const CAN_WAIT: ReadonlySet<Verdict> = new Set<Verdict>([
  "false_down",
  "strict_monitor",
  "return_overdue",
]);

/** How soon somebody must look, as the alerts have it; null where nobody must. */
export function urgencyOf(verdict: Verdict): Urgency | null {
  if (MISMATCH_VERDICTS.has(verdict)) {
    return CAN_WAIT.has(verdict) ? "warning" : "critical";
  }
  if (!WARNING_VERDICTS.has(verdict) || verdict === "settling") {
    return null;
  }
  return verdict === "drained_undeclared" ? "info" : "warning";
}
