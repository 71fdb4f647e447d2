import { type ProbeRun, observe } from "../../net/probe-run.ts";
import type { CodedReply } from "../protocols/mail-replies.ts";
import { ended, mismatch, type Ended, leave } from "./line-session.ts";
import { refused, smtpCommand, smtpReason, type SmtpSession, openSmtp } from "./smtp-dialogue.ts";
import type { Account } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

interface LoggedIn {
  readonly kind: "logged_in";
}

/** AUTH by LOGIN, which Exchange's client connectors offer, or by PLAIN. NTLM and GSSAPI are not spoken over SMTP. */
async function logInToSmtp(
  run: ProbeRun,
  session: SmtpSession,
  account: Account,
): Promise<LoggedIn | Ended> {
  const offered = session.extensions
    .filter((line) => /^AUTH[ =]/.test(line))
    .flatMap((line) => line.slice(5).split(/\s+/));
  if (offered.length === 0) {
    return mismatch(run, "greeting", "auth_schemes_differ", "AUTH is not offered");
  }
  if (offered.includes("LOGIN")) {
    return byLogin(run, session, account);
  }
  return offered.includes("PLAIN")
    ? byPlain(run, session, account)
    : mismatch(run, "greeting", "auth_schemes_differ", `AUTH offers only ${offered.join(" ")}`);
}

async function byLogin(
  run: ProbeRun,
  session: SmtpSession,
  account: Account,
): Promise<LoggedIn | Ended> {
  const asked = await smtpCommand(run, session, "AUTH LOGIN", "greeting");
  if (asked.kind === "ended") {
    return asked;
  }
  if (asked.code !== 334) {
    return answered(run, asked);
  }
  const user = await smtpCommand(run, session, base64(account.username), "login", "<user name>");
  if (user.kind === "ended") {
    return user;
  }
  if (user.code !== 334) {
    return answered(run, user);
  }
  const pass = await smtpCommand(run, session, base64(account.password), "login", "<secret>");
  run.phase("login");
  return pass.kind === "ended" ? pass : answered(run, pass);
}

async function byPlain(
  run: ProbeRun,
  session: SmtpSession,
  account: Account,
): Promise<LoggedIn | Ended> {
  const token = base64(`\0${account.username}\0${account.password}`);
  run.hide(token);
  const reply = await smtpCommand(
    run,
    session,
    `AUTH PLAIN ${token}`,
    "login",
    "AUTH PLAIN <secret>",
  );
  run.phase("login");
  return reply.kind === "ended" ? reply : answered(run, reply);
}

/** Exchange in maintenance says 421 4.3.2 here; 454 is a back end that cannot be asked; 535 is a credential refused. */
function answered(run: ProbeRun, reply: CodedReply): LoggedIn | Ended {
  const words = `${String(reply.code)} ${reply.text}`;
  switch (reply.code) {
    case 235:
      return { kind: "logged_in" };
    case 535:
      return ended(run.fault("login", "auth_rejected", words));
    case 454:
      return mismatch(run, "login", "backend_unavailable", words);
    case 504:
    case 534:
    case 538:
      return mismatch(run, "greeting", "auth_schemes_differ", words);
    default:
      return smtpReason(reply) === "bad_status"
        ? mismatch(run, "login", "bad_status", words)
        : refused(run, "login", reply);
  }
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/**
 * Hands in mail as far as the sender: 220, EHLO, STARTTLS, AUTH, `MAIL FROM` the account's own address, RSET, QUIT. No
 * recipient is named and nothing is sent. A hub transport that drains refuses only after AUTH, at MAIL FROM.
 */
export const smtpSubmission: TransactionType = {
  transaction: "smtp_submission",
  needsAccount: true,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      if (account === null) {
        return run.fault("transaction", "not_configured", "no account is configured");
      }
      run.hide(account.password);
      const session = await openSmtp(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      const loggedIn = await logInToSmtp(run, session, account);
      if (loggedIn.kind === "ended") {
        return loggedIn.observation;
      }
      const sender = account.address ?? "";
      const from = await smtpCommand(run, session, `MAIL FROM:<${sender}>`, "mail_from");
      if (from.kind === "ended") {
        return from.observation;
      }
      if (from.code !== 250) {
        return refused(run, "mail_from", from).observation;
      }
      const reset = await smtpCommand(run, session, "RSET", "mail_from");
      if (reset.kind === "ended") {
        return reset.observation;
      }
      await leave(session.connection, "QUIT\r\n");
      return run.match("mail_from", `${String(from.code)} ${from.text}`);
    }),
};
