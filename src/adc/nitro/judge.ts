import type { BackOffReason } from "../../lib/pacing.ts";
import type { Envelope } from "./envelope-reader.ts";
import type { HttpAnswer, HttpResult } from "./transport.ts";

/**
 * What to do about an error of NITRO: `permission` the account lacks a command policy · `empty` no such object · `stale` our
 * estate names an object that no longer exists · `drop_arguments` the firmware does not support these arguments · `relogin`
 * the session has ended · `stop` another request could lock the account · `back_off`, `back_off_long` too many sessions or
 * connections · `unavailable` feature not licensed or not enabled · `secondary` this node is not the primary · `none` no error
 * for a reader · `failure` any other.
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

/** Whether anything answered, even a web server in NITRO's place: then only this resource is missing. */
export function isAnswer(code: string): boolean {
  return /^(?:\d+|http_\w+|not_nitro)$/.test(code);
}

/** A bounded set of texts for a metric's label: unknown NITRO codes are `other`. */
export function codeLabel(code: string): string {
  const errorCode = Number(code);
  return !Number.isInteger(errorCode) ||
    ACTIONS.has(errorCode) ||
    (errorCode >= 1232 && errorCode <= 1243)
    ? code
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

/** The outcome of an exchange, and what to do about it. */
export type Judged =
  | {
      readonly kind: "answered";
      readonly code: "0";
      readonly envelope: Envelope;
      readonly cookies: readonly string[];
    }
  | {
      readonly kind: "broken";
      readonly action: ErrorAction;
      /** NITRO's error code, an HTTP status, or the kind of failure. */
      readonly code: string;
      /** The error; one line. */
      readonly words: string;
      /** Node's or OpenSSL's own code. */
      readonly cause: string;
      /** Where a redirect leads. */
      readonly location: string | null;
      /** HTTP status, or 0 when there was no HTTP answer. */
      readonly status: number;
    };

/**
 * A warning has an error code, and rows or a session: it is an answer (1044 of a cluster, 1028 of a secondary, 1203 of a
 * read-only session).
 */
export function judge(result: HttpResult, resource: string): Judged {
  if (result.kind === "failed") {
    const { code, message, cause } = result;
    return { ...BROKEN, action: "failure", code, words: message, cause, status: 0 };
  }
  const { status, envelope, cookies, location } = result;
  if (envelope === null) {
    const words = withoutEnvelope(result);
    return { ...BROKEN, ...judgeStatus(status), status, words, location };
  }
  const { errorCode } = envelope;
  const action = actionOf(errorCode);
  const warned = envelope.severity === "WARNING" || envelope.rows.has(resource);
  const carries = envelope.rows.has(resource) || envelope.sessionId !== null;
  const answers =
    action === "none" ||
    (warned && action === "secondary") ||
    (envelope.severity === "WARNING" && action === "failure" && carries);
  if (answers) {
    return status < 400 || errorCode !== 0
      ? { kind: "answered", code: "0", envelope, cookies }
      : { ...BROKEN, ...judgeStatus(status), status, words: `HTTP ${String(status)}` };
  }
  const words = `${envelope.message} [${String(errorCode)}]`.slice(0, 300);
  return { ...BROKEN, action, code: String(errorCode), words, status };
}

const BROKEN = { kind: "broken", cause: "", location: null } as const;

/** What answered over HTTP, but not in NITRO's JSON. */
function withoutEnvelope({ status, location, contentType }: HttpAnswer): string {
  if (status >= 300 && status < 400 && location !== null) {
    return `HTTP ${String(status)} to ${location.slice(0, 200)}`;
  }
  if (status >= 200 && status < 300) {
    const type = contentType === null ? "" : ` (${contentType.slice(0, 60)})`;
    return `HTTP ${String(status)} with a body that is not NITRO's JSON${type}`;
  }
  return `HTTP ${String(status)}`;
}

/** HTTP statuses without a NITRO answer: from a proxy, or from the appliance's own web server. */
function judgeStatus(status: number): { action: ErrorAction; code: string } {
  switch (status) {
    case 401:
      return { action: "relogin", code: "http_401" };
    case 403:
      return { action: "permission", code: "http_403" };
    case 404:
    case 405:
      return { action: "drop_arguments", code: `http_${String(status)}` };
    case 409:
    case 429:
    case 503:
      return { action: "back_off", code: `http_${String(status)}` };
    default:
      return { action: "failure", code: statusClass(status) };
  }
}

function statusClass(status: number): string {
  return status < 300 ? "not_nitro" : `http_${String(Math.floor(status / 100))}xx`;
}

export function backOffReason(action: ErrorAction): BackOffReason {
  switch (action) {
    case "back_off":
      return "busy";
    case "back_off_long":
      return "connection_limit";
    default:
      return "no_answer";
  }
}
