import {
  MEMBER_VERDICTS,
  MISMATCH_VERDICTS,
  VSERVER_VERDICTS,
  type Verdict,
} from "../src/model/verdicts.ts";
import type { Mapping } from "./panel.ts";

/** Verdicts as one number for timelines and matrices: the higher, the sooner somebody should look. */
const TONES = ["agree", "maintenance", "waiting", "wrong"] as const;
export type Tone = (typeof TONES)[number];

export function toneOf(verdict: Verdict): Tone {
  if (MISMATCH_VERDICTS.has(verdict)) {
    return "wrong";
  }
  switch (verdict) {
    case "maintenance_expected":
    case "drained":
    case "drained_undeclared":
    case "ready_to_return":
      return "maintenance";
    case "settling":
    case "unknown":
    case "replica_differs":
    case "maintenance_overrun":
    case "vip_backup_active":
    case "vip_protected":
      return "waiting";
    default:
      return "agree";
  }
}

export const TONE_MAPPINGS: readonly Mapping[] = [
  { value: 1, text: "agree", color: "green" },
  { value: 2, text: "maintenance", color: "blue" },
  { value: 3, text: "settling or unknown", color: "yellow" },
  { value: 4, text: "the ADC is wrong", color: "red" },
];

/** The tone of each series of a verdict state set; `select` gives the selector for a matcher. */
export function toneExpression(
  kind: "member" | "vserver",
  select: (matcher: string) => string,
): string {
  const verdicts: readonly Verdict[] = kind === "member" ? MEMBER_VERDICTS : VSERVER_VERDICTS;
  return TONES.map((tone, index) => {
    const mine = verdicts.filter((verdict) => toneOf(verdict) === tone);
    return `${select(`verdict=~"${mine.join("|")}"`)} * ${String(index + 1)}`;
  }).join(" or ");
}

/** Matcher of all verdicts that say the ADC is wrong about a member. */
export const MEMBER_MISMATCHES = `verdict=~"${MEMBER_VERDICTS.filter((verdict) =>
  MISMATCH_VERDICTS.has(verdict),
).join("|")}"`;
export const VSERVER_MISMATCHES = `verdict=~"${VSERVER_VERDICTS.filter((verdict) =>
  MISMATCH_VERDICTS.has(verdict),
).join("|")}"`;
