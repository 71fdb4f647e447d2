import type { Observation } from "../../model/observation.ts";
import { mailRefusalReason, type CodedReply } from "../../net/mail-replies.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { leave } from "./line-session.ts";
import { openSmtp, refused, smtpCommand, type SmtpSession } from "./smtp-dialogue.ts";
import type { TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

/** Exchange's tarpit starts at 5 s; an answer slower than this is worth a word. */
const SLOW_ANSWER_MS = 4_500;

/**
 * The look at SMTP that needs no account: 220, EHLO, STARTTLS and EHLO again, `MAIL FROM:<>`, RSET, QUIT, and nothing
 * further (but a recipient that must be refused, where asked for), so that no mail is ever sent. Exchange in maintenance greets perfectly and refuses only at MAIL FROM.
 */
export const smtpMailFrom: TransactionType = {
  transaction: "smtp_mail_from",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const session = await openSmtp(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      const asked = run.elapsedMs();
      const reply = await smtpCommand(run, session, "MAIL FROM:<>", "mail_from");
      if (reply.kind === "ended") {
        return reply.observation;
      }
      // Being told that this client may not send, or must log in first, is the service at work.
      if (reply.code !== 250 && !isPolicy(reply)) {
        return refused(run, "mail_from", reply).observation;
      }
      if (session.greetedAfterMs > run.context.timeoutMs / 2) {
        const words = `greeted after ${(session.greetedAfterMs / 1000).toFixed(1)} s, and works`;
        return run.fault("banner", "slow", words);
      }
      const detail = slowAnswer(run, asked) ?? `${String(reply.code)} ${reply.text}`;
      const relayed = reply.code === 250 ? await relayRefused(run, session, spec) : null;
      if (relayed !== null) {
        return relayed;
      }
      if (reply.code === 250) {
        const reset = await smtpCommand(run, session, "RSET", "mail_from");
        if (reset.kind === "ended") {
          return reset.observation;
        }
      }
      await leave(session.connection, "QUIT\r\n");
      // Whether the client's own address survives the way through the ADC.
      const seenAs = session.seenAs === null ? "" : `; the server sees ${session.seenAs}`;
      const inClear =
        session.withoutTls === null
          ? ""
          : `; STARTTLS is offered, but not to be had: ${session.withoutTls}`;
      return run.match("mail_from", `${detail}${seenAs}${inClear}`);
    }),
};

/**
 * With `outside_address` and `expect: blocked`: a recipient elsewhere must be refused. RSET follows, never DATA. Null: as
 * it should be, or not asked for.
 */
async function relayRefused(
  run: ProbeRun,
  session: SmtpSession,
  { expect, options }: TransactionSpec,
): Promise<Observation | null> {
  const address = options["outside_address"];
  if (expect !== "blocked" || typeof address !== "string") {
    return null;
  }
  if (/[\s<>]/.test(address)) {
    return run.fault("mail_from", "not_configured", "outside_address is no address");
  }
  const reply = await smtpCommand(run, session, `RCPT TO:<${address}>`, "transaction");
  if (reply.kind === "ended") {
    return reply.observation;
  }
  if (reply.code < 300) {
    await smtpCommand(run, session, "RSET", "transaction");
    await leave(session.connection, "QUIT\r\n");
    const detail = `mail to ${address} would be relayed: ${String(reply.code)} ${reply.text}`;
    return run.mismatch("transaction", "bad_status", detail);
  }
  return null;
}

/**
 * For good, and by the server's rules: `530 5.7.57 Client was not authenticated`, `550 5.7.1 Client does not have
 * permissions …`, a sender filter. A temporary one (greylisting) may be trouble, and proves nothing.
 */
function isPolicy({ code, text }: CodedReply): boolean {
  return (
    code >= 500 &&
    mailRefusalReason({ protocol: "smtp", code, text }, "command") === "policy_refused"
  );
}

function slowAnswer(run: ProbeRun, asked: number): string | null {
  const waited = run.elapsedMs() - asked;
  return waited < SLOW_ANSWER_MS
    ? null
    : `MAIL FROM was answered after ${(waited / 1000).toFixed(1)} s: a tarpit or back pressure slows this source`;
}
