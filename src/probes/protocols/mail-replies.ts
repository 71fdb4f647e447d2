import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import type { LineReader } from "../../net/line-reader.ts";

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
