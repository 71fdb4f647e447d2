import Pop3Command from "node-pop3";
import { errorMessage } from "../../lib/log.ts";
import { ClientRelay, type LibraryResult } from "../../net/client-relay.ts";
import { protocolError, exchangeError, type ExchangeError } from "../../net/exchange-error.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { disclose } from "../../net/server-proof.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { replyFailed, mismatch, type Ended, refusedLogin, ended } from "./line-session.ts";
import { openPop3, type MailSession, isPreauth, openImap } from "./mail-greeting.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "../probe.ts";
import { ImapFlow } from "imapflow";
import type { Target } from "../../net/probe-context.ts";

/**
 * Logs in over POP3. This module handles greeting, CAPA and TLS; node-pop3 then logs in over the same connection and sends
 * STAT and QUIT.
 */
export const pop3Login: TransactionType = {
  transaction: "pop3_login",
  needsAccount: true,
  transport: "tcp",
  probe: async (run, spec, target, account) => {
    const session = await openPop3(run, spec, target);
    if (session.kind === "ended") {
      return session.observation;
    }
    const { capabilities } = session;
    if (capabilities.size > 0 && !capabilities.has("USER")) {
      const detail = "CAPA does not list USER: password login is not supported here";
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
    // A valid STAT reply contains two numbers (RFC 1939 section 5).
    return /^\d+ \d+/.test(stat.text)
      ? run.match("transaction", stat.text)
      : run.ended("failed", "transaction", "protocol_error", stat.text.slice(0, 200));
  },
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
  // Unsolicited errors are reported only here; an `error` event without a listener would end the process.
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
      return pop3Failed(run, relay, "login", answer);
    }
  }
  run.phase("login");
  run.login = "accepted";
  const stat = await relay.wait(() => client.STAT());
  run.phase("transaction");
  if (stat.kind !== "value") {
    return pop3Failed(run, relay, "transaction", stat);
  }
  await relay.logOut(() => client.QUIT());
  return { kind: "stat", text: stat.value };
}

function pop3Failed(
  run: ProbeRun,
  relay: ClientRelay,
  step: "login" | "transaction",
  answer: Exclude<LibraryResult<unknown>, { kind: "value" }>,
): Ended {
  if (answer.kind !== "error") {
    return replyFailed(run, step, answer);
  }
  const { error } = answer;
  const words = errorMessage(error);
  // The package names the command only in the error for an `-ERR`.
  if (!(error instanceof Error && "command" in error)) {
    return replyFailed(run, step, relay.serverEnded ?? protocolError(words));
  }
  return run.login === "unanswered" ? refusedPassword(run, words) : pop3Refused(run, step, words);
}

/** Result of `-ERR` to PASS. Exchange sends the same text for a wrong password and for a dead back end. */
function refusedPassword(run: ProbeRun, text: string): Ended {
  return refusedLogin(run, mailLoginRefusal({ protocol: "pop3", text }), text);
}

/** Result of `-ERR` to another command. */
function pop3Refused(run: ProbeRun, step: "login" | "transaction", text: string): Ended {
  const at = step === "login" ? "command" : "mailbox";
  return mismatch(run, step, mailRefusalReason({ protocol: "pop3", text }, at), text);
}

/**
 * Logs in over IMAP: greeting, CAPABILITY, login, EXAMINE INBOX, LOGOUT. The option `fetch_newest` also fetches the newest
 * message's size, which proves that the store can be read.
 */
export const imapLogin: TransactionType = {
  transaction: "imap_login",
  needsAccount: true,
  transport: "tcp",
  probe: async (run, spec, target, account) => {
    const mailbox = await logInToImap(run, spec, target, account);
    if (mailbox.kind === "ended") {
      return mailbox.observation;
    }
    const opened = await mailbox.call((client) => client.mailboxOpen("INBOX", { readOnly: true }));
    run.phase("transaction");
    if (opened.kind === "ended") {
      return opened.observation;
    }
    let detail = `${String(opened.value.exists)} messages`;
    if (spec.options["fetch_newest"] === true && opened.value.exists > 0) {
      const newest = await mailbox.call((client) =>
        client.fetchOne("*", { size: true, internalDate: true }),
      );
      run.phase("transaction");
      if (newest.kind === "ended") {
        return newest.observation;
      }
      const message = newest.value;
      const size = message === undefined || message === false ? undefined : message.size;
      detail += size === undefined || size === null ? "" : `, the newest of ${String(size)} bytes`;
    }
    await mailbox.logOut();
    return run.match("transaction", detail);
  },
};

/** An authenticated IMAP client within a run. */
export interface ImapMailbox {
  readonly kind: "mailbox";
  /** Runs one client call; a refusal or a broken connection ends the transaction. */
  call<T>(
    work: (client: ImapFlow) => Promise<T>,
  ): Promise<{ readonly kind: "value"; readonly value: T } | Ended>;
  /** Logs out, or closes the connection if the server does not answer in time. */
  logOut(): Promise<void>;
}

/**
 * This module handles greeting, CAPABILITY, TLS and server authentication, and so provides the phases, TLS facts and refusal
 * text. imapflow then logs in over the same connection. `run.login` is `unanswered` from the moment the credential may have
 * been sent until the server answers.
 */
export async function logInToImap(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
): Promise<ImapMailbox | Ended> {
  const session = await openImap(run, spec, target);
  if (session.kind === "ended") {
    return session;
  }
  if (session.capabilities.has("LOGINDISABLED")) {
    const detail =
      spec.security === "none"
        ? "LOGINDISABLED: login requires TLS"
        : "LOGINDISABLED: password login is disabled";
    return ended(run.fault("greeting", "scheme_unsupported", detail));
  }
  const password = disclose(session.connection, account.password, spec.allowPlaintext);
  if (password.kind === "withheld") {
    return ended(password.observation);
  }
  let loggedIn = false;
  const relay = await ClientRelay.open(session.connection, session.reader, {
    // Omits the real greeting's capabilities, which may be from before TLS.
    greeting: isPreauth(session.greeting) ? "* PREAUTH ready\r\n" : "* OK ready\r\n",
    sending: (data) => {
      const text = data.toString("latin1");
      if (LOGIN_COMMAND.test(text)) {
        run.login = "unanswered";
      }
      return loggedIn ? text : "";
    },
  });
  const client = new ImapFlow({
    host: relay.host,
    port: relay.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: account.username, pass: password.text },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    disableAutoEnable: true,
    connectionTimeout: run.context.timeoutMs,
    greetingTimeout: run.context.timeoutMs,
    socketTimeout: Math.max(1000, run.context.timeoutMs),
  });
  // Without a listener, an error between two calls would end the process.
  client.on("error", (error: Error) => relay.fail(connectionError(relay, error)));
  run.transcript.note(`login as ${account.name}`);
  const connected = await relay.wait(() => client.connect());
  run.phase("login");
  if (connected.kind !== "value") {
    return loginFailed(run, relay, connected);
  }
  loggedIn = true;
  run.login &&= "accepted";
  run.transcript.note("logged in");
  return mailboxOf(run, relay, client);
}

/** Commands that carry a credential, or are followed by one. */
const LOGIN_COMMAND = /^\S+ (?:LOGIN|AUTHENTICATE) /im;

function mailboxOf(run: ProbeRun, relay: ClientRelay, client: ImapFlow): ImapMailbox {
  return {
    kind: "mailbox",
    async call(work) {
      const result = await relay.wait(() => work(client));
      if (result.kind === "value") {
        return result;
      }
      const refusal = result.kind === "error" ? refusalText(result.error) : null;
      if (refusal !== null) {
        const reason = mailRefusalReason({ protocol: "imap", text: refusal }, "mailbox");
        return mismatch(run, "transaction", reason, refusal);
      }
      const why = result.kind === "error" ? connectionError(relay, result.error) : result;
      return replyFailed(run, "transaction", why);
    },
    logOut: () => relay.logOut(() => client.logout()),
  };
}

function loginFailed(
  run: ProbeRun,
  relay: ClientRelay,
  result: Exclude<Awaited<ReturnType<ClientRelay["wait"]>>, { kind: "value" }>,
): Ended {
  const refusal = result.kind === "error" ? refusalText(result.error) : null;
  if (refusal === null) {
    const why = result.kind === "error" ? connectionError(relay, result.error) : result;
    return replyFailed(run, "login", why);
  }
  // Exchange sends the same text for a wrong password and for a dead back end; only a second login elsewhere distinguishes
  // them.
  return refusedLogin(run, mailLoginRefusal({ protocol: "imap", text: refusal }), refusal);
}

/** The server's text after NO or BAD, or null. */
function refusalText(error: unknown): string | null {
  if (!(error instanceof Error)) {
    return null;
  }
  const status = ownString(error, "responseStatus");
  const text = ownString(error, "responseText");
  if (status === null && !isAuthenticationFailure(error)) {
    return null;
  }
  const code = ownString(error, "serverResponseCode");
  const words = text ?? errorMessage(error);
  const coded = code === null || words.startsWith("[") ? words : `[${code}] ${words}`;
  return `${status ?? "NO"} ${coded}`;
}

function isAuthenticationFailure(error: unknown): boolean {
  return (
    error instanceof Error && "authenticationFailed" in error && error.authenticationFailed === true
  );
}

/** Error behind an imapflow error: the server's `BYE`, a broken connection, or invalid IMAP. */
function connectionError(relay: ClientRelay, error: unknown): ExchangeError {
  const bye = error instanceof Error ? ownString(error, "reason") : null;
  return bye === null
    ? (relay.serverEnded ?? protocolError(errorMessage(error)))
    : exchangeError(
        "mismatch",
        mailRefusalReason({ protocol: "imap", text: `* BYE ${bye}` }, "greeting"),
        bye,
      );
}

function ownString(error: Error, key: string): string | null {
  const value: unknown = Object.getOwnPropertyDescriptor(error, key)?.value;
  return typeof value === "string" ? value : null;
}
