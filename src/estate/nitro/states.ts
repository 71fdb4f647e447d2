import type { AdcOpinion } from "../../verdict/verdicts.ts";

/**
 * NITRO's state texts as an opinion. The statistics side writes short names (`OFS`, `TROFS`), the configuration side
 * long ones, and firmware differs in case and in what follows the words; anything not known is `unknown`, and so is
 * BUSY: the member is at its client limit, which says nothing of its health.
 * Source: NITRO docs, enum of `svrstate`, `curstate`, `effectivestate`, `monitor_state` and of the statistics' `state`.
 */
export function adcOpinion(raw: string | null): AdcOpinion {
  const state = (raw ?? "")
    .trim()
    .toUpperCase()
    .replaceAll(/[\s_]+/g, " ");
  if (state.startsWith("DOWN WHEN GOING OUT OF SERVICE") || state.startsWith("TROFS DOWN")) {
    return "leaving_down";
  }
  if (state.startsWith("GOING OUT OF SERVICE") || state.startsWith("TROFS")) {
    return "leaving";
  }
  if (state.startsWith("OUT OF SERVICE") || state.startsWith("OFS") || state === "DISABLED") {
    return "out";
  }
  if (/^UP\b/.test(state)) {
    return "up";
  }
  return /^DOWN\b/.test(state) ? "down" : "unknown";
}

/** BUSY: the member has reached `-maxClient`. */
export function isBusy(raw: string | null): boolean {
  return (raw ?? "").trim().toUpperCase().startsWith("BUSY");
}
