import { classifyLastResponse, type LastResponseClass } from "../estate/nitro/last-response.ts";
import type { Reason, Step } from "../probes/reason.ts";
import type { LiveMember } from "./live.ts";

export interface AdcReason {
  /** The ADC's monitor that failed. */
  readonly monitor: string;
  readonly step: Step;
  readonly reason: Reason;
}

/** What the ADC's own sentence comes to in our words; classes that say nothing of the kind are left out. */
const WORDS: Readonly<Partial<Record<LastResponseClass, Pick<AdcReason, "step" | "reason">>>> = {
  refused: { step: "connect", reason: "refused" },
  tcp_timeout: { step: "connect", reason: "connect_timeout" },
  unreachable: { step: "connect", reason: "unreachable" },
  tls_timeout: { step: "tls", reason: "tls_timeout" },
  tls_failure: { step: "tls", reason: "tls_handshake" },
  app_timeout: { step: "response", reason: "response_timeout" },
  bad_status: { step: "response", reason: "bad_status" },
  pattern_missing: { step: "response", reason: "pattern_missing" },
};

/**
 * Why the ADC has a member DOWN that is well by everything we see: only its own last response can tell. Null when that
 * tells nothing.
 */
export function adcReason(member: Pick<LiveMember, "adcMonitors">): AdcReason | null {
  for (const { monitor, state, lastResponse } of member.adcMonitors) {
    const words =
      state === "down" && lastResponse !== null
        ? WORDS[classifyLastResponse(lastResponse, false)]
        : undefined;
    if (words !== undefined) {
      return { monitor, ...words };
    }
  }
  return null;
}
