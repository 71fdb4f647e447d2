import type { ProbeResult } from "../run-probe.ts";

/** What a probe comes to whose worker thread is gone: a fault of our own, which says nothing about the service. */
export function lostProbe(startedAt: number, durationMs: number, why: string): ProbeResult {
  return {
    observation: {
      outcome: "fault",
      reason: "agent_fault",
      step: "connect",
      startedAt,
      durationMs,
      phases: {},
      responseTimeMs: null,
      tls: null,
      servedBy: null,
      exchangeSeen: false,
      // Its credential may have been sent.
      login: "unanswered",
      evidence: { transcript: "", detail: why },
    },
    passed: null,
  };
}
