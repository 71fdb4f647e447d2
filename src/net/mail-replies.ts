import type { LoginOutcome } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import { protocolError, type ExchangeError } from "./exchange-error.ts";
import type { LineReader } from "./line-reader.ts";

/** A reply of a mail server that says no. */
export type MailRefusal =
  /** `text` is what follows the code, the enhanced code first where there is one (RFC 2034). */
  | { readonly protocol: "smtp"; readonly code: number; readonly text: string }
  /** `* BYE …`, or a tagged answer without its tag: `NO [UNAVAILABLE] …`. */
  | { readonly protocol: "imap"; readonly text: string }
  /** `-ERR …`, with or without the `-ERR`. */
  | { readonly protocol: "pop3"; readonly text: string };

/** Where in the exchange it came: instead of a greeting, to a command before the login, or to one after it. */
export type MailStep = "greeting" | "command" | "mailbox";

/**
 * What a refusal means, the same for a monitor's replica and a transaction. Codes come first; words decide where a server
 * has no codes: those of Exchange, and those for connection limits. Exchange in maintenance says `421 4.3.2 Service not
 * active` or `… not available`; the same code reports connection limits, over all or per source. `Server Unavailable. 21`
 * is the store's or the directory's.
 */
export function mailRefusalReason(refusal: MailRefusal, step: MailStep): FailureReason {
  if (refusal.protocol === "smtp") {
    return smtpReason(refusal);
  }
  const coded = byCode(refusal)?.reason;
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
  if (refusal.protocol === "pop3" && step === "command" && WANTS_TLS.test(text)) {
    return "ssl_required";
  }
  return step === "greeting" || isBye(refusal) ? "bye" : "bad_status";
}

/** What a refusal means that came after the password was sent, and what it says of the credential. */
export interface LoginRefusal {
  readonly reason: FailureReason;
  readonly login: Exclude<LoginOutcome, "accepted">;
}

/**
 * After a password was sent anything but an acceptance may be a rejection. Codes alone acquit (RFC 5530 for IMAP, RFC 2449
 * and 3206 for POP3, RFC 4954 and 3463 for SMTP), and Exchange's own numbered line, whole: words may be anybody's, also a
 * user's name.
 */
export function mailLoginRefusal(refusal: MailRefusal): LoginRefusal {
  if (refusal.protocol === "smtp") {
    return smtpLoginRefusal(refusal);
  }
  const coded = byCode(refusal);
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

const WANTS_TLS = /not valid in this state|\b(TLS|SSL|encrypt(ed|ion)|plaintext)\b/i;
/** Exchange's front end has let the user in, and does not reach the mailbox. */
const EXCHANGE_BACK_END = /^(-ERR |NO |\* BYE )?Server Unavailable\. \d{1,3}$/i;

function byCode(refusal: Exclude<MailRefusal, { protocol: "smtp" }>): LoginRefusal | undefined {
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
 * Exchange's words to a client whose address no receive connector takes: others may be served. Whoever says that it is not
 * active, or 421 without an enhanced code (RFC 5321), serves nobody.
 */
export function isNoConnector(reply: string): boolean {
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

/** RFC 4954 section 6; at STARTTLS the same code says that TLS is not to be had for the moment (RFC 3207). */
const TEMPORARY_AUTH_FAILURE = 454;

/** Exchange's front end does not reach a back end, and numbers it like a matter of security: an outage, no policy. */
const EXCHANGE_PROXY = /^4\.7\.0 Temporary server error\b/i;
/** In words (Exchange), or with the address (Postfix). */
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
      // X.3.X is the mail system's own state (RFC 3463), nothing of the user's.
      const isSystem = code < 500 && /^4\.3\.\d{1,3}(?=\s|$)/.test(text);
      return { reason: smtpReason(refusal), login: isSystem ? "not_tried" : "unanswered" };
    }
  }
}

/** Limits of connections, sessions or messages, as Exchange and others word them. */
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
