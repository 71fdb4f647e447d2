import { protocolBreak, type Break } from "../../net/break.ts";
import type { LineReader } from "../../net/line-reader.ts";
import type { FailureReason } from "../../model/reasons.ts";

/** A reply of SMTP, FTP or NNTP: three digits, and the text of all its lines. */
export interface CodedReply {
  readonly kind: "reply";
  readonly code: number;
  /** Text after the code, line by line. */
  readonly lines: readonly string[];
  readonly text: string;
}

/** Reads a reply of one or more lines (RFC 5321 section 4.2.1, RFC 959 section 4.2). */
export async function readReply(reader: LineReader): Promise<CodedReply | Break> {
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
    return protocolBreak(`not a reply: ${first.slice(0, 120)}`);
  }
  const lines = answer.lines.map((line) => (/^\d{3}(?:[ -]|$)/.test(line) ? line.slice(4) : line));
  return { kind: "reply", code: Number(first.slice(0, 3)), lines, text: lines.join("\n") };
}

/**
 * What a refusal of SMTP means. Texts are Exchange's own: `421 4.3.2 Service not active` (or not available) is a server
 * component out of service, "maximum number of concurrent" a connection limit, `452 4.3.1` back pressure.
 */
export function reasonOfSmtpReply(code: number, text: string): FailureReason {
  if (/per(-| )source|from (this|your) (source|address|ip)/i.test(text) && code === 421) {
    return "source_limit";
  }
  if (/maximum number of concurrent|too many (concurrent )?connections/i.test(text)) {
    return "throttled";
  }
  if (/not (active|available)/i.test(text) && code === 421) {
    return "service_not_active";
  }
  if (code === 452 || /4\.3\.1\b/.test(text)) {
    return "back_pressure";
  }
  return "bad_status";
}

/** `* BYE` of IMAP, `-ERR` of POP3 as a greeting or in the middle: the server ends the conversation. */
export function reasonOfMailRefusal(text: string): FailureReason {
  if (/connection (is )?(closed|refused)\.? *10\b|too many|maximum/i.test(text)) {
    return "throttled";
  }
  return "bye";
}
