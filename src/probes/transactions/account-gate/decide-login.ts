import {
  changeSecret,
  ownSuspects,
  standingSuspects,
  SUSPENSION_MS,
  type BrokenEndpoint,
  type GateState,
  type LoginPlace,
  type LoginUnderWay,
  type Suspect,
  type Suspension,
  expire,
  MAX_SUSPECTS,
} from "./gate.ts";

export type GateDecision =
  | { readonly kind: "allowed" }
  | {
      readonly kind: "wait";
      readonly why: GateWait;
      /** When to ask again at the latest; null: when what is under way has ended. */
      readonly until: number | null;
      /** What is known to be wrong with a place that is backed off from. */
      readonly broken?: BrokenEndpoint["reason"];
    };

/** Why a gate lets a login wait. */
type GateWait =
  | "suspended"
  | "busy"
  | "paced"
  | "elsewhere_first"
  | "backing_off"
  | "new_secret"
  | "other_secret";

/** Logins of one account begin no closer together than this, however many places there are. */
export const MIN_GAP_MS = 500;
/** How long after its last login a secret counts as in use: who holds another one for this account waits. */
const IN_USE_MS = 2 * 60_000;
/** How long a server that has just rejected leaves the next login to another. */
const OTHERS_FIRST_MS = 5 * 60_000;
/** How long the others leave the next login to the place where it last worked. */
const LAST_WORKED_FIRST_MS = 90_000;
/**
 * How long after a rejection a new secret is tried: a password file that changes at every reload must not make a try of each
 * reload.
 */
export const NEW_SECRET_MS = 60_000;

/** How long after a rejection a place that has recovered since is tried again, at the soonest. */
export const RECOVERED_RETRY_MS = 60_000;

/**
 * Whether a login may begin at this place now, by who holds the secret of that mark. A login that is allowed must be told
 * as `started` before it begins, and another mark than the gate's as `secret` before that. `recoveredAt`: when another
 * probe of the same place last came to pass after failures. That shortens a back-off and a long suspension, and never lets
 * a third login be rejected within the suspension time.
 */
export function decideLogin(
  before: GateState,
  place: LoginPlace,
  now: number,
  mark: string | null = before.secret,
  recoveredAt = -Infinity,
): GateDecision {
  const state = expire(before, now);
  if (mark !== null && mark !== state.secret) {
    // Two processes with two secrets: rejections of the one must not be undone by turning to the other and back.
    return inUse(state, now)
      ? { kind: "wait", why: "other_secret", until: earliest(state.inFlight) }
      : decideLogin(changeSecret(state, mark, now), place, now, mark, recoveredAt);
  }
  if (state.suspension !== null) {
    return decideTrial(state, state.suspension, place, now, recoveredAt);
  }
  const suspects = standingSuspects(state, now);
  const parallel = state.proven && suspects.length === 0 ? MAX_SUSPECTS : 1;
  if (
    state.inFlight.length >= parallel ||
    suspects.length + state.inFlight.length >= MAX_SUSPECTS ||
    state.inFlight.some((login) => mayBeOneServer(login.place, place))
  ) {
    return { kind: "wait", why: "busy", until: earliest(state.inFlight) };
  }
  const gapEnds = (state.lastStartedAt ?? -Infinity) + MIN_GAP_MS;
  if (now < gapEnds) {
    return { kind: "wait", why: "paced", until: gapEnds };
  }
  const broken = state.broken.find(({ key }) => key === place.key);
  if (broken !== undefined) {
    const rejectedAt = broken.until - broken.backOffMs;
    const until =
      recoveredAt > rejectedAt
        ? Math.min(broken.until, rejectedAt + RECOVERED_RETRY_MS)
        : broken.until;
    if (now < until) {
      return { kind: "wait", why: "backing_off", until, broken: broken.reason };
    }
  }
  const first = suspects[0];
  return first === undefined
    ? { kind: "allowed" }
    : decideElsewhere(state, first, place, now, recoveredAt);
}

/** Two rejections by one dead back end would suspend an account that works everywhere else. */
function mayBeOneServer(one: LoginPlace, other: LoginPlace): boolean {
  return one.throughAdc || other.throughAdc || one.server === other.server;
}

function inUse(state: GateState, now: number): boolean {
  const suspended = state.suspension !== null && now < state.suspension.until;
  const sinceMs = now - (state.lastStartedAt ?? -Infinity);
  return state.inFlight.length > 0 || (!suspended && sinceMs < IN_USE_MS);
}

/**
 * When a secret that was never tried may be: a while after the last rejection, and only where it would be no third one
 * within the suspension time, of whichever secrets.
 */
function newSecretFrom(state: GateState): number | null {
  if (ownSuspects(state).length > 0) {
    return null;
  }
  const times = state.suspects.map(({ at }) => at).sort((one, other) => one - other);
  const last = times.at(-1);
  const lastButOne = times.at(-MAX_SUSPECTS);
  return last === undefined
    ? null
    : Math.max(last + NEW_SECRET_MS, (lastButOne ?? -Infinity) + SUSPENSION_MS);
}

/** After a suspension a single login decides whether it goes on, at a server that did not reject if there is one. */
function decideTrial(
  state: GateState,
  suspension: Suspension,
  place: LoginPlace,
  now: number,
  recoveredAt: number,
): GateDecision {
  const rejectedAt = Math.max(...state.suspects.map(({ at }) => at));
  const hasRecovered = recoveredAt > rejectedAt;
  const from = Math.min(
    suspension.until,
    newSecretFrom(state) ?? Infinity,
    hasRecovered ? rejectedAt + SUSPENSION_MS : Infinity,
  );
  if (now < from) {
    return { kind: "wait", why: "suspended", until: from };
  }
  if (state.inFlight.length > 0) {
    return { kind: "wait", why: "busy", until: earliest(state.inFlight) };
  }
  const turn = hasRecovered ? 0 : trialTurn(state, place);
  const leave = from + turn * LAST_WORKED_FIRST_MS;
  return now >= leave
    ? { kind: "allowed" }
    : { kind: "wait", why: "elsewhere_first", until: leave };
}

/** First where the secret last worked, then at any server that did not reject, then anywhere. */
function trialTurn({ suspects, lastWorked }: GateState, { key, server }: LoginPlace): number {
  const rejecting = new Set(suspects.map((suspect) => suspect.place.server));
  if (rejecting.has(server)) {
    return 2;
  }
  const isPreferred =
    lastWorked === null || lastWorked.key === key || rejecting.has(lastWorked.server);
  return isPreferred ? 0 : 1;
}

/** After one rejection: not at that server again for a while, and where it last worked before anywhere else. */
function decideElsewhere(
  state: GateState,
  first: Suspect,
  place: LoginPlace,
  now: number,
  recoveredAt: number,
): GateDecision {
  const { lastWorked } = state;
  const hasRecovered = place.server === first.place.server && recoveredAt > first.at;
  const waitMs = hasRecovered
    ? LAST_WORKED_FIRST_MS
    : elsewhereWaitMs(first.place, lastWorked, place);
  const until = Math.max(
    first.at + waitMs,
    ownSuspects(state).length === 0 ? first.at + NEW_SECRET_MS : 0,
  );
  if (now >= until) {
    return { kind: "allowed" };
  }
  const isNew = until === first.at + NEW_SECRET_MS;
  return { kind: "wait", why: isNew ? "new_secret" : "elsewhere_first", until };
}

function elsewhereWaitMs(
  rejected: LoginPlace,
  lastWorked: LoginPlace | null,
  place: LoginPlace,
): number {
  if (place.server === rejected.server) {
    return OTHERS_FIRST_MS;
  }
  // A VIP may lead to the server that has just rejected: that it worked there last says nothing of where it leads now.
  const isElsewhere = lastWorked?.throughAdc !== true || rejected.throughAdc;
  if (lastWorked !== null && lastWorked.server !== rejected.server && isElsewhere) {
    return lastWorked.server === place.server ? 0 : LAST_WORKED_FIRST_MS;
  }
  return place.throughAdc && !rejected.throughAdc ? LAST_WORKED_FIRST_MS : 0;
}

function earliest(logins: readonly LoginUnderWay[]): number | null {
  return logins.length === 0 ? null : Math.min(...logins.map(({ deadline }) => deadline));
}
