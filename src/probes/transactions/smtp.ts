import type { ProbeRun } from "../../net/probe-run.ts";
import { quitAndClose, ended, mismatch, type Ended, refusedLogin } from "./line-session.ts";
import { openSmtp, refused, smtpCommand, type SmtpSession } from "./smtp-dialogue.ts";
import type { TransactionType } from "../probe.ts";
import type { Observation } from "../../model/observation.ts";
import { mailRefusalReason, type CodedReply, mailLoginRefusal } from "../../net/mail-replies.ts";
import type { TransactionSpec, Account } from "../../model/transactions.ts";
import { disclose } from "../../net/server-proof.ts";

/**
 * Look at any mail server: 220, EHLO, STARTTLS if offered and EHLO again, QUIT. No sender is named, so sender policies do not
 * apply. The replies show whether the server is Exchange.
 */
export const smtpGreeting: TransactionType = {
  transaction: "smtp_greeting",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
    const session = await openSmtp(run, spec, target);
    if (session.kind === "ended") {
      return session.observation;
    }
    await quitAndClose(session.connection, "QUIT\r\n");
    return run.match("greeting", session.banner);
  },
};

/** Exchange's tarpit starts at 5 s; slower replies are reported. */
const SLOW_REPLY_MS = 4_500;

/**
 * SMTP without an account: 220, EHLO, STARTTLS and EHLO again, `MAIL FROM:<>`, RSET, QUIT. No mail is ever sent; a recipient
 * is named only with `outside_address`, and must be refused. Exchange in maintenance greets normally and rejects only MAIL
 * FROM.
 */
export const smtpMailFrom: TransactionType = {
  transaction: "smtp_mail_from",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
    const session = await openSmtp(run, spec, target);
    if (session.kind === "ended") {
      return session.observation;
    }
    const asked = run.elapsedMs();
    const reply = await smtpCommand(run, session, "MAIL FROM:<>", "mail_from");
    if (reply.kind === "ended") {
      return reply.observation;
    }
    // A reply that this client may not send, or must log in first, shows a working service.
    if (reply.code !== 250 && !isPermanentPolicy(reply)) {
      return refused(run, "mail_from", reply).observation;
    }
    if (session.greetedAfterMs > run.context.timeoutMs / 2) {
      const words = `greeting after ${(session.greetedAfterMs / 1000).toFixed(1)} s, then passed`;
      return run.fault("banner", "slow", words);
    }
    const detail = slowReplyDetail(run, asked) ?? `${String(reply.code)} ${reply.text}`;
    const relayed = reply.code === 250 ? await checkRelayRefused(run, session, spec) : null;
    if (relayed !== null) {
      return relayed;
    }
    if (reply.code === 250) {
      const reset = await smtpCommand(run, session, "RSET", "mail_from");
      if (reset.kind === "ended") {
        return reset.observation;
      }
    }
    await quitAndClose(session.connection, "QUIT\r\n");
    // Whether the server sees the client's own address through the ADC.
    const seenAs = session.seenAs === null ? "" : `; the server sees ${session.seenAs}`;
    const inClear =
      session.withoutTls === null ? "" : `; STARTTLS is offered, but fails: ${session.withoutTls}`;
    return run.match("mail_from", `${detail}${seenAs}${inClear}`);
  },
};

/**
 * With `outside_address` and `expect: blocked`, the server must refuse an outside recipient. RSET follows, never DATA. Null:
 * refused, or not configured.
 */
async function checkRelayRefused(
  run: ProbeRun,
  session: SmtpSession,
  { expect, options }: TransactionSpec,
): Promise<Observation | null> {
  const address = options["outside_address"];
  if (expect !== "blocked" || typeof address !== "string") {
    return null;
  }
  if (/[\s<>]/.test(address)) {
    return run.fault("mail_from", "not_configured", "outside_address is not a mail address");
  }
  const reply = await smtpCommand(run, session, `RCPT TO:<${address}>`, "transaction");
  if (reply.kind === "ended") {
    return reply.observation;
  }
  if (reply.code < 300) {
    await smtpCommand(run, session, "RSET", "transaction");
    await quitAndClose(session.connection, "QUIT\r\n");
    const detail = `mail to ${address} would be relayed: ${String(reply.code)} ${reply.text}`;
    return run.mismatch("transaction", "bad_status", detail);
  }
  return null;
}

/**
 * Whether a reply is a permanent rejection by policy: `530 5.7.57 Client was not authenticated`, `550 5.7.1 Client does not
 * have permissions …`, a sender filter. A temporary one (greylisting) may have another cause.
 */
function isPermanentPolicy({ code, text }: CodedReply): boolean {
  return (
    code >= 500 &&
    mailRefusalReason({ protocol: "smtp", code, text }, "command") === "policy_refused"
  );
}

function slowReplyDetail(run: ProbeRun, asked: number): string | null {
  const waited = run.elapsedMs() - asked;
  return waited < SLOW_REPLY_MS
    ? null
    : `MAIL FROM took ${(waited / 1000).toFixed(1)} s: a tarpit or back pressure delays this source`;
}

interface LoggedIn {
  readonly kind: "logged_in";
}

/** Logs in by AUTH LOGIN, which Exchange's client connectors offer, or by AUTH PLAIN. NTLM and GSSAPI are not supported. */
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
    return authLogin(run, session, account.username, password.text);
  }
  return offered.includes("PLAIN")
    ? authPlain(run, session, account.username, password.text)
    : ended(run.fault("greeting", "scheme_unsupported", `AUTH offers only ${offered.join(" ")}`));
}

async function authLogin(
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
    return authResult(run, asked);
  }
  const user = await smtpCommand(run, session, base64(username), "login", "<user name>");
  if (user.kind === "ended") {
    return user;
  }
  if (user.code !== 334) {
    return authResult(run, user);
  }
  run.login = "unanswered";
  const pass = await smtpCommand(run, session, base64(password), "login", "<secret>");
  run.phase("login");
  return pass.kind === "ended" ? pass : authResult(run, pass);
}

async function authPlain(
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
  return reply.kind === "ended" ? reply : authResult(run, reply);
}

/** Result of a reply to AUTH. Before the password was sent, it says nothing about the credential. */
function authResult(run: ProbeRun, { code, text }: CodedReply): LoggedIn | Ended {
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
 * Submits mail up to the sender: 220, EHLO, STARTTLS, AUTH, `MAIL FROM` with the account's address, RSET, QUIT. No recipient
 * is named and nothing is sent. A draining hub transport refuses only after AUTH, at MAIL FROM.
 */
export const smtpSubmission: TransactionType = {
  transaction: "smtp_submission",
  needsAccount: true,
  transport: "tcp",
  probe: async (run, spec, target, account) => {
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
    await quitAndClose(session.connection, "QUIT\r\n");
    return run.match("mail_from", `${String(from.code)} ${from.text}`);
  },
};
