import { MISMATCH_VERDICTS, WARNING_VERDICTS, type Verdict } from "../../model/verdicts.ts";

/** How a verdict looks: a colour of the style sheet, and a sign for those who do not see it. */
export type Tone = "bad" | "warn" | "good" | "quiet" | "unknown";

const QUIET: ReadonlySet<Verdict> = new Set<Verdict>([
  "agree_down",
  "maintenance_expected",
  "drained",
  "ready_to_return",
  "vip_agree_down",
  "vip_protected",
]);

export function toneOf(verdict: Verdict): Tone {
  if (MISMATCH_VERDICTS.has(verdict)) {
    return "bad";
  }
  if (WARNING_VERDICTS.has(verdict)) {
    return "warn";
  }
  if (verdict === "unknown") {
    return "unknown";
  }
  return QUIET.has(verdict) ? "quiet" : "good";
}

export const TONE_SIGNS: Readonly<Record<Tone, string>> = {
  bad: "✖",
  warn: "!",
  good: "✔",
  quiet: "○",
  unknown: "?",
};

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
