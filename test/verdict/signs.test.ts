import { describe, expect, test } from "vitest";
import { readSigns, type SignProtocol } from "../../src/verdict/detection.ts";
import type { Observation } from "../../src/model/observation.ts";
import type { FailureReason, Step } from "../../src/model/reasons.ts";

function observed(step: Step, reason: FailureReason | "ok"): Observation {
  const facts = {
    startedAt: 0,
    durationMs: 1,
    phases: {},
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: false,
    evidence: { transcript: "", detail: null },
  };
  return reason === "ok"
    ? { ...facts, outcome: "match", reason, step }
    : { ...facts, outcome: "failed", reason, step };
}

describe("readSigns", () => {
  test.each<[SignProtocol, Step, FailureReason | "ok", string | null, boolean]>([
    ["imap", "banner", "closed_without_data", "imap_pop_closed", false],
    ["pop3", "tls", "closed_without_data", "imap_pop_closed", false],
    ["imap", "banner", "ok", "good", false],
    ["imap", "banner", "banner_timeout", null, false],
    ["imap", "connect", "refused", null, false],
    ["imap", "login", "auth_rejected", "good", false],
    ["pop3", "login", "backend_unavailable", "good", false],
    ["imap", "login", "closed_without_data", "imap_pop_closed", false],
    ["smtp", "mail_from", "service_not_active", "smtp_not_active", true],
    ["smtp", "login", "service_not_active", "smtp_not_active", true],
    ["smtp", "banner", "service_not_active", "smtp_421_at_connect", false],
    ["smtp", "mail_from", "throttled", null, true],
    ["smtp", "banner", "throttled", null, false],
    ["smtp", "mail_from", "ok", "good", true],
    ["smtp", "connect", "refused", null, false],
    ["health_page", "response", "component_offline", "health_page_aborted", false],
    ["health_page", "response", "reset", "health_page_aborted", false],
    ["health_page", "response", "closed_without_data", "health_page_aborted", false],
    ["health_page", "connect", "reset", null, false],
    ["health_page", "response", "bad_status", null, false],
    ["health_page", "response", "ok", "good", false],
    ["other", "connect", "ok", null, false],
  ])("reads the sign of %s at %s: %s", (protocol, step, reason, sign, smtpGreeted) => {
    expect(readSigns(observed(step, reason), protocol)).toEqual({ sign, smtpGreeted });
  });
});
