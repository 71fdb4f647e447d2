import { disclose } from "../../net/server-proof.ts";
import { type ProbeRun, observe } from "../../net/probe-run.ts";
import { mailLoginRefusal, type CodedReply } from "../../net/mail-replies.ts";
import { ended, mismatch, type Ended, leave, refusedLogin } from "./line-session.ts";
import { smtpCommand, type SmtpSession, openSmtp, refused } from "./smtp-dialogue.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

interface LoggedIn {
  readonly kind: "logged_in";
}

/** AUTH by LOGIN, which Exchange's client connectors offer, or by PLAIN. NTLM and GSSAPI are not spoken over SMTP. */
async function logInToSmtp(
  run: ProbeRun,
  session: SmtpSession,
  account: Account,
  { allowPlaintext }: Pick<TransactionSpec, "allowPlaintext">,
): Promise<LoggedIn | Ended> {
  const offered = session.extensions
    .filter((line) => /^AUTH[ =]/.test(line))
    .flatMap((line) => line.slice(5).split(/\s+/));
  if (offered.length === 0) {
    return mismatch(run, "greeting", "auth_schemes_differ", "AUTH is not offered");
  }
  const password = disclose(session.connection, account.password, allowPlaintext);
  if (password.kind === "withheld") {
    return ended(password.observation);
  }
  if (offered.includes("LOGIN")) {
    return byLogin(run, session, account.username, password.text);
  }
  return offered.includes("PLAIN")
    ? byPlain(run, session, account.username, password.text)
    : ended(run.fault("greeting", "scheme_unsupported", `AUTH offers only ${offered.join(" ")}`));
}

async function byLogin(
  run: ProbeRun,
  session: SmtpSession,
  username: string,
  password: string,
): Promise<LoggedIn | Ended> {
  const asked = await smtpCommand(run, session, "AUTH LOGIN", "greeting");
  if (asked.kind === "ended") {
    return asked;
  }
  if (asked.code !== 334) {
    return answered(run, asked);
  }
  const user = await smtpCommand(run, session, base64(username), "login", "<user name>");
  if (user.kind === "ended") {
    return user;
  }
  if (user.code !== 334) {
    return answered(run, user);
  }
  run.login = "unanswered";
  const pass = await smtpCommand(run, session, base64(password), "login", "<secret>");
  run.phase("login");
  return pass.kind === "ended" ? pass : answered(run, pass);
}

async function byPlain(
  run: ProbeRun,
  session: SmtpSession,
  username: string,
  password: string,
): Promise<LoggedIn | Ended> {
  const token = base64(`\0${username}\0${password}`);
  run.redact(token);
  run.login = "unanswered";
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

/** The answer to a step of AUTH; before the password was sent it says nothing of the credential. */
function answered(run: ProbeRun, { code, text }: CodedReply): LoggedIn | Ended {
  if (code === 235) {
    run.login = "accepted";
    return { kind: "logged_in" };
  }
  const words = `${String(code)} ${text}`;
  return refusedLogin(run, mailLoginRefusal({ protocol: "smtp", code, text }), words);
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
      run.redact(account.password);
      const session = await openSmtp(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      const loggedIn = await logInToSmtp(run, session, account, spec);
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
