/** The closed lists of opinions and verdicts (design sections 1 and 2), with the words people read. */

export const ADC_OPINIONS = ["up", "down", "out", "leaving", "leaving_down", "unknown"] as const;
export type AdcOpinion = (typeof ADC_OPINIONS)[number];

export type ReplicaOpinion = "up" | "down" | "unknown";
export type ServiceOpinion = "up" | "down" | "unknown" | "none";

export const MEMBER_VERDICTS = [
  "agree_up",
  "agree_down",
  "blind_monitor",
  "routes_to_maintenance",
  "false_up",
  "replica_differs",
  "false_down",
  "strict_monitor",
  "maintenance_expected",
  "drained",
  "drained_undeclared",
  "ready_to_return",
  "return_overdue",
  "settling",
  "unknown",
] as const;
export type MemberVerdict = (typeof MEMBER_VERDICTS)[number];

export const VSERVER_VERDICTS = [
  "vip_agree_up",
  "vip_agree_down",
  "vip_served_by_drained_server",
  "vip_wrong_certificate",
  "vip_backup_active",
  "vip_protected",
  "vip_down_members_up",
  "vip_up_members_down",
  "settling",
  "unknown",
] as const;
export type VserverVerdict = (typeof VSERVER_VERDICTS)[number];
export type Verdict = MemberVerdict | VserverVerdict;

/** Verdicts that say the ADC is wrong: `mismatch` is 1, `compare` exits 2 (design section 4). */
export const MISMATCH_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "blind_monitor",
  "routes_to_maintenance",
  "false_up",
  "false_down",
  "strict_monitor",
  "return_overdue",
  "vip_down_members_up",
  "vip_up_members_down",
  "vip_wrong_certificate",
  "vip_served_by_drained_server",
]);

/** Verdicts that deserve a look but are no mismatch: `compare` exits 1. */
export const WARNING_VERDICTS: ReadonlySet<Verdict> = new Set<Verdict>([
  "settling",
  "drained_undeclared",
  "replica_differs",
  "vip_backup_active",
]);
