import type { FailureReason } from "../../../model/reasons.ts";

/**
 * Keeps probes from ever locking an account out. Pure: the state of one lockout key, here; what may be done now, by
 * `decideLogin`; and what each event makes of it, by `stepGate`. The caller keeps the state where all processes of this
 * agent share it and writes it down before a login begins; a login whose end is never reported counts against the account
 * once its time is over. Times are milliseconds by a clock that is never set (src/agent/accounts/login-state.ts).
 *
 * The bound: rejections that may have followed one another at the domain controller within the suspension time, together
 * with the logins still under way, are never more than two, whatever secrets were tried. A secret that was never tried need
 * not wait for the suspension's end, only until it can be no third one. Logins that overlap an accepted one keep counting:
 * which of them came last is not known.
 */
export interface GateState {
  /** Opaque mark of the secret in use; another one lifts a suspension. Null before the first. */
  readonly secret: string | null;
  /** Counts events, to order what began after what ended. */
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
  readonly broken: readonly BrokenEndpoint[];
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

export interface BrokenEndpoint {
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

/**
 * Another secret is in use from now on. It lifts nothing by itself: `decideLogin` says when a secret that was never tried
 * may be. Logins under way count against the old secret: their answers concern it, and are ignored.
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
  return next.suspension === null && standingSuspects(next, at).length >= MAX_SUSPECTS
    ? suspend(next, at)
    : next;
}

export const MAX_SUSPENSION_MS = 6 * 60 * 60_000;
/** Most logins that may be rejected one after another. */
export const MAX_SUSPECTS = 2;
/** Suspects are kept of so many logins; a secret never has more than two. */
const MAX_SUSPECTS_KEPT = 16;

/** Until when the account is suspended at this moment, or null. */
export function suspendedUntil(state: GateState, now: number): number | null {
  const { suspension } = expire(state, now);
  return suspension !== null && now < suspension.until ? suspension.until : null;
}

function suspect(state: GateState, id: string, at: number, rejected: boolean): GateState {
  const login = state.inFlight.find((each) => each.id === id);
  if (login === undefined) {
    return state;
  }
  const suspects = withSuspect(state, login.place, rejected, at);
  const next = { ...state, inFlight: without(state.inFlight, id), suspects };
  const trialFailed = state.suspension !== null;
  return trialFailed || standingSuspects(next, at).length >= MAX_SUSPECTS
    ? suspend(next, at)
    : next;
}

/** The list with one more of the secret in use: the last two of each secret. */
function withSuspect(
  state: GateState,
  place: LoginPlace,
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

/** Logins whose time is over without a word count as unanswered, at that time. */
export function expire(state: GateState, now: number): GateState {
  let current = state;
  for (const login of state.inFlight) {
    if (now > login.deadline) {
      current = suspect(
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
 * Logins that this process itself still waits for are not over, whatever the clock says (the process was held, or the clock
 * was set): it will report how they ended. To be asked before anything else at that moment.
 */
export function stillAwaited(
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

function without(logins: readonly LoginUnderWay[], id: string): readonly LoginUnderWay[] {
  return logins.filter((login) => login.id !== id);
}

export type GateEvent =
  | {
      readonly kind: "started";
      readonly id: string;
      readonly place: LoginPlace;
      /** When the login's own time is over. */
      readonly deadline: number;
      readonly at: number;
    }
  | { readonly kind: "accepted"; readonly id: string; readonly at: number }
  | { readonly kind: "rejected"; readonly id: string; readonly at: number }
  /** The credential was sent and no answer came: it may have been rejected. */
  | { readonly kind: "unanswered"; readonly id: string; readonly at: number }
  /** It ended before the credential was sent, or the server refused to look at it. */
  | { readonly kind: "not_tried"; readonly id: string; readonly at: number }
  /** The configuration was loaded with this secret. */
  | { readonly kind: "secret"; readonly mark: string; readonly at: number };
/** How fresh a rejection must be for an acceptance elsewhere to say that its place was at fault. */
const CONFIRM_WITHIN_MS = 5 * 60_000;
const BACK_OFF_MS = 2 * 60_000;
const MAX_BACK_OFF_MS = 30 * 60_000;
const MAX_BROKEN = 500;

/** The state after an event. Events of unknown logins (of another state file, say) change nothing. */
export function stepGate(before: GateState, event: GateEvent): GateState {
  const expired = expire(before, event.at);
  const state = { ...expired, sequence: expired.sequence + 1 };
  switch (event.kind) {
    case "started":
      return begin(state, event);
    case "accepted":
      return accept(state, event.id, event.at);
    case "rejected":
    case "unanswered":
      return suspect(state, event.id, event.at, event.kind === "rejected");
    case "not_tried":
      return { ...state, inFlight: without(state.inFlight, event.id) };
    case "secret":
      return changeSecret(state, event.mark, event.at);
  }
}

function begin(state: GateState, event: Extract<GateEvent, { kind: "started" }>): GateState {
  const login: LoginUnderWay = {
    id: event.id,
    place: event.place,
    startedSequence: state.sequence,
    deadline: event.deadline,
  };
  return {
    ...state,
    inFlight: [...without(state.inFlight, event.id), login],
    lastStartedAt: event.at,
  };
}

function accept(state: GateState, id: string, at: number): GateState {
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
    inFlight: without(state.inFlight, id),
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
