import type { LoginOutcome } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import { protocolError, type ExchangeError } from "./exchange-error.ts";
import type { LineReader } from "./line-reader.ts";

/** A negative reply of a mail server. */
export type MailRefusal =
  /** `text` is what follows the code, the enhanced code first where there is one (RFC 2034). */
  | { readonly protocol: "smtp"; readonly code: number; readonly text: string }
  /** `* BYE …`, or a tagged answer without its tag: `NO [UNAVAILABLE] …`. */
  | { readonly protocol: "imap"; readonly text: string }
  /** `-ERR …`, with or without the `-ERR`. */
  | { readonly protocol: "pop3"; readonly text: string };

/** When it was received: instead of the greeting, or in reply to a command before or after the login. */
export type MailStep = "greeting" | "command" | "mailbox";

/**
 * Classifies a refusal, in the same way for monitors and transactions. Codes take precedence; without a code, known texts of
 * Exchange and of connection limits decide. Exchange in maintenance sends `421 4.3.2 Service not active` or `… not available`;
 * the same code reports connection limits, in total or per source. `Server Unavailable. 21` comes from the mailbox store or the
 * directory.
 */
export function mailRefusalReason(refusal: MailRefusal, step: MailStep): FailureReason {
  if (refusal.protocol === "smtp") {
    return smtpReason(refusal);
  }
  const coded = refusalByCode(refusal)?.reason;
  if (coded !== undefined) {
    return coded;
  }
  const { text } = refusal;
  if (/Server Unavailable|\bnot connected\b/i.test(text)) {
    return "backend_unavailable";
  }
  if (isLimit(text)) {
    return "throttled";
  }
  if (refusal.protocol === "pop3" && step === "command" && TLS_REQUIRED.test(text)) {
    return "ssl_required";
  }
  return step === "greeting" || isBye(refusal) ? "bye" : "bad_status";
}

/** Classifies a refusal after the password was sent, and whether the credential was rejected. */
export interface LoginRefusal {
  readonly reason: FailureReason;
  readonly login: Exclude<LoginOutcome, "accepted">;
}

/**
 * After the password was sent, any reply but an acceptance may be a rejection. Only codes (RFC 5530 for IMAP, RFC 2449 and 3206
 * for POP3, RFC 4954 and 3463 for SMTP) and a complete numbered line of Exchange rule that out; other text may contain
 * anything, even the user's name.
 */
export function mailLoginRefusal(refusal: MailRefusal): LoginRefusal {
  if (refusal.protocol === "smtp") {
    return smtpLoginRefusal(refusal);
  }
  const coded = refusalByCode(refusal);
  if (coded !== undefined) {
    return coded;
  }
  const reason = mailRefusalReason(refusal, "mailbox");
  if (EXCHANGE_BACK_END.test(refusal.text)) {
    return { reason, login: "not_tried" };
  }
  return reason === "bad_status"
    ? { reason: "auth_rejected", login: "rejected" }
    : { reason, login: "unanswered" };
}

const TLS_REQUIRED = /not valid in this state|\b(TLS|SSL|encrypt(ed|ion)|plaintext)\b/i;
/** Exchange's front end accepted the login but cannot reach the mailbox. */
const EXCHANGE_BACK_END = /^(-ERR |NO |\* BYE )?Server Unavailable\. \d{1,3}$/i;

function refusalByCode(
  refusal: Exclude<MailRefusal, { protocol: "smtp" }>,
): LoginRefusal | undefined {
  const code = /^(?:-ERR |NO |BAD |\* BYE )?\[([A-Z/-]{1,32})\]/i.exec(refusal.text)?.[1];
  const codes = refusal.protocol === "imap" ? IMAP_CODES : POP3_CODES;
  return code === undefined ? undefined : codes.get(code.toUpperCase());
}

const IMAP_CODES: ReadonlyMap<string, LoginRefusal> = new Map<string, LoginRefusal>([
  ["UNAVAILABLE", { reason: "backend_unavailable", login: "not_tried" }],
  ["SERVERBUG", { reason: "backend_unavailable", login: "not_tried" }],
  ["INUSE", { reason: "backend_unavailable", login: "not_tried" }],
  ["LIMIT", { reason: "throttled", login: "not_tried" }],
  ["PRIVACYREQUIRED", { reason: "ssl_required", login: "not_tried" }],
  ["AUTHENTICATIONFAILED", { reason: "auth_rejected", login: "rejected" }],
  ["AUTHORIZATIONFAILED", { reason: "auth_rejected", login: "rejected" }],
  ["EXPIRED", { reason: "auth_rejected", login: "rejected" }],
]);
const POP3_CODES: ReadonlyMap<string, LoginRefusal> = new Map<string, LoginRefusal>([
  ["SYS/TEMP", { reason: "backend_unavailable", login: "not_tried" }],
  ["SYS/PERM", { reason: "backend_unavailable", login: "not_tried" }],
  ["IN-USE", { reason: "backend_unavailable", login: "not_tried" }],
  ["LOGIN-DELAY", { reason: "throttled", login: "not_tried" }],
  ["AUTH", { reason: "auth_rejected", login: "rejected" }],
]);

/**
 * Exchange's reply to a client address that no receive connector accepts; other clients may be served. "Not active", or 421
 * without an enhanced code (RFC 5321), applies to all clients.
 */
export function isRejectedByConnectors(reply: string): boolean {
  return /^421 4\.3\.2 Service not available\b/i.test(reply);
}

type SmtpRefusal = Extract<MailRefusal, { protocol: "smtp" }>;

function smtpReason({ code, text }: SmtpRefusal): FailureReason {
  const enhanced = /^[45]\.(\d{1,3}\.\d{1,3})(?=\s|$)/.exec(text)?.[1] ?? null;
  if (enhanced === "3.1" || (enhanced === null && code === 452)) {
    return "back_pressure";
  }
  const isPolicy =
    enhanced?.startsWith("7.") === true &&
    code !== TEMPORARY_AUTH_FAILURE &&
    !EXCHANGE_PROXY.test(text);
  if ((enhanced === null && code === 421) || enhanced === "3.2" || isPolicy) {
    if (isLimit(text)) {
      return PER_SOURCE.test(text) ? "source_limit" : "throttled";
    }
    if (isPolicy) {
      return "policy_refused";
    }
    return enhanced !== null || /\bnot (active|available)\b/i.test(text)
      ? "service_not_active"
      : "bad_status";
  }
  return enhanced === null && code === 530 ? "policy_refused" : "bad_status";
}

/** RFC 4954 section 6; in reply to STARTTLS the same code means that TLS is temporarily unavailable (RFC 3207). */
const TEMPORARY_AUTH_FAILURE = 454;

/** Exchange's front end cannot reach a back end. The code looks like a policy rejection, but it is an outage. */
const EXCHANGE_PROXY = /^4\.7\.0 Temporary server error\b/i;
/** As text (Exchange) or with the address (Postfix). */
const PER_SOURCE = /\bsource\b|\bfrom (?:(?:this|your)\b|\[?[\da-f]{1,4}[.:])/i;

function smtpLoginRefusal(refusal: SmtpRefusal): LoginRefusal {
  const { code, text } = refusal;
  switch (code) {
    case 535:
    case 432:
      return { reason: "auth_rejected", login: "rejected" };
    case TEMPORARY_AUTH_FAILURE:
      return { reason: "backend_unavailable", login: "not_tried" };
    case 504:
    case 534:
    case 538:
      return { reason: "scheme_unsupported", login: "not_tried" };
    default: {
      // X.3.X is about the mail system (RFC 3463), not about the user.
      const isSystem = code < 500 && /^4\.3\.\d{1,3}(?=\s|$)/.test(text);
      return { reason: smtpReason(refusal), login: isSystem ? "not_tried" : "unanswered" };
    }
  }
}

/** Texts of Exchange and others for limits of connections, sessions or messages. */
function isLimit(text: string): boolean {
  return /\btoo many\b|maximum number|\b(rate|connection) limit|\bthrottl|Connection refused|Connection is closed\. 10\b/i.test(
    text,
  );
}

function isBye({ text }: { readonly text: string }): boolean {
  return /^\* BYE\b/i.test(text);
}

/** A reply of SMTP, FTP or NNTP: three digits, and the text of all its lines. */
export interface CodedReply {
  readonly kind: "reply";
  readonly code: number;
  /** Text after the code, line by line. */
  readonly lines: readonly string[];
  readonly text: string;
}

/** Reads a reply of one or more lines (RFC 5321 section 4.2.1, RFC 959 section 4.2). */
export async function readReply(reader: LineReader): Promise<CodedReply | ExchangeError> {
  let code: string | null = null;
  const answer = await reader.until((line) => {
    code ??= /^\d{3}(?=[ -]|$)/.exec(line)?.[0] ?? "";
    return code === "" || (line.startsWith(code) && line[3] !== "-");
  });
  if (answer.kind !== "lines") {
    return answer;
  }
  const first = answer.lines[0] ?? "";
  if (!/^\d{3}(?:[ -]|$)/.test(first)) {
    return protocolError(`not a reply: ${first.slice(0, 120)}`);
  }
  const lines = answer.lines.map((line) => (/^\d{3}(?:[ -]|$)/.test(line) ? line.slice(4) : line));
  return { kind: "reply", code: Number(first.slice(0, 3)), lines, text: lines.join("\n") };
}
