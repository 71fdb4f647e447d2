import type { AdcOpinion, ReplicaOpinion, ServiceOpinion } from "../model/verdicts.ts";

/**
 * Grace: how long the ADC and our replica of its monitors may differ because of the ADC's own timing.
 *
 * Towards DOWN the ADC needs `retries` probes an interval apart and the last one's response time-out; towards UP
 * `successRetries` probes a down time apart. Added to that are the time until our next poll reads the new state, and the time
 * the server takes to show a change at this protocol. The replica may also be the later one: its probes have the same
 * interval, and start at another moment.
 */
export interface GraceMonitor {
  readonly retries: number;
  readonly successRetries: number;
  readonly intervalMs: number;
  readonly downTimeMs: number;
  readonly responseTimeoutMs: number;
}

/** The protocol of a member, which determines how late it shows a change of a component's state. */
export type SettlingProtocol = "health_page" | "imap" | "pop3" | "smtp" | "other";

/** Exchange 2013: each virtual directory caches its state 15 s, IMAP and POP look every 60 s, transport every 30 s. */
const SETTLING_MS: Readonly<Record<SettlingProtocol, number>> = {
  health_page: 15_000,
  imap: 60_000,
  pop3: 60_000,
  smtp: 30_000,
  other: 0,
};

/** The first start of a probe is spread over its interval, but over no more than this. */
const START_SPREAD_MS = 10_000;

export interface GraceLengths {
  /** While the ADC says UP: the time it takes to notice a failure. */
  readonly towardsDownMs: number;
  /** While the ADC says DOWN: the time it takes to see the return, or the replica to see the failure. */
  readonly towardsUpMs: number;
  /** After the ADC has come UP: the time the replica takes to see the return. */
  readonly replicaUpMs: number;
  /** The part of both that is the wait for our next poll. */
  readonly pollMs: number;
}

/**
 * The grace of a member, by its slowest monitor. `pollMs` is the poll interval of the ADC's state. A member without monitors
 * has only the poll and the server's own lag.
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
 * When the opinions last agreed, wall clock in milliseconds. Three clocks: a monitor may be blind (or too strict) for hours
 * before it changes, and the ADC's time then runs from the change of the replica, not from the beginning of the outage; and a
 * replica that fails only from here does not contradict the ADC until the service fails too.
 */
export interface AgreementClock {
  /** All known opinions agreed. */
  readonly allAgreedAt: number;
  /** The ADC and the replica agreed, or one of them was unknown. */
  readonly pairAgreedAt: number;
  /** At least one of our own opinions agreed with the ADC. */
  readonly upheldAt: number;
  /** The state on which ADC and replica last agreed; null: none yet. The one that has left it since changed first. */
  readonly agreedOn: "up" | "down" | null;
  /** By how much the clocks have been postponed for stalls of this agent since the opinions last agreed. */
  readonly postponedMs: number;
}

/**
 * The most by which stalls of the agent's event loop postpone grace. Without a bound, a server that stalls the loop again and
 * again would keep every mismatch from being reported. After longer stalls the results themselves have expired.
 */
const MAX_POSTPONED_MS = 20_000;

/** Nothing is known yet, so nothing differs. */
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

/** The same clock, postponed so that nothing from before this instant counts against the ADC. */
export function postponeTo(clock: AgreementClock, at: number): AgreementClock {
  return {
    ...clock,
    allAgreedAt: Math.max(clock.allAgreedAt, at),
    pairAgreedAt: Math.max(clock.pairAgreedAt, at),
    upheldAt: Math.max(clock.upheldAt, at),
  };
}

/** By how much a stall postpones grace that has been postponed by `postponedMs` already. */
export function postponementMs(stallMs: number, postponedMs: number): number {
  return Math.max(0, Math.min(stallMs, MAX_POSTPONED_MS - postponedMs));
}

/** The same clock after a stall of this agent. */
export function postponeAgreement(clock: AgreementClock, stallMs: number): AgreementClock {
  const byMs = postponementMs(stallMs, clock.postponedMs);
  return { ...moveAgreement(clock, byMs), postponedMs: clock.postponedMs + byMs };
}

/** The clock at every judgement. An ADC opinion other than up and down agrees with all others. */
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
 * When grace began: if ADC and replica differ, when these two last agreed, else when all known opinions did. Against an ADC that
 * says UP while both replica and service are down, it began when the second of them changed.
 */
export function lastAgreedAt(clock: AgreementClock, { adc, replica, service }: Opinions): number {
  const { allAgreedAt, pairAgreedAt, upheldAt } = clock;
  if (adc === "up" && replica === "down") {
    return service === "up" ? pairAgreedAt : Math.max(pairAgreedAt, upheldAt);
  }
  return adc === "down" && replica === "up" ? pairAgreedAt : allAgreedAt;
}

/** The instants by which grace is measured, wall clock in milliseconds. */
export interface GraceInstants {
  readonly now: number;
  readonly agreedAt: number;
  /** When the ADC was polled for its state, which is kept while NITRO fails. Null: no state of the ADC takes part. */
  readonly polledAt: number | null;
}

/**
 * Whether grace of this length still runs. It ends only after a poll later than its length: an earlier poll cannot show whether
 * the ADC has changed its state since.
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
 * Whether a member's grace still runs. An ADC that says UP can only be late towards DOWN, and the other way round. If the ADC
 * has just come UP, it is the replica that is late.
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
