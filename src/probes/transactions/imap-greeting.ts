import type { FailureReason } from "../../model/reasons.ts";
import { signsOfGreeting } from "../../model/exchange-signs.ts";
import { type ProbeRun, observe } from "../../net/probe-run.ts";
import {
  answerBroke,
  beginsTls,
  ended,
  mismatch,
  openLineSession,
  secureSession,
  type Ended,
  type LineSession,
  leave,
} from "./line-session.ts";
import type { Target } from "../../net/probe-context.ts";
import type { TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

/** A session that has had its greeting and told what it can do. */
interface ImapSession extends LineSession {
  readonly greeting: string;
  /** In upper case. */
  readonly capabilities: ReadonlySet<string>;
}

/** Connect, greeting, CAPABILITY; with STARTTLS, the TLS handshake and CAPABILITY again. */
export async function openImap(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<ImapSession | Ended> {
  const opened = await openLineSession(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const first = await opened.reader.line();
  run.phase("banner");
  if (first.kind !== "line") {
    return ended(run.broken("banner", first));
  }
  const greeting = first.text;
  if (!/^\* (OK|PREAUTH)\b/i.test(greeting)) {
    const reason = /^\* BYE\b/i.test(greeting) ? imapByeReason(greeting) : "banner_mismatch";
    return mismatch(run, "banner", reason, greeting);
  }
  run.sign(signsOfGreeting(greeting));
  const clear = await capabilities(run, opened, "a1");
  if (clear.kind === "ended") {
    return clear;
  }
  // RFC 3501 section 6.2.1: no STARTTLS for a client that the greeting has already let in.
  const offered = clear.names.has("STARTTLS") && !/^\* PREAUTH\b/i.test(greeting);
  if (!beginsTls(spec, offered)) {
    return { ...opened, greeting, capabilities: clear.names };
  }
  if (!offered) {
    return mismatch(run, "starttls", "tls_handshake", "STARTTLS is not offered");
  }
  const answer = await command(run, opened, "a2", "STARTTLS", "starttls");
  if (answer.kind === "ended") {
    return answer;
  }
  if (answer.status !== "OK") {
    return mismatch(run, "starttls", "tls_handshake", answer.text);
  }
  const secured = await secureSession(run, spec, opened);
  if (secured.kind === "ended") {
    return secured;
  }
  const now = await capabilities(run, secured, "a3");
  return now.kind === "ended" ? now : { ...secured, greeting, capabilities: now.names };
}

/**
 * What a `BYE` means. Exchange numbers them: 10 too many connections, 11 and 13 time-outs, 12 shutting down, 14 no
 * certificate or too many bad commands, 15 TLS failure; `Server Unavailable. 15` is the store's or the directory's.
 */
export function imapByeReason(line: string): FailureReason {
  if (/Server Unavailable/i.test(line)) {
    return "backend_unavailable";
  }
  return /Connection is closed\. 10\b|too many|maximum number/i.test(line) ? "throttled" : "bye";
}

interface ImapAnswer {
  readonly kind: "answer";
  readonly status: string;
  readonly text: string;
  readonly untagged: readonly string[];
}

/** One command and its answer up to the tagged line. A `BYE` on the way, or a break, ends the exchange. */
async function command(
  run: ProbeRun,
  { connection, reader }: LineSession,
  tag: string,
  text: string,
  step: "greeting" | "starttls" | "transaction",
): Promise<ImapAnswer | Ended> {
  connection.write(`${tag} ${text}\r\n`);
  const answer = await reader.until((line) => line.startsWith(`${tag} `));
  run.phase("transaction");
  if (answer.kind !== "lines") {
    return answerBroke(run, step, answer);
  }
  const bye = answer.lines.find((line) => /^\* BYE\b/i.test(line));
  if (bye !== undefined) {
    return mismatch(run, step, imapByeReason(bye), bye);
  }
  const last = (answer.lines.at(-1) ?? "").slice(tag.length + 1);
  const status = /^(OK|NO|BAD)\b/i.exec(last)?.[1];
  if (status === undefined) {
    return mismatch(run, step, "protocol_error", last);
  }
  return {
    kind: "answer",
    status: status.toUpperCase(),
    text: last,
    untagged: answer.lines.slice(0, -1),
  };
}

async function capabilities(
  run: ProbeRun,
  session: LineSession,
  tag: string,
): Promise<{ readonly kind: "names"; readonly names: ReadonlySet<string> } | Ended> {
  const answer = await command(run, session, tag, "CAPABILITY", "greeting");
  if (answer.kind === "ended") {
    return answer;
  }
  const listed = answer.untagged.find((line) => /^\* CAPABILITY /i.test(line));
  if (answer.status !== "OK" || listed === undefined) {
    return mismatch(run, "greeting", "protocol_error", `CAPABILITY: ${answer.text}`);
  }
  const names = new Set(listed.toUpperCase().split(/\s+/).slice(2));
  return names.has("IMAP4REV1") || names.has("IMAP4REV2") || names.has("IMAP4")
    ? { kind: "names", names }
    : mismatch(run, "greeting", "protocol_error", listed);
}

/**
 * The look at IMAP that needs no account: TLS where it is due, greeting, CAPABILITY, LOGOUT. Exchange's front end in
 * maintenance accepts and closes without a byte (`closed_without_data`). A greeting of other words is no failure here:
 * Exchange's banner can be customised.
 */
export const imapGreeting: TransactionType = {
  transaction: "imap_greeting",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const session = await openImap(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      await leave(session.connection, "a9 LOGOUT\r\n");
      return run.match("greeting", session.greeting);
    }),
};
