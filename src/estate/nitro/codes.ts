/**
 * What to do about an error of NITRO:
 * `permission` the account lacks a command policy · `empty` nothing of that name · `stale` our estate names something that is
 * gone · `drop_arguments` the firmware does not know this way of asking · `relogin` the session has ended · `stop` asking
 * again could lock the account · `back_off`, `back_off_long` too many sessions or connections · `unavailable` feature not
 * licensed or not enabled · `secondary` this node is not the primary · `none` nothing wrong for a reader · `failure` the rest.
 */
export type ErrorAction =
  | "none"
  | "permission"
  | "empty"
  | "stale"
  | "drop_arguments"
  | "relogin"
  | "stop"
  | "back_off"
  | "back_off_long"
  | "unavailable"
  | "secondary"
  | "failure";

/** Source: NITRO docs, error messages; the sessions' codes also as the vendor's own clients treat them. */
export function actionOf(errorCode: number): ErrorAction {
  if (errorCode >= 1232 && errorCode <= 1243) {
    return "drop_arguments";
  }
  return ACTIONS.get(errorCode) ?? "failure";
}

/** A bounded set of texts for a metric's label: codes that nobody here knows are `other`. */
export function codeLabel(errorCode: number): string {
  return ACTIONS.has(errorCode) || (errorCode >= 1232 && errorCode <= 1243)
    ? String(errorCode)
    : "other";
}

const ACTIONS: ReadonlyMap<number, ErrorAction> = new Map<number, ErrorAction>([
  [0, "none"],
  [257, "permission"],
  [258, "empty"],
  [269, "permission"],
  [278, "drop_arguments"],
  [344, "stale"],
  [351, "stale"],
  [352, "relogin"],
  [354, "stop"],
  [355, "stop"],
  [356, "unavailable"],
  [371, "permission"],
  [444, "relogin"],
  [445, "back_off"],
  [446, "back_off_long"],
  [452, "relogin"],
  [461, "stale"],
  [462, "stale"],
  [463, "stale"],
  [471, "relogin"],
  [1025, "stop"],
  [1026, "relogin"],
  [1027, "relogin"],
  [1028, "secondary"],
  [1034, "stop"],
  [1046, "stop"],
  [1047, "stop"],
  [1067, "unavailable"],
  [1090, "drop_arguments"],
  [1092, "drop_arguments"],
  [1095, "drop_arguments"],
  [1203, "none"],
  [1205, "failure"],
  [1206, "failure"],
  [1244, "stop"],
  [2138, "permission"],
]);
