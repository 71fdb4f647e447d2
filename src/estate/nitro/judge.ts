import type { BackOffReason } from "./back-off.ts";
import { actionOf, codeLabel, type ErrorAction } from "./codes.ts";
import type { Envelope } from "./envelope-reader.ts";
import type { HttpResult } from "./transport.ts";

/** What an exchange came to, and what is to be done about it. */
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
      readonly code: string;
      readonly message: string;
      /** HTTP status, or 0 when there was no HTTP answer. */
      readonly status: number;
    };

/** Warnings come with an error code and rows: they are answers. */
export function judge(result: HttpResult, resource: string): Judged {
  if (result.kind === "failed") {
    const { code, message } = result;
    return { kind: "broken", action: "failure", code, message, status: 0 };
  }
  const { status, envelope, cookies } = result;
  if (envelope === null) {
    return { ...judgeStatus(status), kind: "broken", status, message: `HTTP ${String(status)}` };
  }
  const { errorCode } = envelope;
  const action = actionOf(errorCode);
  const warned = envelope.severity === "WARNING" || envelope.rows.has(resource);
  if (action === "none" || (action === "secondary" && warned)) {
    return status < 400 || errorCode !== 0
      ? { kind: "answered", code: "0", envelope, cookies }
      : { ...judgeStatus(status), kind: "broken", status, message: envelope.message };
  }
  const message = `${envelope.message} [${String(errorCode)}]`.slice(0, 300);
  return { kind: "broken", action, code: codeLabel(errorCode), message, status };
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
      return status < 400
        ? { action: "failure", code: "not_nitro" }
        : { action: "failure", code: status < 500 ? "http_4xx" : "http_5xx" };
  }
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
