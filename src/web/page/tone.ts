import { MISMATCH_VERDICTS, WARNING_VERDICTS, type Verdict } from "../../model/verdicts.ts";

/** Style of a verdict: a colour, and a sign for those who cannot see it. */
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

/** Short text of a verdict in a tile; the full label is in the tile's accessible name. */
export const TILE_WORDS: Readonly<Record<Verdict, string>> = {
  agree_up: "up",
  agree_down: "down",
  blind_monitor: "monitor blind",
  routes_to_maintenance: "gets clients",
  false_up: "false UP",
  replica_differs: "replica fails",
  false_down: "false DOWN",
  strict_monitor: "too strict",
  maintenance_expected: "maintenance",
  drained: "drained",
  drained_undeclared: "undeclared",
  ready_to_return: "ready",
  return_overdue: "forgotten",
  maintenance_overrun: "overdue",
  settling: "settling",
  unknown: "unknown",
  vip_agree_up: "up",
  vip_agree_down: "down",
  vip_served_by_drained_server: "wrong server",
  vip_wrong_certificate: "certificate",
  vip_backup_active: "backup",
  vip_login_broken: "login fails",
  vip_protected: "ADC login",
  vip_down_members_up: "false DOWN",
  vip_up_members_down: "false UP",
  vip_site_withheld: "withheld",
};
