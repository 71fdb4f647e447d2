import type { Target } from "../../net/probe-context.ts";
import { resolveTarget } from "../../net/dial.ts";
import { messageOf, observe, type ProbeRun } from "../../net/probe-run.ts";
import { clientSocketOptions } from "./client-tls.ts";
import { ended, leave, mismatch, type Ended } from "./line-session.ts";
import { openPop3, pop3Command, pop3ErrorReason, type Pop3Session } from "./pop3-greeting.ts";
import { guardedPop3 } from "./pop3-client.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Logs in over POP3: greeting and CAPA by our own hand first, then login, STAT, QUIT. node-pop3 does the login where it
 * can; it knows neither STLS nor a local address, and there our own dialogue goes on.
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
      run.hide(account.password);
      const session = await openPop3(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      const byHand = spec.security === "starttls" || context.localAddress !== null;
      const stat = byHand
        ? await logInByHand(run, session, account)
        : await logInByLibrary(run, spec, target, account, session);
      if (stat.kind === "ended") {
        return stat.observation;
      }
      // "+OK" and two numbers (RFC 1939 section 5): anything else is no mailbox.
      return /^(\+OK )?\d+ \d+/.test(stat.text)
        ? run.match("transaction", stat.text)
        : run.ended("failed", "transaction", "protocol_error", stat.text.slice(0, 200));
    }),
};

interface Stat {
  readonly kind: "stat";
  readonly text: string;
}

async function logInByHand(
  run: ProbeRun,
  session: Pop3Session,
  account: Account,
): Promise<Stat | Ended> {
  const user = await pop3Command(run, session, `USER ${account.username}`, "login");
  if (user.kind === "ended") {
    return user;
  }
  if (!user.ok) {
    return refused(run, user.text);
  }
  const pass = await pop3Command(
    run,
    session,
    `PASS ${account.password}`,
    "login",
    "PASS <secret>",
  );
  run.phase("login");
  if (pass.kind === "ended") {
    return pass;
  }
  if (!pass.ok) {
    return refused(run, pass.text);
  }
  const stat = await pop3Command(run, session, "STAT", "transaction");
  if (stat.kind === "ended") {
    return stat;
  }
  if (!stat.ok) {
    return mismatch(run, "transaction", statReason(stat.text), stat.text);
  }
  await leave(session.connection, "QUIT\r\n");
  return { kind: "stat", text: stat.text };
}

async function logInByLibrary(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
  looked: Pop3Session,
): Promise<Stat | Ended> {
  await leave(looked.connection, "QUIT\r\n");
  const resolved = await resolveTarget(run, target, "tcp");
  if (resolved.kind === "failed") {
    return ended(run.broken(resolved.step, resolved.why));
  }
  const tls = spec.security === "implicit" ? spec.tls : null;
  const client = guardedPop3(run, {
    host: resolved.address,
    port: resolved.port,
    user: account.username,
    password: account.password,
    tls: tls !== null,
    servername: tls?.serverName ?? "",
    tlsOptions: clientSocketOptions(run, tls),
  });
  run.transcript.note(`login as ${account.name}`);
  const loggedIn = await client.logIn();
  run.phase("login");
  if (loggedIn.kind === "error") {
    return refused(run, messageOf(loggedIn.error));
  }
  if (loggedIn.kind !== "value") {
    return ended(run.broken("login", loggedIn));
  }
  const stat = await client.stat();
  run.phase("transaction");
  if (stat.kind === "error") {
    const words = messageOf(stat.error);
    return mismatch(run, "transaction", statReason(words), words);
  }
  if (stat.kind !== "value") {
    return ended(run.broken("transaction", stat));
  }
  await client.quit();
  return { kind: "stat", text: stat.value };
}

/** What `-ERR` to USER or PASS means. Exchange says the same to a wrong password and to a dead back end. */
function refused(run: ProbeRun, text: string): Ended {
  if (/not valid in this state|TLS|SSL|plaintext/i.test(text)) {
    return mismatch(run, "login", "auth_schemes_differ", text);
  }
  const reason = pop3ErrorReason(text);
  return reason === "bye"
    ? ended(run.fault("login", "auth_rejected", text))
    : mismatch(run, "login", reason, text);
}

function statReason(text: string): "backend_unavailable" | "bad_status" {
  return /Server Unavailable/i.test(text) ? "backend_unavailable" : "bad_status";
}
