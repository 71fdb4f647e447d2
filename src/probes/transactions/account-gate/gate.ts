import type { FailureReason } from "../../../model/reasons.ts";

/**
 * Prevents probes from locking an account out. All functions are pure: this file holds the state of one lockout key,
 * `decideLogin` decides whether a login may start, and `stepGate` applies an event. The caller stores the state where all
 * processes of this agent share it, and persists it before a login starts. A login whose result is never reported counts
 * against the account after its deadline. Times are milliseconds of a clock that cannot be set
 * (src/agent/accounts/login-state.ts).
 *
 * Invariant: the consecutive rejections that the domain controller may have counted within the suspension time, plus the
 * logins in flight, never exceed two, regardless of the secrets tried. A secret that was never tried does not wait for the
 * end of the suspension, only until a third rejection within that time is impossible. Rejections that overlap an accepted
 * login still count, because their order is unknown.
 */
export interface GateState {
  /** Opaque mark of the secret in use; null before the first. A different one may end a suspension early. */
  readonly secret: string | null;
  /** Event counter, used to order the starts and ends of logins. */
  readonly sequence: number;
  /** The secret has been accepted and not rejected twice since. */
  readonly proven: boolean;
  readonly inFlight: readonly LoginInFlight[];
  /** Rejected or unanswered logins that may have come after the last accepted one, for all secrets tried since. */
  readonly suspects: readonly Suspect[];
  readonly suspension: Suspension | null;
  readonly lastWorked: LoginEndpoint | null;
  /** When the last login started; limits the login rate. */
  readonly lastStartedAt: number | null;
  /** Endpoints that rejected a secret which another endpoint then accepted. */
  readonly broken: readonly BrokenEndpoint[];
}

/** Where a login is made: transaction, vantage, and member or vserver. */
export interface LoginEndpoint {
  readonly key: string;
  /**
   * Server that handles the login: two ports of one server share a back end. Through an ADC: the VIP's address, since any
   * server may answer.
   */
  readonly server: string;
  readonly throughAdc: boolean;
}

export interface LoginInFlight {
  readonly id: string;
  readonly place: LoginEndpoint;
  readonly startedSequence: number;
  /** Time after which the login counts as unanswered. */
  readonly deadline: number;
}

export interface Suspect {
  /** Mark of the tried secret. */
  readonly secret: string | null;
  readonly place: LoginEndpoint;
  /**
   * True: the server rejected the credential. False: no answer, which counts equally for the account but says nothing about
   * the endpoint.
   */
  readonly rejected: boolean;
  readonly endedSequence: number;
  readonly at: number;
}

export interface Suspension {
  readonly until: number;
  /** Length of the next suspension, in milliseconds. */
  readonly nextMs: number;
}

export interface BrokenEndpoint {
  readonly key: string;
  readonly reason: Extract<FailureReason, "backend_unavailable" | "login_broken_by_adc">;
  /** No login at this endpoint before this time. */
  readonly until: number;
  readonly backOffMs: number;
}

/** Length of the first suspension. Rejections of other secrets count for the same time. */
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

/** Suspects of the secret in use. */
export function ownSuspects(state: GateState): readonly Suspect[] {
  return state.suspects.filter(({ secret }) => secret === state.secret);
}

/** Suspects that count now: those of the secret in use, and recent ones of other secrets. */
export function currentSuspects(state: GateState, now: number): readonly Suspect[] {
  return state.suspects.filter(
    ({ secret, at }) => secret === state.secret || at > now - SUSPENSION_MS,
  );
}

/**
 * Switches to another secret. This alone does not end a suspension: `decideLogin` decides when an untried secret may be used.
 * Logins in flight become suspects of the old secret, and their results are ignored.
 */
export function changeSecret(state: GateState, mark: string, at: number): GateState {
  if (state.secret === mark) {
    return state;
  }
  if (state.secret === null) {
    return { ...state, secret: mark, proven: false };
  }
  const left = state.inFlight.reduce(
    (soFar, { place }) => ({ ...soFar, suspects: withSuspect(soFar, place, false, at) }),
    state,
  );
  const next: GateState = {
    ...left,
    secret: mark,
    proven: false,
    inFlight: [],
    lastWorked: null,
    broken: [],
  };
  return next.suspension === null && currentSuspects(next, at).length >= MAX_SUSPECTS
    ? suspend(next, at)
    : next;
}

export const MAX_SUSPENSION_MS = 6 * 60 * 60_000;
/** Maximum number of consecutive rejected logins. */
export const MAX_SUSPECTS = 2;
/** Maximum number of suspects kept; a secret has at most two. */
const MAX_SUSPECTS_KEPT = 16;

/** End of the current suspension, or null. */
export function suspendedUntil(state: GateState, now: number): number | null {
  const { suspension } = expireOverdue(state, now);
  return suspension !== null && now < suspension.until ? suspension.until : null;
}

function recordFailure(state: GateState, id: string, at: number, rejected: boolean): GateState {
  const login = state.inFlight.find((each) => each.id === id);
  if (login === undefined) {
    return state;
  }
  const suspects = withSuspect(state, login.place, rejected, at);
  const next = { ...state, inFlight: withoutLogin(state.inFlight, id), suspects };
  const trialFailed = state.suspension !== null;
  return trialFailed || currentSuspects(next, at).length >= MAX_SUSPECTS ? suspend(next, at) : next;
}

/** Adds a suspect of the secret in use; keeps the last two of each secret. */
function withSuspect(
  state: GateState,
  place: LoginEndpoint,
  rejected: boolean,
  at: number,
): readonly Suspect[] {
  const { secret, sequence } = state;
  const others = state.suspects.filter((each) => each.secret !== secret);
  const own = [
    ...ownSuspects(state),
    { secret, place, rejected, endedSequence: sequence, at },
  ].slice(-MAX_SUSPECTS);
  return [...others, ...own].slice(-MAX_SUSPECTS_KEPT);
}

function suspend(state: GateState, at: number): GateState {
  const lengthMs = state.suspension?.nextMs ?? SUSPENSION_MS;
  return {
    ...state,
    proven: false,
    suspension: {
      until: Math.max(state.suspension?.until ?? 0, at + lengthMs),
      nextMs: Math.min(lengthMs * 2, MAX_SUSPENSION_MS),
    },
  };
}

/** Logins past their deadline count as unanswered at that deadline. */
export function expireOverdue(state: GateState, now: number): GateState {
  let current = state;
  for (const login of state.inFlight) {
    if (now > login.deadline) {
      current = recordFailure(
        { ...current, sequence: current.sequence + 1 },
        login.id,
        login.deadline,
        false,
      );
    }
  }
  return current;
}

/**
 * Extends the deadline of logins that this process still waits for (it was suspended, or the clock was set), because their
 * results will be reported. Must be called before any other function at that time.
 */
export function extendAwaited(
  state: GateState,
  awaited: ReadonlySet<string>,
  now: number,
): GateState {
  return {
    ...state,
    inFlight: state.inFlight.map((login) =>
      awaited.has(login.id) && login.deadline < now ? { ...login, deadline: now } : login,
    ),
  };
}

function withoutLogin(logins: readonly LoginInFlight[], id: string): readonly LoginInFlight[] {
  return logins.filter((login) => login.id !== id);
}

export type GateEvent =
  | {
      readonly kind: "started";
      readonly id: string;
      readonly place: LoginEndpoint;
      /** Deadline of the login. */
      readonly deadline: number;
      readonly at: number;
    }
  | { readonly kind: "accepted"; readonly id: string; readonly at: number }
  | { readonly kind: "rejected"; readonly id: string; readonly at: number }
  /** The credential was sent and no answer came, so it may have been rejected. */
  | { readonly kind: "unanswered"; readonly id: string; readonly at: number }
  /** The login ended before the credential was sent, or the server refused to check it. */
  | { readonly kind: "not_tried"; readonly id: string; readonly at: number }
  /** The configuration was loaded with this secret. */
  | { readonly kind: "secret"; readonly mark: string; readonly at: number };
/** Maximum age of a rejection for which an acceptance elsewhere proves the rejecting endpoint faulty. */
const CONFIRM_WITHIN_MS = 5 * 60_000;
const BACK_OFF_MS = 2 * 60_000;
const MAX_BACK_OFF_MS = 30 * 60_000;
const MAX_BROKEN = 500;

/** Applies an event. Events of unknown logins (for example from another state file) have no effect. */
export function stepGate(before: GateState, event: GateEvent): GateState {
  const expired = expireOverdue(before, event.at);
  const state = { ...expired, sequence: expired.sequence + 1 };
  switch (event.kind) {
    case "started":
      return recordStart(state, event);
    case "accepted":
      return recordSuccess(state, event.id, event.at);
    case "rejected":
    case "unanswered":
      return recordFailure(state, event.id, event.at, event.kind === "rejected");
    case "not_tried":
      return { ...state, inFlight: withoutLogin(state.inFlight, event.id) };
    case "secret":
      return changeSecret(state, event.mark, event.at);
  }
}

function recordStart(state: GateState, event: Extract<GateEvent, { kind: "started" }>): GateState {
  const login: LoginInFlight = {
    id: event.id,
    place: event.place,
    startedSequence: state.sequence,
    deadline: event.deadline,
  };
  return {
    ...state,
    inFlight: [...withoutLogin(state.inFlight, event.id), login],
    lastStartedAt: event.at,
  };
}

function recordSuccess(state: GateState, id: string, at: number): GateState {
  const login = state.inFlight.find((each) => each.id === id);
  if (login === undefined) {
    return state;
  }
  const refuted = state.suspects.filter(
    ({ endedSequence }) => endedSequence < login.startedSequence,
  );
  const suspects = state.suspects.filter((each) => !refuted.includes(each));
  const broken = state.broken.filter(({ key }) => key !== login.place.key);
  const elsewhere = refuted.filter(
    (each) =>
      each.rejected &&
      each.secret === state.secret &&
      each.place.key !== login.place.key &&
      at - each.at <= CONFIRM_WITHIN_MS,
  );
  return {
    ...state,
    inFlight: withoutLogin(state.inFlight, id),
    suspects,
    proven: suspects.length === 0,
    suspension: suspects.length === 0 ? null : state.suspension,
    lastWorked: login.place,
    broken: elsewhere.reduce(markBroken, broken).slice(-MAX_BROKEN),
  };
}

function markBroken(broken: readonly BrokenEndpoint[], { place, at }: Suspect): BrokenEndpoint[] {
  const known = broken.find(({ key }) => key === place.key);
  const backOffMs =
    known === undefined ? BACK_OFF_MS : Math.min(known.backOffMs * 2, MAX_BACK_OFF_MS);
  return [
    ...broken.filter(({ key }) => key !== place.key),
    {
      key: place.key,
      reason: place.throughAdc ? "login_broken_by_adc" : "backend_unavailable",
      until: at + backOffMs,
      backOffMs,
    },
  ];
}
