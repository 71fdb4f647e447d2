import { Transform } from "node:stream";
import { ImapFlow } from "imapflow";
import type { Target } from "../../net/probe-context.ts";
import { namedBreak, type Break } from "../../net/break.ts";
import { resolveTarget } from "../../net/dial.ts";
import { messageOf, type ProbeRun } from "../../net/probe-run.ts";
import { AHEAD_OF_TLS, keepOutOfHandshake, clientSocketOptions } from "./client-tls.ts";
import { imapByeReason } from "./imap-greeting.ts";
import { breakOfLibraryError, codeOf, LibraryGuard, meterParser } from "./library-guard.ts";
import { ended, mismatch, type Ended } from "./line-session.ts";
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
 * Connects and logs in. The library dials by itself: phases and TLS facts come from the look just before. Its step is
 * `login` from the moment the credential may have been sent until it is accepted.
 */
export async function logInToImap(
  run: ProbeRun,
  spec: Pick<TransactionSpec, "security" | "tls">,
  target: Target,
  account: Account,
): Promise<ImapMailbox | Ended> {
  const resolved = await resolveTarget(run, target, "tcp");
  if (resolved.kind === "failed") {
    return ended(run.broken(resolved.step, resolved.why));
  }
  const serverName = spec.tls?.serverName ?? null;
  const client = new ImapFlow({
    host: resolved.address,
    port: resolved.port,
    secure: spec.security === "implicit",
    doSTARTTLS: spec.security === "starttls",
    ...(serverName === null ? {} : { servername: serverName }),
    tls: clientSocketOptions(run, spec.security === "none" ? null : spec.tls),
    auth: { user: account.username, pass: account.password },
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
  const connected = await guard.wait(() => client.connect());
  run.phase("login");
  if (connected.kind !== "value") {
    const error = connected.kind === "error" ? connected.error : null;
    // imapflow finds what came in the same packet by itself.
    return connected === AHEAD_OF_TLS || codeOf(error) === "STARTTLS_INJECTION"
      ? ended(run.broken("starttls", AHEAD_OF_TLS))
      : loginFailed(run, error, connected);
  }
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
        const reason = /Server Unavailable|not connected/i.test(refusal)
          ? "backend_unavailable"
          : "bad_status";
        return mismatch(run, "transaction", reason, refusal);
      }
      const why = result.kind === "error" ? breakOfImapError(result.error) : result;
      return ended(run.broken("transaction", why));
    },
    leave: () => guard.leave(() => client.logout()),
  };
}

function loginFailed(
  run: ProbeRun,
  error: unknown,
  result: Exclude<Awaited<ReturnType<LibraryGuard["wait"]>>, { kind: "value" }>,
): Ended {
  const refusal = error === null ? null : refusalOf(error);
  if (refusal !== null) {
    if (/Server Unavailable/i.test(refusal)) {
      return mismatch(run, "login", "backend_unavailable", refusal);
    }
    // Exchange says the same to a wrong password and to a dead back end: a second login elsewhere tells them apart.
    return isAuthenticationFailure(error)
      ? ended(run.fault("login", "auth_rejected", refusal))
      : mismatch(run, "login", "auth_schemes_differ", refusal);
  }
  const why = result.kind === "error" ? breakOfImapError(result.error) : result;
  const step = isBeforeLogin(error) ? "connect" : "login";
  return ended(run.broken(step, why));
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
  return `${status ?? "NO"} ${text ?? messageOf(error)}`;
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

function breakOfImapError(error: unknown): Break {
  const code = codeOf(error);
  if (code !== null && CLOSED_CODES.has(code)) {
    const reason = error instanceof Error ? stringOf(error, "reason") : null;
    return reason === null
      ? { kind: "closed", midway: true }
      : namedBreak("mismatch", imapByeReason(reason), reason);
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
