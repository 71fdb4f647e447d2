import { errorMessage } from "../../lib/error-code.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { resolveTarget } from "../../net/dial.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { disclose } from "../../net/disclose.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { proofOf } from "../../net/server-proof.ts";
import { clientSocketOptions } from "./client-tls.ts";
import { stepOfLibraryBreak } from "./library-guard.ts";
import { ended, leave, mismatch, type Ended } from "./line-session.ts";
import { openPop3, pop3Command, type Pop3Session } from "./pop3-greeting.ts";
import { guardedPop3 } from "./pop3-client.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Logs in over POP3: greeting and CAPA by our own hand first, then login, STAT, QUIT. node-pop3 does the login where it
 * can; elsewhere our own dialogue goes on.
 */
export const pop3Login: TransactionType = {
  transaction: "pop3_login",
  needsAccount: true,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      if (account === null) {
        return run.fault("transaction", "not_configured", "no account is configured");
      }
      run.redact(account.password);
      const session = await openPop3(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      const disclosed = disclose(session.connection, account.password, spec.allowPlaintext);
      if (disclosed.kind === "withheld") {
        return disclosed.observation;
      }
      const stat = logsInByHand(spec, context)
        ? await logInByHand(run, session, account.username, disclosed.text)
        : await logInByLibrary(run, spec, target, account, disclosed.text, session);
      if (stat.kind === "ended") {
        return stat.observation;
      }
      // "+OK" and two numbers (RFC 1939 section 5): anything else is no mailbox.
      return /^(\+OK )?\d+ \d+/.test(stat.text)
        ? run.match("transaction", stat.text)
        : run.ended("failed", "transaction", "protocol_error", stat.text.slice(0, 200));
    }),
};

/** node-pop3 knows neither STLS nor a local address, and cannot compare a pinned certificate with its own connection's. */
function logsInByHand({ security, tls }: TransactionSpec, { localAddress }: ProbeContext): boolean {
  const pinned = tls !== null && proofOf(tls).kind === "pinned";
  return security === "starttls" || localAddress !== null || pinned;
}

interface Stat {
  readonly kind: "stat";
  readonly text: string;
}

async function logInByHand(
  run: ProbeRun,
  session: Pop3Session,
  username: string,
  password: string,
): Promise<Stat | Ended> {
  const user = await pop3Command(run, session, `USER ${username}`, "login");
  if (user.kind === "ended") {
    return user;
  }
  if (!user.ok) {
    return refused(run, "login", user.text);
  }
  run.login = "unanswered";
  const pass = await pop3Command(run, session, `PASS ${password}`, "login", "PASS <secret>");
  run.phase("login");
  if (pass.kind === "ended") {
    return pass;
  }
  if (!pass.ok) {
    return refusedPassword(run, pass.text);
  }
  run.login = "accepted";
  const stat = await pop3Command(run, session, "STAT", "transaction");
  if (stat.kind === "ended") {
    return stat;
  }
  if (!stat.ok) {
    return refused(run, "transaction", stat.text);
  }
  await leave(session.connection, "QUIT\r\n");
  return { kind: "stat", text: stat.text };
}

async function logInByLibrary(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
  password: string,
  looked: Pop3Session,
): Promise<Stat | Ended> {
  await leave(looked.connection, "QUIT\r\n");
  const resolved = await resolveTarget(run, target, "tcp");
  if (resolved.kind === "failed") {
    return ended(run.fail(resolved.step, resolved.why));
  }
  const tls = spec.security === "implicit" ? spec.tls : null;
  const client = guardedPop3(run, {
    host: resolved.address,
    port: resolved.port,
    user: account.username,
    password,
    tls: tls !== null,
    servername: tls?.serverName ?? "",
    tlsOptions: clientSocketOptions(run, tls),
  });
  run.transcript.note(`login as ${account.name}`);
  const loggedIn = await client.logIn();
  run.phase("login");
  if (loggedIn.kind === "value") {
    run.login = "accepted";
  } else {
    const sent = client.passwordSent();
    run.login = sent ? "unanswered" : null;
    if (loggedIn.kind !== "error") {
      return ended(run.fail(stepOfLibraryBreak(loggedIn, "login"), loggedIn));
    }
    const words = errorMessage(loggedIn.error);
    return sent ? refusedPassword(run, words) : refused(run, "login", words);
  }
  const stat = await client.stat();
  run.phase("transaction");
  if (stat.kind === "error") {
    return refused(run, "transaction", errorMessage(stat.error));
  }
  if (stat.kind !== "value") {
    return ended(run.fail("transaction", stat));
  }
  await client.quit();
  return { kind: "stat", text: stat.value };
}

/** What `-ERR` to PASS means. Exchange says the same to a wrong password and to a dead back end. */
function refusedPassword(run: ProbeRun, text: string): Ended {
  const { reason, login } = mailLoginRefusal({ protocol: "pop3", text });
  run.login = login;
  return reason === "auth_rejected"
    ? ended(run.fault("login", reason, text))
    : mismatch(run, "login", reason, text);
}

/** What `-ERR` to another command means. */
function refused(run: ProbeRun, step: "login" | "transaction", text: string): Ended {
  const at = step === "login" ? "command" : "mailbox";
  return mismatch(run, step, mailRefusalReason({ protocol: "pop3", text }, at), text);
}
