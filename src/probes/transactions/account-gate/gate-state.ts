import type { FailureReason } from "../../reason.ts";

/**
 * Keeps probes from ever locking an account out. Pure: the state of one lockout key, here; what may be done now, by
 * `decideLogin`; and what each event makes of it, by `stepGate`. The caller keeps the state where all processes of this
 * agent share it and writes it down before a login begins; a login that is never heard of again counts against the account
 * once its time is over. Times are milliseconds by a clock that is never set (src/lib/persisted-clock.ts).
 *
 * The bound: rejections that may have followed one another at the domain controller, together with the logins still under
 * way, are never more than two; a secret that was never tried gets one more try, once within the suspension time. Logins
 * that overlap an accepted one keep counting: which of them came last is not known.
 */
export interface GateState {
  /** Opaque mark of the secret in use; another one lifts a suspension. Null before the first. */
  readonly secret: string | null;
  /** Counts events, to tell what began after what ended. */
  readonly sequence: number;
  /** The secret has been accepted, and not been rejected twice since. */
  readonly proven: boolean;
  readonly inFlight: readonly LoginUnderWay[];
  /** Rejected or unanswered logins that may have followed the last accepted one, of every secret tried since. */
  readonly suspects: readonly Suspect[];
  readonly suspension: Suspension | null;
  readonly lastWorked: LoginPlace | null;
  /** When the last login began: the rate is bounded by it. */
  readonly lastStartedAt: number | null;
  /** Places that rejected a secret which another place then accepted. */
  readonly broken: readonly BrokenPlace[];
}

/** Where a login is made: transaction, vantage, and member or vserver. */
export interface LoginPlace {
  readonly key: string;
  /** Who is asked: two ports of one server have one back end. Through an ADC the VIP's address: any server may answer. */
  readonly server: string;
  readonly throughAdc: boolean;
}

export interface LoginUnderWay {
  readonly id: string;
  readonly place: LoginPlace;
  readonly startedSequence: number;
  /** When it counts as unanswered. */
  readonly deadline: number;
}

export interface Suspect {
  /** Mark of the secret that was tried. */
  readonly secret: string | null;
  readonly place: LoginPlace;
  /** The server said no; otherwise no answer came, which counts alike for the account but says nothing of the place. */
  readonly rejected: boolean;
  readonly endedSequence: number;
  readonly at: number;
}

export interface Suspension {
  readonly until: number;
  /** Length of the next one, in milliseconds. */
  readonly nextMs: number;
}

export interface BrokenPlace {
  readonly key: string;
  readonly reason: Extract<FailureReason, "backend_unavailable" | "login_broken_by_adc">;
  /** No login there before this time. */
  readonly until: number;
  readonly backOffMs: number;
}

/** Length of the first suspension; rejections of other secrets count for so long. */
export const SUSPENSION_MS = 30 * 60_000;

export function initialGate(): GateState {
  return {
    secret: null,
    sequence: 0,
    proven: false,
    inFlight: [],
    suspects: [],
    suspension: null,
    lastWorked: null,
    lastStartedAt: null,
    broken: [],
  };
}

/** What stands against the secret in use. */
export function ownSuspects(state: GateState): readonly Suspect[] {
  return state.suspects.filter(({ secret }) => secret === state.secret);
}

/** What stands against the account at this moment: of the secret in use, and lately of any other. */
export function standingSuspects(state: GateState, now: number): readonly Suspect[] {
  return state.suspects.filter(
    ({ secret, at }) => secret === state.secret || at > now - SUSPENSION_MS,
  );
}

/** What stands against a place: it rejected a secret that another place accepted afterwards. Null: nothing. */
export function placeFault(state: GateState, key: string): BrokenPlace["reason"] | null {
  return state.broken.find((place) => place.key === key)?.reason ?? null;
}
