import type { Observation } from "../model/observation.ts";

/** The protocol of a probe, as far as it can show maintenance. */
export type SignProtocol = "imap" | "pop3" | "smtp" | "health_page" | "other";

interface SignsSeen {
  readonly sign: MaintenanceSign | null;
  readonly smtpGreeted: boolean;
}

const NOTHING: SignsSeen = { sign: null, smtpGreeted: false };

/**
 * The signs of maintenance in one observation at the backend.
 *
 * `imap` and `pop3` are probes that read a banner; one that only connects is `other` and has none. A TROFS answer of the server
 * (outcome `maintenance`) is a declaration, not a detection, and is left out here.
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

/** Steps that an IMAP or POP exchange reaches only after a greeting. An inactive component sends none. */
const STEPS_AFTER_GREETING: ReadonlySet<string> = new Set([
  "greeting",
  "starttls",
  "login",
  "transaction",
]);

function imapPopSigns(observation: Observation): SignsSeen {
  const closed = observation.reason === "closed_without_data";
  const wasGreeted = STEPS_AFTER_GREETING.has(observation.step) && !closed;
  if (observation.outcome === "match" || wasGreeted) {
    return { sign: "good", smtpGreeted: false };
  }
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

/** Steps of SMTP after a 220. */
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

/**
 * Maintenance as a member shows it on the wire. It silences no alert; it turns an outage into `routes_to_maintenance`.
 * Microsoft docs (Set-ServerComponentState) and Exchange 2013's own behaviour: inactive IMAP and POP
 * components accept and close at once, transport answers `421 4.3.2`, and health pages are aborted while every other
 * URL is still served.
 */
export type MaintenanceSign =
  "imap_pop_closed" | "smtp_not_active" | "smtp_421_at_connect" | "health_page_aborted" | "good";

/** What one probe has just seen of its member. */
export interface DetectionEvent {
  readonly probe: string;
  /** When the observation began, wall clock in milliseconds. */
  readonly at: number;
  /** Null when the observation has no sign either way: it neither adds to a row nor breaks it. */
  readonly sign: MaintenanceSign | null;
  /** An SMTP 220 was read in this exchange: from then on a 421 at connect counts. */
  readonly smtpGreeted: boolean;
  /** Another URL of the same member has just answered as Exchange: only then an aborted health page counts. */
  readonly otherUrlAnswers: boolean;
}

interface ProbeDetection {
  readonly detected: boolean;
  /** Consecutive maintenance signs and consecutive good ones, each counted up to two. */
  readonly signs: number;
  readonly good: number;
  /** When maintenance was seen last; null when it never was. */
  readonly signAt: number | null;
}

/** Detection at one member. Bounded by its number of probes; dropped with the member. */
export interface DetectionState {
  readonly detected: boolean;
  /** This agent has seen a 220 at this member. */
  readonly smtpGreetedBefore: boolean;
  readonly probes: ReadonlyMap<string, ProbeDetection>;
}

const NOTHING_SEEN: DetectionState["probes"] = new Map();
/** Signs in a row that detect maintenance, and good answers in a row of the same probe that clear it. */
const IN_A_ROW = 2;

export function initialDetection(): DetectionState {
  return { detected: false, smtpGreetedBefore: false, probes: NOTHING_SEEN };
}

export function stepDetection(state: DetectionState, event: DetectionEvent): DetectionState {
  const smtpGreetedBefore =
    state.smtpGreetedBefore || event.smtpGreeted || event.sign === "smtp_not_active";
  const kind = weighSign(event, smtpGreetedBefore);
  if (kind === "nothing") {
    return { ...state, smtpGreetedBefore };
  }
  const probes = new Map(state.probes);
  probes.set(event.probe, stepProbe(state.probes.get(event.probe), kind, event.at));
  const detected = [...probes.values()].some((probe) => probe.detected);
  return { detected, smtpGreetedBefore, probes };
}

function weighSign(
  event: DetectionEvent,
  smtpGreetedBefore: boolean,
): "maintenance" | "good" | "nothing" {
  switch (event.sign) {
    case null:
      return "nothing";
    case "good":
      return "good";
    case "imap_pop_closed":
    case "smtp_not_active":
      return "maintenance";
    case "smtp_421_at_connect":
      return smtpGreetedBefore ? "maintenance" : "nothing";
    case "health_page_aborted":
      return event.otherUrlAnswers ? "maintenance" : "nothing";
  }
}

function stepProbe(
  before: ProbeDetection | undefined,
  kind: "maintenance" | "good",
  at: number,
): ProbeDetection {
  const last = before ?? { detected: false, signs: 0, good: 0, signAt: null };
  const signs = kind === "maintenance" ? Math.min(last.signs + 1, IN_A_ROW) : 0;
  const good = kind === "good" ? Math.min(last.good + 1, IN_A_ROW) : 0;
  const detected = last.detected ? good < IN_A_ROW : signs >= IN_A_ROW;
  return { detected, signs, good, signAt: kind === "maintenance" ? at : last.signAt };
}

/**
 * The state without the signs of other probes: those that left the estate, and those whose results have expired.
 */
export function keepDetections(
  state: DetectionState,
  isKept: (probe: string) => boolean,
): DetectionState {
  const kept = [...state.probes].filter(([id]) => isKept(id));
  return kept.length === state.probes.size
    ? state
    : { ...state, detected: kept.some(([, { detected }]) => detected), probes: new Map(kept) };
}

/** The same state after the wall clock was set by `stepMs`. */
export function moveDetection(state: DetectionState, stepMs: number): DetectionState {
  const probes = [...state.probes].map(([id, probe]) => {
    const signAt = probe.signAt === null ? null : probe.signAt + stepMs;
    return [id, { ...probe, signAt }] as const;
  });
  return { ...state, probes: new Map(probes) };
}

/**
 * Whether a probe that detected maintenance has seen a sign of it after this instant, and no good answer since. Observations
 * without a sign (a refused connection) change nothing.
 */
export function seenInMaintenanceSince(state: DetectionState, instant: number): boolean {
  return [...state.probes.values()].some(
    ({ detected, signs, signAt }) => detected && signs > 0 && signAt !== null && signAt > instant,
  );
}
