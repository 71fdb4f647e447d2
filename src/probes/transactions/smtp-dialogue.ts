import { isIP, isIPv6 } from "../../lib/ip.ts";
import type { Target } from "../../net/probe-context.ts";
import type { Step } from "../../model/reasons.ts";
import { signsOfSmtp } from "../../model/exchange-signs.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import { LineReader } from "../../net/line-reader.ts";
import { mailRefusalReason, readReply, type CodedReply } from "../../net/mail-replies.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import {
  replyFailed,
  usesStartTls,
  ended,
  mismatch,
  openLineSession,
  endRefused,
  startTlsSession,
  type Ended,
  type LineSession,
} from "./line-session.ts";
import { isSubmissionPort, type TransactionSpec } from "../../model/transactions.ts";

/** A session after 220 and EHLO, with TLS if configured. */
export interface SmtpSession extends LineSession {
  readonly banner: string;
  /** EHLO's lines after the first, in upper case: `STARTTLS`, `AUTH NTLM LOGIN` … */
  readonly extensions: readonly string[];
  /** How long the server took to greet, in milliseconds from the start of the run. */
  readonly greetedAfterMs: number;
  /** The client's address as the server sees it (`Hello [192.0.2.7]`), or null. */
  readonly seenAs: string | null;
  /** The server's reply if STARTTLS is temporarily unavailable and the session continues without it. */
  readonly withoutTls: string | null;
}

/** Connects and reads 220 and EHLO. With STARTTLS, negotiates TLS and sends EHLO again. */
export async function openSmtp(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<SmtpSession | Ended> {
  const opened =
    spec.security === "implicit" && target.port === 465
      ? await openPort465(run, spec, target)
      : await openLineSession(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const banner = await readReply(opened.reader);
  run.phase("banner");
  const greetedAfterMs = run.elapsedMs();
  if (banner.kind !== "reply") {
    return ended(run.fail("banner", banner));
  }
  if (banner.code !== 220) {
    return refused(run, "banner", banner);
  }
  run.identify(signsOfSmtp(banner.text));
  const hello = await greet(run, opened);
  if (hello.kind === "ended") {
    return hello;
  }
  const first: SmtpSession = {
    ...opened,
    banner: banner.text,
    greetedAfterMs,
    ...hello.facts,
    withoutTls: null,
  };
  return negotiateTls(run, withStartTlsInstead(run, spec), target, first);
}

/** If port 465 greets in clear text, STARTTLS is used before a credential is sent. */
function withStartTlsInstead(run: ProbeRun, spec: TransactionSpec): TransactionSpec {
  if (spec.security !== "implicit" || run.tls !== null) {
    return spec;
  }
  const keepsSecret = spec.account !== null && !spec.allowPlaintext;
  return { ...spec, security: keepsSecret ? "starttls" : "starttls_if_offered" };
}

async function negotiateTls(
  run: ProbeRun,
  spec: TransactionSpec,
  { port }: Target,
  session: SmtpSession,
): Promise<SmtpSession | Ended> {
  const offered = session.extensions.includes("STARTTLS");
  if (!usesStartTls(spec, offered)) {
    return session;
  }
  if (!offered) {
    return mismatch(run, "starttls", "tls_handshake", "STARTTLS is not offered");
  }
  const answer = await smtpCommand(run, session, "STARTTLS", "starttls");
  if (answer.kind === "ended") {
    return answer;
  }
  if (answer.code === TLS_NOT_AVAILABLE && mayContinueWithoutTls(spec, port)) {
    return { ...session, withoutTls: `${String(answer.code)} ${answer.text}` };
  }
  if (answer.code !== 220) {
    return refused(run, "starttls", answer);
  }
  const secured = await startTlsSession(run, spec, session);
  if (secured.kind === "ended") {
    return secured;
  }
  const hello = await greet(run, secured);
  return hello.kind === "ended" ? hello : { ...session, ...secured, ...hello.facts };
}

/** RFC 3207 section 4: temporary, and the session continues without TLS. */
const TLS_NOT_AVAILABLE = 454;

/** A relaying server then continues without TLS (RFC 3207); a submission with a login cannot. */
function mayContinueWithoutTls({ security }: TransactionSpec, port: number): boolean {
  return security === "starttls_if_offered" && !isSubmissionPort(port);
}

/** Sends one command and reads its reply. */
export async function smtpCommand(
  run: ProbeRun,
  { connection, reader }: LineSession,
  text: string,
  step: Step,
  shown: string = text,
): Promise<CodedReply | Ended> {
  connection.write(`${text}\r\n`, `${shown}\r\n`);
  const reply = await readReply(reader);
  run.phase("transaction");
  return reply.kind === "reply" ? reply : replyFailed(run, step, reply);
}

/** Ends the exchange after a negative reply. */
export function refused(run: ProbeRun, step: Step, reply: CodedReply): Ended {
  const { code, text } = reply;
  const reason = mailRefusalReason({ protocol: "smtp", code, text }, "command");
  return endRefused(run, step, reason, `${String(code)} ${text}`);
}

/**
 * Exchange's port 465 (Client Proxy) greets in clear text; others use implicit TLS. So wait briefly for a plain-text banner,
 * and reconnect with TLS if there is none.
 */
async function openPort465(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<LineSession | Ended> {
  const dialled = await dial(run, target, { tls: null });
  if (dialled.kind === "failed") {
    return ended(run.fail(dialled.step, dialled.why));
  }
  const { connection } = dialled;
  if (await greetsFirst(connection, Math.min(2_000, run.remainingMs() / 3))) {
    return { kind: "session", connection, reader: new LineReader(connection) };
  }
  connection.close();
  return openLineSession(run, spec, target);
}

/** Whether data or the end of the stream arrives within this time, in milliseconds; data stays unread. */
async function greetsFirst(connection: Connection, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  const first = await Promise.race([connection.read(), silence]);
  clearTimeout(timer);
  if (first?.kind === "data") {
    connection.unread(first.data);
  }
  return first !== null;
}

type Hello =
  | {
      readonly kind: "hello";
      readonly facts: Pick<SmtpSession, "extensions" | "seenAs">;
    }
  | Ended;

/** EHLO, with fallback to HELO if rejected (RFC 5321 section 3.2, or `500` of an inspecting firewall). */
async function greet(run: ProbeRun, session: LineSession): Promise<Hello> {
  const own = addressLiteral(session.connection);
  const extended = await smtpCommand(run, session, `EHLO ${own}`, "greeting");
  const isUnknown = extended.kind === "reply" && extended.code >= 500;
  const reply = isUnknown ? await smtpCommand(run, session, `HELO ${own}`, "greeting") : extended;
  if (reply.kind === "ended") {
    return reply;
  }
  if (reply.code !== 250) {
    return refused(run, "greeting", reply);
  }
  const [first = "", ...extensions] = reply.lines;
  run.identify(signsOfSmtp(first));
  run.identify({ servedBy: null, exchangeSeen: signsOfSmtp(reply.text).exchangeSeen });
  const seenAs = addressInGreeting(first);
  if (seenAs !== null) {
    run.clientAddress = { seenAs, own: seenAs === localAddressOf(session.connection) };
  }
  return {
    kind: "hello",
    facts: { extensions: extensions.map((line) => line.toUpperCase().trim()), seenAs },
  };
}

/** `Hello [192.0.2.7]`: only a valid address is returned. */
function addressInGreeting(greeting: string): string | null {
  const written = /Hello \[(?:IPv6:)?([^\]]{1,45})\]/i.exec(greeting)?.[1]?.toLowerCase() ?? "";
  return isIP(written) === 0 ? null : written;
}

function localAddressOf({ socket }: Connection): string {
  return (socket.localAddress ?? "127.0.0.1").replace(/^::ffff:/, "");
}

/** A client without a name sends its address literal (RFC 5321 section 4.1.3). */
function addressLiteral(connection: Connection): string {
  const address = localAddressOf(connection);
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
}
