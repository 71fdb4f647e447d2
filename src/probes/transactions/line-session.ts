import type { Observation } from "../../model/observation.ts";
import type { Target } from "../../net/probe-context.ts";
import type { FailureReason, Step } from "../../model/reasons.ts";
import { DATA_BEFORE_TLS, exchangeError, type ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";
import { dial, startTls, type DialFailure } from "../../net/dial.ts";
import { LineReader } from "../../net/line-reader.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import type { LoginRefusal } from "../../net/mail-replies.ts";
import type { TransactionSpec } from "../../model/transactions.ts";

/** The exchange ended with this observation. */
export interface Ended {
  readonly kind: "ended";
  readonly observation: Observation;
}

/** A connection of a line protocol, with implicit TLS if configured. */
export interface LineSession {
  readonly kind: "session";
  readonly connection: Connection;
  readonly reader: LineReader;
}

export function ended(observation: Observation): Ended {
  return { kind: "ended", observation };
}

/** Reasons that concern only this client; the server may serve others. */
const CLIENT_ONLY_REASONS: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "policy_refused",
  "source_limit",
]);

/** Ends an exchange after a negative reply. */
export function endRefused(run: ProbeRun, step: Step, reason: FailureReason, words: string): Ended {
  return CLIENT_ONLY_REASONS.has(reason)
    ? ended(run.fault(step, reason, words))
    : mismatch(run, step, reason, words);
}

/** Connects as specified. Recognises the refusal of an offline Exchange service. */
export async function openLineSession(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<LineSession | Ended> {
  const dialled = await dial(run, target, { tls: spec.security === "implicit" ? spec.tls : null });
  if (dialled.kind === "connected") {
    return lineSession(dialled.connection);
  }
  return ended(await observeDialFailure(run, target, dialled));
}

/** Whether to use STARTTLS in a plain-text session. */
export function usesStartTls({ security }: TransactionSpec, offered: boolean): boolean {
  return security === "starttls" || (security === "starttls_if_offered" && offered);
}

/** Starts TLS in a session; bytes received before the handshake are an injection and end it. */
export async function startTlsSession(
  run: ProbeRun,
  spec: TransactionSpec,
  current: LineSession,
): Promise<LineSession | Ended> {
  if (spec.tls === null) {
    return ended(run.fault("starttls", "not_configured", "no TLS settings are configured"));
  }
  if (current.reader.pending > 0) {
    return ended(run.fail("starttls", DATA_BEFORE_TLS));
  }
  const upgraded = await startTls(current.connection, spec.tls);
  return upgraded.kind === "connected"
    ? lineSession(upgraded.connection)
    : ended(run.fail("starttls", handshakeError(upgraded.why)));
}

/** A server that closes after greeting and offering TLS is not in maintenance: Exchange then closes without greeting. */
function handshakeError(why: ExchangeError): ExchangeError {
  return why.kind === "closed"
    ? exchangeError("failed", "tls_handshake", "closed during the TLS handshake")
    : why;
}

/** The error while waiting for a reply; a close here is a truncated reply, not a refusal. */
export function replyFailed(run: ProbeRun, step: Step, why: ExchangeError): Ended {
  return ended(run.fail(step, why.kind === "closed" ? { kind: "closed", midway: true } : why));
}

/** Maximum wait for the reply to QUIT, which is ignored. */
const QUIT_REPLY_TIMEOUT_MS = 500;

/** Sends QUIT, briefly waits for the reply so that the server's log stays clean, and closes. */
export async function quitAndClose(connection: Connection, quitCommand: string): Promise<void> {
  connection.write(quitCommand);
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    connection.read(),
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, QUIT_REPLY_TIMEOUT_MS);
    }),
  ]);
  clearTimeout(timer);
  connection.run.phase("quit");
  connection.close();
}

/** A failed observation with this step and reason. */
export function mismatch(
  run: ProbeRun,
  step: Step,
  reason: Parameters<ProbeRun["mismatch"]>[1],
  detail: string,
): Ended {
  return ended(run.mismatch(step, reason, detail));
}

/** The refusal of a login; if it concerns the account or an unsupported scheme, it says nothing about the server. */
export function refusedLogin(run: ProbeRun, { reason, login }: LoginRefusal, words: string): Ended {
  run.login = run.login === null ? null : login;
  return reason === "auth_rejected" || reason === "scheme_unsupported"
    ? ended(run.fault("login", reason, words))
    : mismatch(run, "login", reason, words);
}

async function observeDialFailure(
  run: ProbeRun,
  target: Target,
  { step, why }: DialFailure,
): Promise<Observation> {
  if (step === "tls" && why.kind === "named" && why.reason === "plaintext_on_tls_port") {
    // Exchange answers in clear text if no certificate is bound to the service; its text is the evidence.
    const words = await readClearTextLine(run, target);
    const { outcome, reason, detail } = why;
    return run.ended(outcome, step, reason, words ?? detail);
  }
  return run.fail(step, step === "tls" ? resetAsClosed(why) : why);
}

async function readClearTextLine(run: ProbeRun, target: Target): Promise<string | null> {
  const dialled = await dial(run, target, { tls: null });
  if (dialled.kind === "failed") {
    return null;
  }
  const line = await new LineReader(dialled.connection).line();
  dialled.connection.close();
  return line.kind === "line" ? `responds without TLS: ${line.text}` : null;
}

/** A close with an unread ClientHello becomes a RST; both mean the same. */
function resetAsClosed(why: ExchangeError): ExchangeError {
  return why.kind === "named" && why.reason === "reset" ? { kind: "closed", midway: false } : why;
}

function lineSession(connection: Connection): LineSession {
  return { kind: "session", connection, reader: new LineReader(connection) };
}
