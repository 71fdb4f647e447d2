import {
  changeSecret,
  ownSuspects,
  currentSuspects,
  SUSPENSION_MS,
  type BrokenEndpoint,
  type GateState,
  type LoginEndpoint,
  type LoginInFlight,
  type Suspect,
  type Suspension,
  expireOverdue,
  MAX_SUSPECTS,
} from "./gate.ts";

export type GateDecision =
  | { readonly kind: "allowed" }
  | {
      readonly kind: "wait";
      readonly why: GateWait;
      /** Latest time to request again; null: when a login in flight ends. */
      readonly until: number | null;
      /** The known fault of an endpoint in back-off. */
      readonly broken?: BrokenEndpoint["reason"];
    };

/** Why a login must wait. */
type GateWait =
  | "suspended"
  | "busy"
  | "paced"
  | "elsewhere_first"
  | "backing_off"
  | "new_secret"
  | "other_secret";

/** Minimum gap between login starts of one account, across all endpoints. */
export const MIN_GAP_MS = 500;
/**
 * How long a secret counts as in use after its last login. Processes with a different secret for the account wait meanwhile.
 */
const SECRET_IN_USE_MS = 2 * 60_000;
/** How long a server that rejected a login must wait before the next one, so that another server is tried first. */
const REJECTING_SERVER_WAIT_MS = 5 * 60_000;
/** How long other endpoints wait so that the endpoint of the last successful login is tried first. */
const LAST_SUCCESS_FIRST_MS = 90_000;
/**
 * Minimum time between a rejection and the first try of a new secret, so that a password file that changes with every reload
 * does not cause a login per reload.
 */
export const NEW_SECRET_MS = 60_000;

/** Minimum time between a rejection and the retry at an endpoint that has recovered. */
export const RECOVERED_RETRY_MS = 60_000;

/**
 * Decides whether a login may start at this endpoint now, with the secret identified by `mark`. The caller must report an
 * allowed login as `started` before it begins, and a changed mark as `secret` before that. `recoveredAt` is when another
 * probe of the same endpoint last passed after failures. A recovery shortens a back-off and a long suspension, but never allows
 * a third rejection within the suspension time.
 */
export function decideLogin(
  before: GateState,
  endpoint: LoginEndpoint,
  now: number,
  mark: string | null = before.secret,
  recoveredAt = -Infinity,
): GateDecision {
  const state = expireOverdue(before, now);
  if (mark !== null && mark !== state.secret) {
    // Two processes may hold different secrets. Alternating between them must not reset the count of rejections.
    return isSecretInUse(state, now)
      ? { kind: "wait", why: "other_secret", until: earliestDeadline(state.inFlight) }
      : decideLogin(changeSecret(state, mark, now), endpoint, now, mark, recoveredAt);
  }
  if (state.suspension !== null) {
    return decideTrial(state, state.suspension, endpoint, now, recoveredAt);
  }
  const suspects = currentSuspects(state, now);
  const parallel = state.proven && suspects.length === 0 ? MAX_SUSPECTS : 1;
  if (
    state.inFlight.length >= parallel ||
    suspects.length + state.inFlight.length >= MAX_SUSPECTS ||
    state.inFlight.some((login) => mayShareServer(login.place, endpoint))
  ) {
    return { kind: "wait", why: "busy", until: earliestDeadline(state.inFlight) };
  }
  const gapEnds = (state.lastStartedAt ?? -Infinity) + MIN_GAP_MS;
  if (now < gapEnds) {
    return { kind: "wait", why: "paced", until: gapEnds };
  }
  const broken = state.broken.find(({ key }) => key === endpoint.key);
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
    : decideAfterRejection(state, first, endpoint, now, recoveredAt);
}

/** Two rejections by one failed back end would suspend an account that works everywhere else. */
function mayShareServer(one: LoginEndpoint, other: LoginEndpoint): boolean {
  return one.throughAdc || other.throughAdc || one.server === other.server;
}

function isSecretInUse(state: GateState, now: number): boolean {
  const suspended = state.suspension !== null && now < state.suspension.until;
  const sinceMs = now - (state.lastStartedAt ?? -Infinity);
  return state.inFlight.length > 0 || (!suspended && sinceMs < SECRET_IN_USE_MS);
}

/**
 * Earliest time for the first login with a new secret: some time after the last rejection, and only once it cannot be a third
 * rejection within the suspension time. Null if the secret was already rejected or left unanswered.
 */
function newSecretAllowedAt(state: GateState): number | null {
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

/** After a suspension, one trial login decides whether the suspension continues. It prefers a server that did not reject. */
function decideTrial(
  state: GateState,
  suspension: Suspension,
  endpoint: LoginEndpoint,
  now: number,
  recoveredAt: number,
): GateDecision {
  const rejectedAt = Math.max(...state.suspects.map(({ at }) => at));
  const hasRecovered = recoveredAt > rejectedAt;
  const from = Math.min(
    suspension.until,
    newSecretAllowedAt(state) ?? Infinity,
    hasRecovered ? rejectedAt + SUSPENSION_MS : Infinity,
  );
  if (now < from) {
    return { kind: "wait", why: "suspended", until: from };
  }
  if (state.inFlight.length > 0) {
    return { kind: "wait", why: "busy", until: earliestDeadline(state.inFlight) };
  }
  const turn = hasRecovered ? 0 : trialOrder(state, endpoint);
  const allowedAt = from + turn * LAST_SUCCESS_FIRST_MS;
  return now >= allowedAt
    ? { kind: "allowed" }
    : { kind: "wait", why: "elsewhere_first", until: allowedAt };
}

/** Order of trial logins: the endpoint of the last success, then servers that did not reject, then any. */
function trialOrder({ suspects, lastWorked }: GateState, { key, server }: LoginEndpoint): number {
  const rejecting = new Set(suspects.map((suspect) => suspect.place.server));
  if (rejecting.has(server)) {
    return 2;
  }
  const isPreferred =
    lastWorked === null || lastWorked.key === key || rejecting.has(lastWorked.server);
  return isPreferred ? 0 : 1;
}

/** After one rejection, that server is skipped for a while, and the endpoint of the last success goes first. */
function decideAfterRejection(
  state: GateState,
  first: Suspect,
  endpoint: LoginEndpoint,
  now: number,
  recoveredAt: number,
): GateDecision {
  const { lastWorked } = state;
  const hasRecovered = endpoint.server === first.place.server && recoveredAt > first.at;
  const waitMs = hasRecovered
    ? LAST_SUCCESS_FIRST_MS
    : waitAfterRejectionMs(first.place, lastWorked, endpoint);
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

function waitAfterRejectionMs(
  rejected: LoginEndpoint,
  lastWorked: LoginEndpoint | null,
  endpoint: LoginEndpoint,
): number {
  if (endpoint.server === rejected.server) {
    return REJECTING_SERVER_WAIT_MS;
  }
  // A VIP may lead to the server that rejected, so a past success there does not show where it leads now.
  const isElsewhere = lastWorked?.throughAdc !== true || rejected.throughAdc;
  if (lastWorked !== null && lastWorked.server !== rejected.server && isElsewhere) {
    return lastWorked.server === endpoint.server ? 0 : LAST_SUCCESS_FIRST_MS;
  }
  return endpoint.throughAdc && !rejected.throughAdc ? LAST_SUCCESS_FIRST_MS : 0;
}

function earliestDeadline(logins: readonly LoginInFlight[]): number | null {
  return logins.length === 0 ? null : Math.min(...logins.map(({ deadline }) => deadline));
}
