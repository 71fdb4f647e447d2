import { errorCode, errorMessage } from "../../lib/log.ts";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Target } from "../../net/probe-context.ts";
import { mailLoginRefusal, mailRefusalReason } from "../../net/mail-replies.ts";
import { disclose } from "../../net/server-proof.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { ClientRelay, type LibraryResult } from "../../net/client-relay.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import {
  replyFailed,
  ended,
  mismatch,
  refusedLogin,
  endRefused,
  type Ended,
} from "./line-session.ts";
import { openSmtp } from "./smtp-dialogue.ts";
import type { Account, TransactionSpec } from "../../model/transactions.ts";
import { randomUUID } from "node:crypto";
import type { ImapFlow } from "imapflow";
import { isIP } from "../../lib/ip.ts";
import type { Observation } from "../../model/observation.ts";
import { logInToImap, type ImapMailbox } from "./mailbox-login.ts";
import type { TransactionType } from "../probe.ts";

export interface Sent {
  readonly kind: "sent";
  /** The server's reply on accepting the message. */
  readonly response: string;
}

/**
 * Submits one message with login. This module handles greeting, STARTTLS and server authentication; nodemailer then logs in
 * and sends over the same connection.
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
  client.on("error", (error: Error) => relay.fail(connectionError(relay, error)));

  const connected = await relay.wait(
    () =>
      new Promise<void>((resolve, reject) =>
        client.connect((error) => settlePromise(error, resolve, reject)),
      ),
  );
  if (connected.kind !== "value") {
    return sendFailed(run, relay, "greeting", connected);
  }
  if (client.allowsAuth) {
    run.login = "unanswered";
    const loggedIn = await relay.wait(
      () =>
        new Promise<void>((resolve, reject) =>
          client.login({ credentials: { user: account.username, pass: password.text } }, (error) =>
            settlePromise(error, resolve, reject),
          ),
        ),
    );
    run.phase("login");
    if (loggedIn.kind !== "value") {
      return sendFailed(run, relay, "login", loggedIn);
    }
    run.login = "accepted";
  }
  const sent = await relay.wait(
    () =>
      new Promise<string>((resolve, reject) =>
        client.send({ from: message.from, to: [message.to] }, message.text, (error, info) =>
          settlePromise(error, () => resolve(info?.response ?? ""), reject),
        ),
      ),
  );
  run.phase("send");
  if (sent.kind !== "value") {
    return sendFailed(run, relay, "transaction", sent);
  }
  client.quit();
  relay.release();
  return { kind: "sent", response: sent.value };
}

function settlePromise(
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

function sendFailed(
  run: ProbeRun,
  relay: ClientRelay,
  step: "greeting" | "login" | "transaction",
  result: Exclude<LibraryResult<unknown>, { kind: "value" }>,
): Ended {
  if (result.kind !== "error") {
    return replyFailed(run, step, result);
  }
  const { error } = result;
  const code = responseCodeOf(error);
  if (code === null) {
    if (errorCode(error) !== "EAUTH") {
      return replyFailed(run, step, connectionError(relay, error));
    }
    if (responseTextOf(error) === null) {
      // No supported scheme was offered, so nothing was sent.
      run.login = "not_tried";
      return ended(run.fault("greeting", "scheme_unsupported", errorMessage(error)));
    }
    return mismatch(run, "greeting", "auth_schemes_differ", errorMessage(error));
  }
  const words = errorMessage(error);
  const reply = { protocol: "smtp", code, text: responseTextOf(error) ?? "" } as const;
  if (step !== "login") {
    return endRefused(run, step, mailRefusalReason(reply, "command"), words);
  }
  return refusedLogin(run, mailLoginRefusal(reply), words);
}

/** Error behind a nodemailer error without a reply: a broken connection, or invalid SMTP. */
function connectionError(relay: ClientRelay, error: unknown): ExchangeError {
  return relay.serverEnded ?? protocolError(errorMessage(error));
}

/** The text after the reply code; null if the error is not a server reply. */
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

/** Header with the message's id, for mail filters and for the search. */
const ROUND_TRIP_HEADER = "X-Adc-Witness";

/** Older probe messages are leftovers of earlier rounds; younger ones may be another agent's. */
const LEFTOVER_AGE_MS = 15 * 60_000;
const POLL_MS = 500;
/** Time reserved for the last search and the result, in milliseconds. */
const LAST_SEARCH_MS = 1500;

/**
 * Sends a message to the probe's own mailbox and searches for it: submitted to the target over SMTP, searched over IMAP at
 * `imap_host` (default: the same server) and `imap_port` (default 993, TLS; 143 uses STARTTLS). The message is deleted when
 * found, and so are leftovers of earlier rounds. The result is `mail_in_junk` if it is in Junk Email (`junk_folder` if no
 * folder is marked as junk), and `mail_lost` if it does not arrive in time.
 */
export const mailRoundTrip: TransactionType = {
  transaction: "mail_round_trip",
  needsAccount: true,
  transport: "tcp",
  probe: async (run, spec, target, account) => {
    const { address } = account;
    if (address === null) {
      return run.fault("transaction", "not_configured", "no account with a mail address");
    }
    const mailbox = await openMailbox(run, spec, target, account);
    if (mailbox.kind === "ended") {
      return mailbox.observation;
    }
    const junk = await junkFolder(mailbox, spec);
    if (typeof junk !== "string") {
      return junk.observation;
    }
    const cleaned = await cleanUp(run, mailbox, junk);
    if (cleaned !== null) {
      return cleaned.observation;
    }
    const id = randomUUID();
    const sent = await sendMail(run, spec, target, account, {
      from: address,
      to: address,
      text: messageText(id, address, new Date(run.context.now())),
    });
    if (sent.kind === "ended") {
      return sent.observation;
    }
    const submittedMs = run.elapsedMs();
    const location = await waitForMail(run, mailbox, junk, id);
    run.phase("transaction");
    if (location.kind === "ended") {
      return location.observation;
    }
    run.responseTimeMs = run.elapsedMs() - submittedMs;
    const after = `${(run.responseTimeMs / 1000).toFixed(1)} s`;
    if (location.kind === "found") {
      await mailbox.logOut();
    }
    return observeArrival(run, location, after, junk);
  },
};

type MailLocation = { readonly kind: "found"; readonly folder: string } | { readonly kind: "lost" };

function observeArrival(
  run: ProbeRun,
  location: MailLocation,
  after: string,
  junk: string,
): Observation {
  if (location.kind === "lost") {
    return run.mismatch("transaction", "mail_lost", `not found within ${after}`);
  }
  return location.folder === junk
    ? run.mismatch("transaction", "mail_in_junk", `found in ${junk} after ${after}`)
    : run.match("transaction", `found after ${after}`);
}

async function openMailbox(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
  account: Account,
): Promise<ImapMailbox | Ended> {
  const port = typeof spec.options["imap_port"] === "number" ? spec.options["imap_port"] : 993;
  const host = String(spec.options["imap_host"] ?? target.host);
  const security = spec.tls === null ? "none" : port === 143 ? "starttls" : "implicit";
  const named = host === target.host || isIP(host) !== 0 ? [] : [host];
  const tls = spec.tls && {
    ...spec.tls,
    expectedNames: [...spec.tls.expectedNames, ...named],
  };
  return logInToImap(run, { ...spec, security, tls }, { ...target, host, port }, account);
}

async function junkFolder(mailbox: ImapMailbox, spec: TransactionSpec): Promise<string | Ended> {
  const named = spec.options["junk_folder"];
  if (typeof named === "string") {
    return named;
  }
  const listed = await mailbox.call((client) => client.list());
  if (listed.kind === "ended") {
    return listed;
  }
  // Ignores folder names with control characters, which could inject an IMAP command.
  const folders = listed.value.filter(({ path }) => !/[\u0000-\u001f\u007f]/.test(path));
  const marked = folders.find(({ specialUse }) => specialUse === "\\Junk");
  const usual = folders.find(({ path }) => /^(INBOX[./])?junk( e-?mail)?$/i.test(path));
  return marked?.path ?? usual?.path ?? "";
}

/** Deletes leftovers of earlier rounds in both folders. */
async function cleanUp(run: ProbeRun, mailbox: ImapMailbox, junk: string): Promise<Ended | null> {
  const before = new Date(run.context.now() - LEFTOVER_AGE_MS);
  for (const folder of ["INBOX", junk]) {
    if (folder === "") {
      continue;
    }
    const deleted = await mailbox.call(async (client) => {
      await client.mailboxOpen(folder);
      const found = await client.search({ header: { [ROUND_TRIP_HEADER]: true } }, { uid: true });
      const probes = await fetchProbes(client, found);
      const old = probes.flatMap(({ uid, arrivedAt }) =>
        arrivedAt !== null && arrivedAt < before ? [uid] : [],
      );
      return old.length === 0 || client.messageDelete(old, { uid: true });
    });
    if (deleted.kind === "ended") {
      return deleted;
    }
  }
  return null;
}

/** Polls the inbox, and Junk less often, until the message arrives or time is nearly up. */
async function waitForMail(
  run: ProbeRun,
  mailbox: ImapMailbox,
  junk: string,
  id: string,
): Promise<MailLocation | Ended> {
  for (let poll = 0; ; poll += 1) {
    const last = run.remainingMs() < LAST_SEARCH_MS + POLL_MS;
    const folders = junk !== "" && (last || poll % 3 === 2) ? ["INBOX", junk] : ["INBOX"];
    for (const folder of folders) {
      const found = await findAndDelete(mailbox, folder, id);
      if (found.kind === "ended") {
        return found;
      }
      if (found.value) {
        return { kind: "found", folder };
      }
    }
    if (last) {
      return { kind: "lost" };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Searches the folder for the message by its header, and deletes it if found. */
function findAndDelete(
  mailbox: ImapMailbox,
  folder: string,
  id: string,
): ReturnType<typeof mailbox.call<boolean>> {
  return mailbox.call(async (client) => {
    await client.mailboxOpen(folder);
    const found = await client.search({ header: { [ROUND_TRIP_HEADER]: id } }, { uid: true });
    const own = (await fetchProbes(client, found)).flatMap((probe) =>
      probe.id === id ? [probe.uid] : [],
    );
    return own.length > 0 && client.messageDelete(own, { uid: true });
  });
}

interface ProbeMessage {
  readonly uid: number;
  readonly id: string;
  readonly arrivedAt: Date | null;
}

/**
 * Filters search results by the round-trip header, so that a server that returns arbitrary messages cannot have them deleted.
 */
async function fetchProbes(
  client: ImapFlow,
  found: Awaited<ReturnType<ImapFlow["search"]>>,
): Promise<readonly ProbeMessage[]> {
  if (!Array.isArray(found) || found.length === 0) {
    return [];
  }
  const asked = new Set(found);
  const messages = await client.fetchAll(
    found,
    { internalDate: true, headers: [ROUND_TRIP_HEADER] },
    { uid: true },
  );
  return messages.flatMap(({ uid, headers, internalDate }) => {
    const id = HEADER_LINE.exec(headers?.toString("latin1") ?? "")?.[1];
    return id === undefined || !asked.has(uid)
      ? []
      : [{ uid, id, arrivedAt: internalDate === undefined ? null : new Date(internalDate) }];
  });
}

/** Matches the probe's header exactly as it was sent. */
const HEADER_LINE =
  /^X-Adc-Witness: ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\r?$/im;

function messageText(id: string, address: string, date: Date): string {
  return [
    `From: <${address}>`,
    `To: <${address}>`,
    `Subject: adc-witness round trip ${id}`,
    `Date: ${date.toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${id}@adc-witness.invalid>`,
    `${ROUND_TRIP_HEADER}: ${id}`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "A probe message. It is deleted automatically.",
    "",
  ].join("\r\n");
}
