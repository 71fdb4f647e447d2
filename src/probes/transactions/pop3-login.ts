import Pop3Command from "node-pop3";
import { errorMessage } from "../../lib/log.ts";
import { ClientRelay, type Called } from "../../net/client-relay.ts";
import { protocolError } from "../../net/exchange-error.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { disclose } from "../../net/server-proof.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { answerBroke, mismatch, type Ended, refusedLogin } from "./line-session.ts";
import { openPop3, type MailSession } from "./mail-greeting.ts";
import type { Account } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Logs in over POP3: greeting, CAPA and TLS are ours; node-pop3 logs in over the same connection and asks STAT, QUIT.
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
      const { capabilities } = session;
      if (capabilities.size > 0 && !capabilities.has("USER")) {
        const detail = "CAPA names no USER: no login with a password here";
        return run.fault("greeting", "scheme_unsupported", detail);
      }
      const password = disclose(session.connection, account.password, spec.allowPlaintext);
      if (password.kind === "withheld") {
        return password.observation;
      }
      const stat = await logIn(run, session, account, password.text);
      if (stat.kind === "ended") {
        return stat.observation;
      }
      // Two numbers (RFC 1939 section 5): anything else is no mailbox.
      return /^\d+ \d+/.test(stat.text)
        ? run.match("transaction", stat.text)
        : run.ended("failed", "transaction", "protocol_error", stat.text.slice(0, 200));
    }),
};

async function logIn(
  run: ProbeRun,
  session: MailSession,
  account: Account,
  password: string,
): Promise<{ readonly kind: "stat"; readonly text: string } | Ended> {
  const relay = await ClientRelay.open(session.connection, session.reader, {
    greeting: "+OK ready\r\n",
    sending: (data) => {
      const text = data.toString("utf8");
      if (!text.startsWith("PASS ")) {
        return text;
      }
      run.login = "unanswered";
      return "PASS <secret>\r\n";
    },
  });
  const client = new Pop3Command({
    user: account.username,
    password,
    host: relay.host,
    port: relay.port,
  });
  // It reports what is no answer to a command only here; an `error` that nobody hears would end the process.
  client.on("error", () => undefined);
  client.on("warn", (error: Error & { eventName?: string }) => {
    if (error.eventName === "bad-server-response") {
      relay.fail(protocolError(error.message));
    }
  });
  run.transcript.note(`login as ${account.name}`);
  for (const command of [
    () => client.connect(),
    () => client.command("USER", account.username),
    () => client.command("PASS", password),
  ]) {
    const answer = await relay.wait<unknown>(command);
    if (answer.kind !== "value") {
      run.phase("login");
      return failed(run, relay, "login", answer);
    }
  }
  run.phase("login");
  run.login = "accepted";
  const stat = await relay.wait(() => client.STAT());
  run.phase("transaction");
  if (stat.kind !== "value") {
    return failed(run, relay, "transaction", stat);
  }
  await relay.leave(() => client.QUIT());
  return { kind: "stat", text: stat.value };
}

function failed(
  run: ProbeRun,
  relay: ClientRelay,
  step: "login" | "transaction",
  answer: Exclude<Called<unknown>, { kind: "value" }>,
): Ended {
  if (answer.kind !== "error") {
    return answerBroke(run, step, answer);
  }
  const { error } = answer;
  const words = errorMessage(error);
  // The package names the command in the error of an `-ERR` alone.
  if (!(error instanceof Error && "command" in error)) {
    return answerBroke(run, step, relay.serverEnded ?? protocolError(words));
  }
  return run.login === "unanswered" ? refusedPassword(run, words) : refused(run, step, words);
}

/** What `-ERR` to PASS means. Exchange says the same to a wrong password and to a dead back end. */
function refusedPassword(run: ProbeRun, text: string): Ended {
  return refusedLogin(run, mailLoginRefusal({ protocol: "pop3", text }), text);
}

/** What `-ERR` to another command means. */
function refused(run: ProbeRun, step: "login" | "transaction", text: string): Ended {
  const at = step === "login" ? "command" : "mailbox";
  return mismatch(run, step, mailRefusalReason({ protocol: "pop3", text }, at), text);
}
