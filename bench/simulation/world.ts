import type { Observation, Outcome } from "../../src/model/observation.ts";
import type { FailureReason, Step } from "../../src/model/reasons.ts";
import type { ServiceKind } from "./estate.ts";

/**
 * The condition of a member. `maintenance`: its component is inactive, as Exchange shows it on the wire. `dead`: no
 * listener. `sick`: it fails after its greeting, which only a monitor that logs in notices. `dead_backend`: it sends
 * its greeting, but no login works. `strict`: it serves clients, but its response differs from what its monitor
 * expects. `refuses_us`: the monitor's own path is closed to our address only.
 */
export type Condition =
  "well" | "maintenance" | "dead" | "sick" | "dead_backend" | "strict" | "refuses_us";

/** The condition of a member, and the quality of the ADC's own monitoring of it. */
export interface Truth {
  readonly condition: Condition;
  /**
   * `stuck_up`: monitoring is suppressed or disabled, and the ADC keeps reporting UP. `stuck_down`: its path to the
   * server is cut. `flaps`: its path is cut now and then, each time within grace.
   */
  readonly adc: "honest" | "stuck_up" | "stuck_down" | "flaps";
}

export const WELL: Truth = { condition: "well", adc: "honest" };

/** An ADC that flaps loses its path for this much of each period: three retries, and back within grace. */
const FLAP_CUT_MS = 50_000;
const FLAP_EVERY_MS = 180_000;

export function flapCuts(sinceMs: number): boolean {
  return sinceMs % FLAP_EVERY_MS < FLAP_CUT_MS;
}

/** Whether the monitor passes now, run by the ADC or by us. */
export function monitorPasses(kind: ServiceKind, truth: Truth, who: "adc" | "us"): boolean {
  switch (truth.condition) {
    case "well":
      return true;
    case "sick":
    case "dead_backend":
      return !logsIn(kind);
    case "dead":
    case "strict":
      return false;
    case "refuses_us":
      return who === "adc";
    case "maintenance":
      return seesPortAlone(kind);
  }
}

/** Its monitor logs in. */
export function logsIn(kind: ServiceKind): boolean {
  return kind === "login" || kind === "proven";
}

/** In maintenance the port still opens, which is all that such a monitor checks. */
export function seesPortAlone(kind: ServiceKind): boolean {
  return kind === "imap" || kind === "plain";
}

export type LookName =
  | "imap_greeting"
  | "pop3_greeting"
  | "smtp_mail_from"
  | "https_challenge"
  | "health_page"
  | "imap_login"
  | "pop3_login";

/** Whether a client's exchange works now. */
export function lookPasses(look: LookName, truth: Truth): boolean {
  switch (truth.condition) {
    case "well":
    case "strict":
    case "refuses_us":
      return true;
    case "dead_backend":
      return look !== "imap_login" && look !== "pop3_login";
    case "dead":
    case "sick":
      return false;
    case "maintenance":
      // In maintenance HTTPS still serves every URL but its health page.
      return look === "https_challenge";
  }
}

/** As in an observation; `fault`: of the agent. */
export interface Failure {
  readonly outcome: Exclude<Outcome, "match" | "maintenance">;
  readonly step: Step;
  readonly reason: FailureReason;
}

/** The result of a failing probe. */
export function failureSeen(probe: ServiceKind | LookName, truth: Truth): Failure {
  switch (truth.condition) {
    case "dead":
      return { outcome: "refused", step: "connect", reason: "refused" };
    case "sick":
      return { outcome: "timeout", step: "response", reason: "response_timeout" };
    case "strict":
    case "refuses_us":
      return { outcome: "mismatch", step: "response", reason: "pattern_missing" };
    case "dead_backend":
      return { outcome: "failed", step: "login", reason: "backend_unavailable" };
    case "well":
    case "maintenance":
      return inMaintenance(probe);
  }
}

function inMaintenance(probe: ServiceKind | LookName): Failure {
  switch (probe) {
    case "imap_greeting":
    case "imap_login":
    case "imap":
    case "plain":
    case "pop3_greeting":
    case "pop3":
    case "login":
    case "proven":
    case "pop3_login":
      return { outcome: "failed", step: "banner", reason: "closed_without_data" };
    case "smtp_mail_from":
      return { outcome: "failed", step: "mail_from", reason: "service_not_active" };
    case "smtp":
    case "health_page":
    case "https":
    case "guarded":
    case "https_challenge":
      return { outcome: "failed", step: "response", reason: "closed_without_data" };
  }
}

/** A probe lost on the network, which says nothing about the server. */
export const LOST: Failure = { outcome: "timeout", step: "connect", reason: "connect_timeout" };

/** The result of a probe that began then; `failure` null: it passed. */
export function observation(at: number, failure: Failure | null): Observation {
  // Written out, because an object spread is too slow for millions of them.
  return {
    startedAt: at,
    durationMs: 20,
    phases: {},
    responseTimeMs: null,
    tls: null,
    servedBy: null,
    exchangeSeen: failure === null,
    evidence: { transcript: "", detail: null },
    outcome: failure?.outcome ?? "match",
    step: failure?.step ?? "response",
    reason: failure?.reason ?? "ok",
  } as Observation;
}
