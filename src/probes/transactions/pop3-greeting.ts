import type { Target } from "../../net/probe-context.ts";
import type { Step } from "../../model/reasons.ts";
import { signsOfGreeting } from "../../model/exchange-signs.ts";
import { mailRefusalReason } from "../../net/mail-replies.ts";
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
import type { TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

/** A session that has had its greeting and told what it can do. */
export interface Pop3Session extends LineSession {
  readonly greeting: string;
  /** First words of the CAPA lines, in upper case; empty where the server knows no CAPA (RFC 1939 alone). */
  readonly capabilities: ReadonlySet<string>;
}

/** Connect, greeting, CAPA; with STLS, the TLS handshake and CAPA again. */
export async function openPop3(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<Pop3Session | Ended> {
  const opened = await openLineSession(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const first = await opened.reader.line();
  run.phase("banner");
  if (first.kind !== "line") {
    return ended(run.fail("banner", first));
  }
  const greeting = first.text;
  if (!/^\+OK\b/i.test(greeting)) {
    const refusal = { protocol: "pop3", text: greeting } as const;
    const reason = /^-ERR\b/i.test(greeting)
      ? mailRefusalReason(refusal, "greeting")
      : "banner_mismatch";
    return mismatch(run, "banner", reason, greeting);
  }
  run.identify(signsOfGreeting(greeting));
  const clear = await capabilities(run, opened);
  if (clear.kind === "ended") {
    return clear;
  }
  if (!beginsTls(spec, clear.names.has("STLS"))) {
    return { ...opened, greeting, capabilities: clear.names };
  }
  const answer = await pop3Command(run, opened, "STLS", "starttls");
  if (answer.kind === "ended") {
    return answer;
  }
  if (!answer.ok) {
    return mismatch(run, "starttls", "tls_handshake", `STLS: ${answer.text}`);
  }
  const secured = await secureSession(run, spec, opened);
  if (secured.kind === "ended") {
    return secured;
  }
  const now = await capabilities(run, secured);
  return now.kind === "ended" ? now : { ...secured, greeting, capabilities: now.names };
}

interface Pop3Answer {
  readonly kind: "answer";
  readonly ok: boolean;
  readonly text: string;
}

/** One command and its status line. */
async function pop3Command(
  run: ProbeRun,
  { connection, reader }: LineSession,
  text: string,
  step: Step,
): Promise<Pop3Answer | Ended> {
  connection.write(`${text}\r\n`);
  const line = await reader.line();
  run.phase("transaction");
  if (line.kind !== "line") {
    return answerBroke(run, step, line);
  }
  const status = /^(\+OK|-ERR)\b/i.exec(line.text)?.[1];
  return status === undefined
    ? mismatch(run, step, "protocol_error", line.text)
    : { kind: "answer", ok: status === "+OK", text: line.text };
}

async function capabilities(
  run: ProbeRun,
  session: LineSession,
): Promise<{ readonly kind: "names"; readonly names: ReadonlySet<string> } | Ended> {
  const answer = await pop3Command(run, session, "CAPA", "greeting");
  if (answer.kind === "ended") {
    return answer;
  }
  if (!answer.ok) {
    return { kind: "names", names: new Set() };
  }
  const listed = await session.reader.untilDot();
  if (listed.kind !== "lines") {
    return answerBroke(run, "greeting", listed);
  }
  const names = listed.lines.map((line) => line.toUpperCase().split(/\s+/)[0] ?? "");
  return { kind: "names", names: new Set(names) };
}

/** The look at POP3 that needs no account: TLS where it is due, greeting, CAPA, QUIT. As `imap_greeting` otherwise. */
export const pop3Greeting: TransactionType = {
  transaction: "pop3_greeting",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const session = await openPop3(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      await leave(session.connection, "QUIT\r\n");
      return run.match("greeting", session.greeting);
    }),
};
