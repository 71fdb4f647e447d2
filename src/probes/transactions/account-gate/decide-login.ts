import {
  changeSecret,
  ownSuspects,
  type GateState,
  type LoginPlace,
  type LoginUnderWay,
  type Suspect,
  type Suspension,
  expire,
  MOST_SUSPECTS,
} from "./gate.ts";

export type GateDecision =
  | { readonly kind: "allowed" }
  | {
      readonly kind: "wait";
      readonly why:
        "suspended" | "busy" | "paced" | "elsewhere_first" | "backing_off" | "other_secret";
      /** When to ask again at the latest, milliseconds since the epoch; null: when what is under way has ended. */
      readonly until: number | null;
    };

/** Logins of one account begin no closer together than this, however many places there are. */
export const SHORTEST_GAP_MS = 500;
/** How long after its last login a secret counts as in use: who holds another one for this account waits. */
const IN_USE_MS = 2 * 60_000;
/** How long a place that has just rejected leaves the next login to another. */
const OTHERS_FIRST_MS = 5 * 60_000;
/** How long the others leave the next login to the place where it last worked. */
const LAST_WORKED_FIRST_MS = 90_000;

/**
 * Whether a login may begin at this place now, by who holds the secret of that mark. A login that is allowed must be told
 * as `started` before it begins, and another mark than the gate's as `secret` before that.
 */
export function decideLogin(
  before: GateState,
  place: LoginPlace,
  now: number,
  mark: string | null = before.secret,
): GateDecision {
  const state = expire(before, now);
  if (mark !== null && mark !== state.secret) {
    // Two processes with two secrets: rejections of the one must not be undone by turning to the other and back.
    return inUse(state, now)
      ? { kind: "wait", why: "other_secret", until: earliest(state.inFlight) }
      : decideLogin(changeSecret(state, mark, now), place, now, mark);
  }
  if (state.suspension !== null) {
    return decideTrial(state, state.suspension, place, now);
  }
  const suspects = ownSuspects(state);
  const parallel = state.proven && suspects.length === 0 ? MOST_SUSPECTS : 1;
  if (
    state.inFlight.length >= parallel ||
    suspects.length + state.inFlight.length >= MOST_SUSPECTS
  ) {
    return { kind: "wait", why: "busy", until: earliest(state.inFlight) };
  }
  const gapEnds = (state.lastStartedAt ?? -Infinity) + SHORTEST_GAP_MS;
  // A clock that was turned back must not shut the gate.
  if (now < gapEnds && now >= gapEnds - SHORTEST_GAP_MS) {
    return { kind: "wait", why: "paced", until: gapEnds };
  }
  const broken = state.broken.find(({ key }) => key === place.key);
  if (broken !== undefined && now < broken.until) {
    return { kind: "wait", why: "backing_off", until: broken.until };
  }
  const first = suspects[0];
  return first === undefined ? { kind: "allowed" } : decideElsewhere(state, first, place, now);
}

function inUse(state: GateState, now: number): boolean {
  const suspended = state.suspension !== null && now < state.suspension.until;
  const sinceMs = now - (state.lastStartedAt ?? -Infinity);
  return state.inFlight.length > 0 || (!suspended && sinceMs >= 0 && sinceMs < IN_USE_MS);
}

/** After a suspension a single login tells whether it goes on; where the secret last worked comes first. */
function decideTrial(
  state: GateState,
  suspension: Suspension,
  place: LoginPlace,
  now: number,
): GateDecision {
  if (now < suspension.until) {
    return { kind: "wait", why: "suspended", until: suspension.until };
  }
  if (state.inFlight.length > 0) {
    return { kind: "wait", why: "busy", until: earliest(state.inFlight) };
  }
  const leave = suspension.until + LAST_WORKED_FIRST_MS;
  return state.lastWorked === null || state.lastWorked === place.key || now >= leave
    ? { kind: "allowed" }
    : { kind: "wait", why: "elsewhere_first", until: leave };
}

/** After one rejection: not there again for a while, and where it last worked before anywhere else. */
function decideElsewhere(
  state: GateState,
  first: Suspect,
  place: LoginPlace,
  now: number,
): GateDecision {
  const here = place.key === first.place.key;
  const preferred = state.lastWorked === null || state.lastWorked === first.place.key;
  const wait = here
    ? OTHERS_FIRST_MS
    : preferred || state.lastWorked === place.key
      ? 0
      : LAST_WORKED_FIRST_MS;
  const until = first.at + wait;
  return now >= until ? { kind: "allowed" } : { kind: "wait", why: "elsewhere_first", until };
}

function earliest(logins: readonly LoginUnderWay[]): number | null {
  return logins.length === 0 ? null : Math.min(...logins.map(({ deadline }) => deadline));
}
