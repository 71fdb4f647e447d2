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
