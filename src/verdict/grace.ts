import type { AdcOpinion, ReplicaOpinion, ServiceOpinion } from "../model/verdicts.ts";

/**
 * Grace: how long the ADC and our replica of its monitors may honestly differ because of the ADC's own timing.
 *
 * Towards DOWN the ADC needs `retries` probes an interval apart and the last one's response time-out; towards UP
 * `successRetries` probes a down time apart. To that comes the time until our next poll reads the new state, and the
 * time the server itself takes to show a change at this protocol. The replica may be the later one as well: its probes
 * are as far apart as the ADC's, and begin at another moment.
 */
export interface GraceMonitor {
  readonly retries: number;
  readonly successRetries: number;
  readonly intervalMs: number;
  readonly downTimeMs: number;
  readonly responseTimeoutMs: number;
}

/** What a member speaks, as far as it matters for how late it shows a component's state. */
export type SettlingProtocol = "health_page" | "imap" | "pop3" | "smtp" | "other";

/** Exchange 2013: each virtual directory caches its state 15 s, IMAP and POP look every 60 s, transport every 30 s. */
const SETTLING_MS: Readonly<Record<SettlingProtocol, number>> = {
  health_page: 15_000,
  imap: 60_000,
  pop3: 60_000,
  smtp: 30_000,
  other: 0,
};

/** The first start of a probe is spread over its interval, and over so much at most. */
const START_SPREAD_MS = 10_000;

export interface GraceLengths {
  /** While the ADC says UP: its own time to notice. */
  readonly towardsDownMs: number;
  /** While the ADC says DOWN: its own time to see the return, or the replica's to see the failure. */
  readonly towardsUpMs: number;
  /** While an ADC that has just come UP waits for the replica to see the return. */
  readonly replicaUpMs: number;
  /** What both contain of waiting for our own next poll. */
  readonly pollMs: number;
}

/**
 * The grace of a member: of its slowest monitor. `pollMs` is the poll interval of the ADC's state; a member without
 * monitors has the poll and the settling only.
 */
export function graceLengths(
  monitors: readonly GraceMonitor[],
  pollMs: number,
  protocol: SettlingProtocol,
): GraceLengths {
  const always = pollMs + SETTLING_MS[protocol];
  const down = monitors.map((each) => each.retries * each.intervalMs + each.responseTimeoutMs);
  const up = monitors.map((each) => each.successRetries * each.downTimeMs + each.responseTimeoutMs);
  // Both see the same failures, and the replica's last one comes at most an interval after the ADC's.
  const replicaDown = monitors.map(
    (each) => each.intervalMs + startSpreadMs(each) + each.responseTimeoutMs,
  );
  const replicaUp = monitors.map(
    (each) => each.successRetries * each.downTimeMs + startSpreadMs(each) + each.responseTimeoutMs,
  );
  return {
    towardsDownMs: Math.max(0, ...down) + always,
    towardsUpMs: Math.max(0, ...up, ...replicaDown) + always,
    replicaUpMs: Math.max(0, ...replicaUp) + always,
    pollMs,
  };
}

function startSpreadMs({ intervalMs }: GraceMonitor): number {
  return Math.min(intervalMs, START_SPREAD_MS);
}

export interface Opinions {
  readonly adc: AdcOpinion;
  readonly replica: ReplicaOpinion;
  readonly service: ServiceOpinion;
}

/**
 * When the opinions last agreed, wall clock in milliseconds. Three clocks: a monitor may have been blind (or too strict)
 * for hours before it changes its mind, and the ADC then deserves its time from the change of the replica on, not from
 * the beginning of the outage; and a copy of the monitor that fails from here alone says nothing against the ADC until
 * the service fails too.
 */
export interface AgreementClock {
  /** All known opinions agreed. */
  readonly allAgreedAt: number;
  /** The ADC and the replica agreed, or one of them knew nothing. */
  readonly pairAgreedAt: number;
  /** At least one opinion of ours agreed with the ADC. */
  readonly upheldAt: number;
  /** What ADC and replica last agreed on; null while they never did. Whichever has left it since was the first to know. */
  readonly agreedOn: "up" | "down" | null;
  /** Time in which this agent could neither see nor hear, by which the clocks were moved since it last had no doubt. */
  readonly postponedMs: number;
}

/**
 * Grace is postponed by so much in all. A stall of the agent's event loop gives the ADC no more time than it has, only us
 * less to look: without a bound whoever stalls the loop again and again would keep every difference from being named.
 * Longer stalls make the evidence itself stale.
 */
const MAX_POSTPONED_MS = 20_000;

/** Nothing is known yet, and so nothing differs. */
export function initialAgreement(now: number): AgreementClock {
  return { allAgreedAt: now, pairAgreedAt: now, upheldAt: now, agreedOn: null, postponedMs: 0 };
}

/** The same clock after the wall clock was set by so much. */
export function moveAgreement(clock: AgreementClock, byMs: number): AgreementClock {
  return {
    allAgreedAt: clock.allAgreedAt + byMs,
    pairAgreedAt: clock.pairAgreedAt + byMs,
    upheldAt: clock.upheldAt + byMs,
    agreedOn: clock.agreedOn,
    postponedMs: clock.postponedMs,
  };
}

/** The same clock where nothing that was seen before this instant counts against the ADC. */
export function postponeTo(clock: AgreementClock, at: number): AgreementClock {
  return {
    ...clock,
    allAgreedAt: Math.max(clock.allAgreedAt, at),
    pairAgreedAt: Math.max(clock.pairAgreedAt, at),
    upheldAt: Math.max(clock.upheldAt, at),
  };
}

/** How much of a stall of this length postpones a grace that was postponed by so much already. */
export function postponementMs(stallMs: number, postponedMs: number): number {
  return Math.max(0, Math.min(stallMs, MAX_POSTPONED_MS - postponedMs));
}

/** The same clock after this agent could neither see nor hear for so long. */
export function postponeAgreement(clock: AgreementClock, stallMs: number): AgreementClock {
  const byMs = postponementMs(stallMs, clock.postponedMs);
  return { ...moveAgreement(clock, byMs), postponedMs: clock.postponedMs + byMs };
}

/** Called at every change of an opinion and at every evaluation. An ADC opinion other than up and down agrees with all. */
export function stepAgreement(
  clock: AgreementClock,
  now: number,
  opinions: Opinions,
): AgreementClock {
  const adc = opinions.adc === "up" || opinions.adc === "down" ? opinions.adc : null;
  const replica = opinions.replica === "unknown" ? null : opinions.replica;
  const service =
    opinions.service === "up" || opinions.service === "down" ? opinions.service : null;
  const pair = adc === null || replica === null || adc === replica;
  const known = new Set([adc, replica, service].filter((opinion) => opinion !== null));
  const all = adc === null || known.size <= 1;
  const upheld = adc !== null && (adc === replica || adc === service);
  return {
    allAgreedAt: all ? now : clock.allAgreedAt,
    pairAgreedAt: pair ? now : clock.pairAgreedAt,
    upheldAt: upheld ? now : clock.upheldAt,
    agreedOn: adc !== null && adc === replica ? adc : clock.agreedOn,
    postponedMs: all || (pair && upheld) ? 0 : clock.postponedMs,
  };
}

/**
 * The instant from which grace runs: of ADC and replica where these two differ, else of all known opinions. An ADC that
 * says UP against replica and service both has its time from the moment the second of them turned.
 */
export function lastAgreedAt(clock: AgreementClock, { adc, replica, service }: Opinions): number {
  const { allAgreedAt, pairAgreedAt, upheldAt } = clock;
  if (adc === "up" && replica === "down") {
    return service === "up" ? pairAgreedAt : Math.max(pairAgreedAt, upheldAt);
  }
  return adc === "down" && replica === "up" ? pairAgreedAt : allAgreedAt;
}

/** The instants, wall clock in milliseconds, by which grace is judged. */
export interface GraceInstants {
  readonly now: number;
  readonly agreedAt: number;
  /** When the ADC's word was asked for: its last one is held while NITRO fails. Null: no word of its takes part. */
  readonly polledAt: number | null;
}

/**
 * Whether grace of this length is still running. It expires only after a poll that is newer than the end of the period: an
 * older poll cannot show whether the ADC has changed its state since.
 */
export function graceRuns(
  { now, agreedAt, polledAt }: GraceInstants,
  lengthMs: number,
  pollMs: number,
): boolean {
  const tooOld = polledAt !== null && polledAt - agreedAt < lengthMs - pollMs;
  return now - agreedAt <= lengthMs || tooOld;
}

/**
 * Whether a member's grace still runs: an ADC that says UP can only be late towards DOWN, and the other way round; but one
 * that has just come UP was the first to know, and it is the replica that is late.
 */
export function withinGrace(
  instants: GraceInstants,
  lengths: GraceLengths,
  adc: AdcOpinion,
  agreedOn: AgreementClock["agreedOn"] = null,
): boolean {
  return graceRuns(instants, graceLengthMs(lengths, adc, agreedOn), lengths.pollMs);
}

function graceLengthMs(
  lengths: GraceLengths,
  adc: AdcOpinion,
  agreedOn: AgreementClock["agreedOn"],
): number {
  if (adc === "down") {
    return lengths.towardsUpMs;
  }
  return adc === "up" && agreedOn === "down"
    ? Math.max(lengths.towardsDownMs, lengths.replicaUpMs)
    : lengths.towardsDownMs;
}
