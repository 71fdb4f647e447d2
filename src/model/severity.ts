import type { Verdict } from "./verdicts.ts";

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
