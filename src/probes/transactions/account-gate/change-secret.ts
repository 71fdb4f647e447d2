import { ownSuspects, type GateState } from "./gate-state.ts";
import { MOST_SUSPECTS, suspend, SUSPENSION_MS, withSuspect } from "./suspicion.ts";

/**
 * A new secret deserves one trial at once; the same one (a restart), or one that was rejected since the last acceptance,
 * does not. Logins under way count against the old secret: their answers speak of it, and will not be heard.
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
  const own = ownSuspects(next);
  const { suspension } = next;
  if (suspension === null) {
    return own.length >= MOST_SUSPECTS ? suspend(next, at) : next;
  }
  // The suspension may have been lifted for another secret since: it is counted from this one's own last try.
  const lengthMs = Math.max(SUSPENSION_MS, suspension.nextMs / 2);
  const lastTry = own.at(-1);
  const until = lastTry === undefined ? at : Math.max(suspension.until, lastTry.at + lengthMs);
  return { ...next, suspension: { ...suspension, until } };
}
