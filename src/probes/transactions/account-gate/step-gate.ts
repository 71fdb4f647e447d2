import { changeSecret } from "./change-secret.ts";
import type { BrokenPlace, GateState, LoginPlace, LoginUnderWay, Suspect } from "./gate-state.ts";
import { expire, suspect, without } from "./suspicion.ts";

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
const LONGEST_BACK_OFF_MS = 30 * 60_000;
const MOST_BROKEN = 500;

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
    broken: elsewhere.reduce(markBroken, broken).slice(-MOST_BROKEN),
  };
}

function markBroken(broken: readonly BrokenPlace[], { place, at }: Suspect): BrokenPlace[] {
  const known = broken.find(({ key }) => key === place.key);
  const backOffMs =
    known === undefined ? BACK_OFF_MS : Math.min(known.backOffMs * 2, LONGEST_BACK_OFF_MS);
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
