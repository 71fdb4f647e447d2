import type { Observation } from "../probes/probe.ts";
import type { MaintenanceSign } from "./detection.ts";

/** What a probe speaks at its member, as far as signs of maintenance go. */
export type SignProtocol = "imap" | "pop3" | "smtp" | "health_page" | "other";

export interface SignsSeen {
  readonly sign: MaintenanceSign | null;
  readonly smtpGreeted: boolean;
}

const NOTHING: SignsSeen = { sign: null, smtpGreeted: false };

/**
 * What one observation at the backend says about maintenance.
 *
 * `imap` and `pop3` are probes that read a banner; a bare connect says nothing (`other`). A TROFS answer of the server
 * (`maintenance`) is a declaration, not a detection, and is left out here.
 */
export function readSigns(observation: Observation, protocol: SignProtocol): SignsSeen {
  switch (protocol) {
    case "imap":
    case "pop3":
      return imapPopSigns(observation);
    case "smtp":
      return smtpSigns(observation);
    case "health_page":
      return healthPageSigns(observation);
    case "other":
      return NOTHING;
  }
}

function imapPopSigns(observation: Observation): SignsSeen {
  if (observation.outcome === "match") {
    return { sign: "good", smtpGreeted: false };
  }
  const closed = observation.reason === "closed_without_data";
  return { sign: closed ? "imap_pop_closed" : null, smtpGreeted: false };
}

function smtpSigns(observation: Observation): SignsSeen {
  if (observation.outcome === "match") {
    return { sign: "good", smtpGreeted: true };
  }
  const atGreeting = observation.step === "banner" || observation.step === "connect";
  const past220 = SMTP_STEPS_AFTER_220.has(observation.step);
  if (observation.reason !== "service_not_active") {
    return { sign: null, smtpGreeted: past220 };
  }
  return atGreeting
    ? { sign: "smtp_421_at_connect", smtpGreeted: false }
    : { sign: past220 ? "smtp_not_active" : null, smtpGreeted: past220 };
}

/** Steps that an SMTP exchange reaches only after a 220. */
const SMTP_STEPS_AFTER_220: ReadonlySet<string> = new Set([
  "greeting",
  "starttls",
  "login",
  "mail_from",
  "transaction",
]);

function healthPageSigns(observation: Observation): SignsSeen {
  if (observation.outcome === "match") {
    return { sign: "good", smtpGreeted: false };
  }
  const aborted =
    observation.reason === "component_offline" ||
    (observation.step === "response" &&
      (observation.reason === "reset" || observation.reason === "closed_without_data"));
  return { sign: aborted ? "health_page_aborted" : null, smtpGreeted: false };
}
