import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Target } from "../../net/probe-context.ts";
import { dial } from "../../net/dial.ts";
import { messageOf, type ProbeRun } from "../../net/probe-run.ts";
import { AHEAD_OF_TLS, discardedInput, clientSocketOptions } from "./client-tls.ts";
import { breakOfLibraryError, codeOf, LibraryGuard, type Guarded } from "./library-guard.ts";
import { ended, mismatch, type Ended } from "./line-session.ts";
import { smtpReason } from "./smtp-dialogue.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";

export interface Sent {
  readonly kind: "sent";
  /** The server's words when it took the message. */
  readonly response: string;
}

/** Hands one message in, with login, over a socket of our own dial (nodemailer speaks SMTP on it). */
export async function sendMail(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
  message: { readonly from: string; readonly to: string; readonly text: string },
): Promise<Sent | Ended> {
  const implicit = spec.security === "implicit";
  const dialled = await dial(run, target, { tls: implicit ? spec.tls : null });
  if (dialled.kind === "failed") {
    return ended(run.broken(dialled.step, dialled.why));
  }
  const serverName = spec.tls?.serverName ?? null;
  const socket = dialled.connection.detach();
  const client = new SMTPConnection({
    connection: socket,
    secured: implicit,
    secure: implicit,
    host: spec.host,
    ...(serverName === null ? {} : { servername: serverName }),
    requireTLS: spec.security === "starttls",
    ignoreTLS: spec.security === "none",
    tls: clientSocketOptions(run, spec.tls),
    logger: discardedInput(() => guard.fail(AHEAD_OF_TLS)),
    greetingTimeout: run.context.timeoutMs,
    socketTimeout: run.context.timeoutMs,
    socketCloseTimeout: 0,
  });
  const guard = new LibraryGuard(
    run,
    () => client.close(),
    () => socket.bytesRead,
  );
  client.on("error", (error: Error) => guard.fail(breakOfLibraryError(error)));

  const connected = await guard.wait(
    () =>
      new Promise<void>((resolve, reject) =>
        client.connect((error) => settle(error, resolve, reject)),
      ),
  );
  if (connected === AHEAD_OF_TLS) {
    return ended(run.broken("starttls", AHEAD_OF_TLS));
  }
  if (connected.kind !== "value") {
    return refused(run, "greeting", connected);
  }
  if (client.allowsAuth) {
    const loggedIn = await guard.wait(
      () =>
        new Promise<void>((resolve, reject) =>
          client.login(
            { credentials: { user: account.username, pass: account.password } },
            (error) => settle(error, resolve, reject),
          ),
        ),
    );
    run.phase("login");
    if (loggedIn.kind !== "value") {
      return refused(run, "login", loggedIn);
    }
  }
  const sent = await guard.wait(
    () =>
      new Promise<string>((resolve, reject) =>
        client.send({ from: message.from, to: [message.to] }, message.text, (error, info) =>
          settle(error, () => resolve(info?.response ?? ""), reject),
        ),
      ),
  );
  run.phase("send");
  if (sent.kind !== "value") {
    return refused(run, "transaction", sent);
  }
  client.quit();
  guard.close();
  return { kind: "sent", response: sent.value };
}

function settle(
  error: Error | null | undefined,
  resolve: () => void,
  reject: (error: Error) => void,
): void {
  if (error === null || error === undefined) {
    resolve();
  } else {
    reject(error);
  }
}

function refused(
  run: ProbeRun,
  step: "greeting" | "login" | "transaction",
  result: Exclude<Guarded<unknown>, { kind: "value" }>,
): Ended {
  if (result.kind !== "error") {
    return ended(run.broken(step, result));
  }
  const { error } = result;
  const code = responseCodeOf(error);
  if (code === null) {
    return codeOf(error) === "EAUTH"
      ? mismatch(run, "greeting", "auth_schemes_differ", messageOf(error))
      : ended(run.broken(step, breakOfLibraryError(error)));
  }
  const words = messageOf(error);
  if (step === "login" && code === 535) {
    return ended(run.fault("login", "auth_rejected", words));
  }
  if (step === "login" && code === 454) {
    return mismatch(run, "login", "backend_unavailable", words);
  }
  const text = words.replace(/^.*?\b\d{3}[ -]/s, "");
  return mismatch(run, step, smtpReason({ kind: "reply", code, lines: [text], text }), words);
}

function responseCodeOf(error: unknown): number | null {
  return error instanceof Error && "responseCode" in error && typeof error.responseCode === "number"
    ? error.responseCode
    : null;
}
