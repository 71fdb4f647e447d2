import { errorMessage } from "../../lib/error-code.ts";
import { Transform } from "node:stream";
import { ImapFlow } from "imapflow";
import type { Target } from "../../net/probe-context.ts";
import { exchangeError, type ExchangeError } from "../../net/exchange-error.ts";
import { resolveTarget } from "../../net/dial.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { disclose } from "../../net/disclose.ts";
import { type ProbeRun } from "../../net/probe-run.ts";
import { proofOf } from "../../net/server-proof.ts";
import { AHEAD_OF_TLS, keepOutOfHandshake, clientSocketOptions } from "./client-tls.ts";
import {
  breakOfLibraryError,
  codeOf,
  LibraryGuard,
  meterParser,
  stepOfLibraryBreak,
} from "./library-guard.ts";
import { ended, mismatch, type Ended, leave } from "./line-session.ts";
import { openImap } from "./imap-greeting.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";

/** Bounds of what a server may make the client keep, in bytes. */
const MAX_LINE_BYTES = 256 * 1024;
const MAX_LITERAL_BYTES = 512 * 1024;
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** A logged-in IMAP client inside a run. */
export interface ImapMailbox {
  readonly kind: "mailbox";
  /** One call of the client; a refusal or a break ends the transaction. */
  call<T>(work: (client: ImapFlow) => Promise<T>): Promise<Called<T> | Ended>;
  /** Logs out, or just closes where the server does not answer in time. */
  leave(): Promise<void>;
}

export interface Called<T> {
  readonly kind: "value";
  readonly value: T;
}

/**
 * A look by our own hand first (greeting, CAPABILITY, and whether the server may have the password: phases, TLS facts and
 * words come from there), then the login, over the library's own connection, which is judged anew. Its step is `login`
 * from the moment the credential may have been sent until it is accepted.
 */
export async function lookAndLogIn(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
): Promise<ImapMailbox | Ended> {
  const session = await openImap(run, spec, target);
  if (session.kind === "ended") {
    return session;
  }
  await leave(session.connection, "a9 LOGOUT\r\n");
  if (session.capabilities.has("LOGINDISABLED")) {
    const detail = "LOGINDISABLED: no login without TLS";
    return mismatch(run, "greeting", "auth_schemes_differ", detail);
  }
  const password = disclose(session.connection, account.password, spec.allowPlaintext);
  return password.kind === "withheld"
    ? ended(password.observation)
    : logInToImap(run, spec, target, account, password.text, session.connection.peerCertificate);
}

/** Over the library's own connection; `looked`: the certificate that the look before was shown, as DER. */
export async function logInToImap(
  run: ProbeRun,
  spec: Pick<TransactionSpec, "security" | "tls">,
  target: Target,
  account: Account,
  password: string,
  looked: Buffer | null,
): Promise<ImapMailbox | Ended> {
  const resolved = await resolveTarget(run, target, "tcp");
  if (resolved.kind === "failed") {
    return ended(run.fail(resolved.step, resolved.why));
  }
  const tls = spec.security === "none" ? null : spec.tls;
  const serverName = tls?.serverName ?? null;
  const client = new ImapFlow({
    host: resolved.address,
    port: resolved.port,
    secure: spec.security === "implicit",
    doSTARTTLS: spec.security === "starttls",
    ...(serverName === null ? {} : { servername: serverName }),
    tls: clientSocketOptions(run, tls, looked),
    auth: { user: account.username, pass: password },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    disableAutoEnable: true,
    maxLineLength: MAX_LINE_BYTES,
    maxLiteralSize: MAX_LITERAL_BYTES,
    maxResponseSize: MAX_RESPONSE_BYTES,
    connectionTimeout: run.context.timeoutMs,
    greetingTimeout: run.context.timeoutMs,
    socketTimeout: Math.max(1000, run.context.timeoutMs),
  });
  const guard = new LibraryGuard(
    run,
    () => client.close(),
    () => client.stats().received,
  );
  const parser = parserOf(client);
  meterParser(parser, (why) => guard.interrupt(why));
  if (spec.security === "starttls") {
    keepOutOfHandshake(parser, () => guard.interrupt(AHEAD_OF_TLS));
  }
  // Without a listener an error between two calls would end the process.
  client.on("error", (error: Error) => guard.fail(breakOfLibraryError(error)));
  run.transcript.note(`login as ${account.name}`);
  run.login = "unanswered";
  const connected = await guard.wait(() => client.connect());
  run.phase("login");
  if (connected.kind !== "value") {
    const error = connected.kind === "error" ? connected.error : null;
    // imapflow finds what came in the same packet by itself.
    if (connected === AHEAD_OF_TLS || codeOf(error) === "STARTTLS_INJECTION") {
      run.login = null;
      return ended(run.fail("starttls", AHEAD_OF_TLS));
    }
    return loginFailed(run, error, connected, tls !== null && proofOf(tls).kind === "pinned");
  }
  run.login = "accepted";
  run.transcript.note("logged in");
  return mailbox(run, client, guard);
}

/** Where everything that comes goes through, whatever carries it. The types do not tell of it; tests do. */
function parserOf(client: ImapFlow): Transform {
  const { streamer } = client as unknown as { readonly streamer: unknown };
  if (!(streamer instanceof Transform)) {
    throw new TypeError("imapflow has another parser than the one known here");
  }
  return streamer;
}

function mailbox(run: ProbeRun, client: ImapFlow, guard: LibraryGuard): ImapMailbox {
  return {
    kind: "mailbox",
    async call(work) {
      const result = await guard.wait(() => work(client));
      if (result.kind === "value") {
        return result;
      }
      const refusal = result.kind === "error" ? refusalOf(result.error) : null;
      if (refusal !== null) {
        const reason = mailRefusalReason({ protocol: "imap", text: refusal }, "mailbox");
        return mismatch(run, "transaction", reason, refusal);
      }
      const why = result.kind === "error" ? breakOfImapError(result.error) : result;
      return ended(run.fail("transaction", why));
    },
    leave: () => guard.leave(() => client.logout()),
  };
}

function loginFailed(
  run: ProbeRun,
  error: unknown,
  result: Exclude<Awaited<ReturnType<LibraryGuard["wait"]>>, { kind: "value" }>,
  pinned: boolean,
): Ended {
  const refusal = error === null ? null : refusalOf(error);
  if (refusal !== null) {
    // Exchange says the same to a wrong password and to a dead back end: a second login elsewhere tells them apart.
    const { reason, login } = mailLoginRefusal({ protocol: "imap", text: refusal });
    run.login = login;
    return reason === "auth_rejected"
      ? ended(run.fault("login", reason, refusal))
      : mismatch(run, "login", reason, refusal);
  }
  const why = result.kind === "error" ? breakOfImapError(result.error) : result;
  const step = stepOfLibraryBreak(why, isBeforeLogin(error) ? "connect" : "login");
  if (step !== "login") {
    run.login = null;
  }
  // With a pin as the only anchor, an unknown issuer is another certificate.
  const known =
    pinned && why.kind === "named" && why.reason === "certificate_untrusted"
      ? { ...why, reason: "pinned_certificate" as const }
      : why;
  return ended(run.fail(step, known));
}

/** The server's own words where it answered NO or BAD, else null. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof Error)) {
    return null;
  }
  const status = stringOf(error, "responseStatus");
  const text = stringOf(error, "responseText");
  if (status === null && !isAuthenticationFailure(error)) {
    return null;
  }
  const code = stringOf(error, "serverResponseCode");
  const words = text ?? errorMessage(error);
  const coded = code === null || words.startsWith("[") ? words : `[${code}] ${words}`;
  return `${status ?? "NO"} ${coded}`;
}

function isAuthenticationFailure(error: unknown): boolean {
  return (
    error instanceof Error && "authenticationFailed" in error && error.authenticationFailed === true
  );
}

const CLOSED_CODES: ReadonlySet<string> = new Set([
  "NoConnection",
  "EConnectionClosed",
  "StateLogout",
  "ClosedAfterConnectText",
  "ClosedAfterConnectTLS",
]);
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  "CONNECT_TIMEOUT",
  "GREETING_TIMEOUT",
  "UPGRADE_TIMEOUT",
  "ETIMEOUT",
]);

function breakOfImapError(error: unknown): ExchangeError {
  const code = codeOf(error);
  if (code !== null && CLOSED_CODES.has(code)) {
    const reason = error instanceof Error ? stringOf(error, "reason") : null;
    return reason === null
      ? { kind: "closed", midway: true }
      : exchangeError(
          "mismatch",
          mailRefusalReason({ protocol: "imap", text: `* BYE ${reason}` }, "greeting"),
          reason,
        );
  }
  if (code !== null && TIMEOUT_CODES.has(code)) {
    return { kind: "timeout" };
  }
  return breakOfLibraryError(error);
}

/** Errors that came before a credential could be sent. */
function isBeforeLogin(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ECONNREFUSED" || code === "CONNECT_TIMEOUT" || code === "ClosedAfterConnectTLS";
}

function stringOf(error: Error, key: string): string | null {
  const value: unknown = key in error ? (error as unknown as Record<string, unknown>)[key] : null;
  return typeof value === "string" ? value : null;
}
