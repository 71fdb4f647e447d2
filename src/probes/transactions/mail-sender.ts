import { errorCode, errorMessage } from "../../lib/log.ts";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Target } from "../../net/probe-context.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { disclose } from "../../net/server-proof.ts";
import { type ProbeRun } from "../../net/probe-run.ts";
import { ClientRelay, type Called } from "../../net/client-relay.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import { answerBroke, ended, mismatch, refusedLogin, saidNo, type Ended } from "./line-session.ts";
import { openSmtp } from "./smtp-dialogue.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";

export interface Sent {
  readonly kind: "sent";
  /** The server's words when it took the message. */
  readonly response: string;
}

/**
 * Hands one message in, with login. Greeting, STARTTLS and the proof of the server are ours; nodemailer logs in and sends
 * over the same connection.
 */
export async function sendMail(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
  message: { readonly from: string; readonly to: string; readonly text: string },
): Promise<Sent | Ended> {
  const session = await openSmtp(run, spec, target);
  if (session.kind === "ended") {
    return session;
  }
  const { connection } = session;
  const password = disclose(connection, account.password, spec.allowPlaintext);
  if (password.kind === "withheld") {
    return ended(password.observation);
  }
  const relay = await ClientRelay.open(connection, session.reader, {
    greeting: `220 ${session.banner.replace(/[\r\n]/g, " ")}\r\n`,
    sending: () => "",
  });
  const client = new SMTPConnection({
    host: relay.host,
    port: relay.port,
    secure: false,
    ignoreTLS: true,
    logger: false,
    greetingTimeout: run.context.timeoutMs,
    socketTimeout: run.context.timeoutMs,
  });
  client.on("error", (error: Error) => relay.fail(breakOf(relay, error)));

  const connected = await relay.wait(
    () =>
      new Promise<void>((resolve, reject) =>
        client.connect((error) => settle(error, resolve, reject)),
      ),
  );
  if (connected.kind !== "value") {
    return refused(run, relay, "greeting", connected);
  }
  if (client.allowsAuth) {
    run.login = "unanswered";
    const loggedIn = await relay.wait(
      () =>
        new Promise<void>((resolve, reject) =>
          client.login({ credentials: { user: account.username, pass: password.text } }, (error) =>
            settle(error, resolve, reject),
          ),
        ),
    );
    run.phase("login");
    if (loggedIn.kind !== "value") {
      return refused(run, relay, "login", loggedIn);
    }
    run.login = "accepted";
  }
  const sent = await relay.wait(
    () =>
      new Promise<string>((resolve, reject) =>
        client.send({ from: message.from, to: [message.to] }, message.text, (error, info) =>
          settle(error, () => resolve(info?.response ?? ""), reject),
        ),
      ),
  );
  run.phase("send");
  if (sent.kind !== "value") {
    return refused(run, relay, "transaction", sent);
  }
  client.quit();
  relay.release();
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
  relay: ClientRelay,
  step: "greeting" | "login" | "transaction",
  result: Exclude<Called<unknown>, { kind: "value" }>,
): Ended {
  if (result.kind !== "error") {
    return answerBroke(run, step, result);
  }
  const { error } = result;
  const code = responseCodeOf(error);
  if (code === null) {
    if (errorCode(error) !== "EAUTH") {
      return answerBroke(run, step, breakOf(relay, error));
    }
    if (responseTextOf(error) === null) {
      // It found no scheme to speak, and sent nothing.
      run.login = "not_tried";
      return ended(run.fault("greeting", "scheme_unsupported", errorMessage(error)));
    }
    return mismatch(run, "greeting", "auth_schemes_differ", errorMessage(error));
  }
  const words = errorMessage(error);
  const reply = { protocol: "smtp", code, text: responseTextOf(error) ?? "" } as const;
  if (step !== "login") {
    return saidNo(run, step, mailRefusalReason(reply, "command"), words);
  }
  return refusedLogin(run, mailLoginRefusal(reply), words);
}

/** What an error of nodemailer's that is no reply means: what ended the connection, else no SMTP. */
function breakOf(relay: ClientRelay, error: unknown): ExchangeError {
  return relay.serverEnded ?? protocolError(errorMessage(error));
}

/** What the server said after its code; null when the error is none of the server's. */
function responseTextOf(error: unknown): string | null {
  return error instanceof Error && "response" in error && typeof error.response === "string"
    ? error.response.replace(/^\d{3}[ -]?/, "")
    : null;
}

function responseCodeOf(error: unknown): number | null {
  return error instanceof Error && "responseCode" in error && typeof error.responseCode === "number"
    ? error.responseCode
    : null;
}
