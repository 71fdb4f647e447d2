import { standingSuspects, type GateState } from "./gate-state.ts";
import { MOST_SUSPECTS, suspend, withSuspect } from "./suspicion.ts";

/**
 * Another secret is in use from now on. It lifts nothing by itself: `decideLogin` gives a secret that was never tried its
 * one try. Logins under way count against the old secret: their answers speak of it, and will not be heard.
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
  return next.suspension === null && standingSuspects(next, at).length >= MOST_SUSPECTS
    ? suspend(next, at)
    : next;
}
