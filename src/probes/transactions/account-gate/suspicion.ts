import {
  ownSuspects,
  standingSuspects,
  SUSPENSION_MS,
  type GateState,
  type LoginPlace,
  type LoginUnderWay,
  type Suspect,
} from "./gate-state.ts";

export const LONGEST_SUSPENSION_MS = 6 * 60 * 60_000;
/** Most logins that may be rejected one after another. */
export const MOST_SUSPECTS = 2;
/** Suspects are kept of so many logins; a secret never has more than two. */
const MOST_SUSPECTS_KEPT = 16;

/** Until when the account is suspended at this moment, or null. */
export function suspendedUntil(state: GateState, now: number): number | null {
  const { suspension } = expire(state, now);
  return suspension !== null && now < suspension.until ? suspension.until : null;
}

export function suspect(state: GateState, id: string, at: number, rejected: boolean): GateState {
  const login = state.inFlight.find((each) => each.id === id);
  if (login === undefined) {
    return state;
  }
  const suspects = withSuspect(state, login.place, rejected, at);
  const next = { ...state, inFlight: without(state.inFlight, id), suspects };
  const trialFailed = state.suspension !== null;
  return trialFailed || standingSuspects(next, at).length >= MOST_SUSPECTS
    ? suspend(next, at)
    : next;
}

/** The list with one more of the secret in use: the last two of each secret. */
export function withSuspect(
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
  ].slice(-MOST_SUSPECTS);
  return [...others, ...own].slice(-MOST_SUSPECTS_KEPT);
}

export function suspend(state: GateState, at: number): GateState {
  const lengthMs = state.suspension?.nextMs ?? SUSPENSION_MS;
  return {
    ...state,
    proven: false,
    suspension: {
      until: Math.max(state.suspension?.until ?? 0, at + lengthMs),
      nextMs: Math.min(lengthMs * 2, LONGEST_SUSPENSION_MS),
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
 * was set): it will tell how they ended. To be asked before anything else at that moment.
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

export function without(logins: readonly LoginUnderWay[], id: string): readonly LoginUnderWay[] {
  return logins.filter((login) => login.id !== id);
}
