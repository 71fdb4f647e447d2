import { signsOfGreeting } from "../../model/exchange-signs.ts";
import type { Observation } from "../../model/observation.ts";
import type { Step } from "../../model/reasons.ts";
import type { TransactionName, TransactionSpec } from "../../model/transactions.ts";
import { mailRefusalReason } from "../../net/mail-replies.ts";
import type { Target } from "../../net/probe-context.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import {
  replyFailed,
  usesStartTls,
  ended,
  quitAndClose,
  mismatch,
  openLineSession,
  startTlsSession,
  type Ended,
  type LineSession,
} from "./line-session.ts";
import type { TransactionType } from "../probe.ts";

/** An IMAP or POP3 session after greeting and capabilities, with TLS if configured. */
export interface MailSession extends LineSession {
  readonly greeting: string;
  /** In upper case; empty if a POP3 server does not support CAPA (RFC 1939 alone). */
  readonly capabilities: ReadonlySet<string>;
}

interface CommandReply {
  readonly kind: "answer";
  readonly ok: boolean;
  readonly text: string;
  /** Untagged lines, or the lines of a multi-line reply. */
  readonly untagged: readonly string[];
}

type Capabilities = { readonly kind: "names"; readonly names: ReadonlySet<string> };

/** Differences between IMAP and POP3. */
interface Dialect {
  readonly protocol: "imap" | "pop3";
  readonly welcome: RegExp;
  /** Matches a greeting that refuses service. */
  readonly refusal: RegExp;
  readonly startTls: "STARTTLS" | "STLS";
  readonly quitCommand: string;
  /** `tag` is the command's tag, in IMAP. */
  readonly capabilities: (
    run: ProbeRun,
    session: LineSession,
    tag: string,
  ) => Promise<Capabilities | Ended>;
  readonly command: (
    run: ProbeRun,
    session: LineSession,
    text: string,
    step: Step,
    tag: string,
  ) => Promise<CommandReply | Ended>;
}

const IMAP: Dialect = {
  protocol: "imap",
  welcome: /^\* (OK|PREAUTH)\b/i,
  refusal: /^\* BYE\b/i,
  startTls: "STARTTLS",
  quitCommand: "a9 LOGOUT\r\n",
  command: imapCommand,
  async capabilities(run, session, tag) {
    const answer = await imapCommand(run, session, "CAPABILITY", "greeting", tag);
    if (answer.kind === "ended") {
      return answer;
    }
    if (!answer.ok) {
      return mismatch(run, "greeting", "protocol_error", `CAPABILITY: ${answer.text}`);
    }
    const listed = answer.untagged.find((line) => /^\* CAPABILITY /i.test(line));
    if (listed === undefined) {
      // A server that greets and replies but offers nothing is not an outage, as with POP3.
      return { kind: "names", names: new Set() };
    }
    const names = new Set(listed.toUpperCase().split(/\s+/).slice(2));
    return ["IMAP4REV1", "IMAP4REV2", "IMAP4"].some((name) => names.has(name))
      ? { kind: "names", names }
      : mismatch(run, "greeting", "protocol_error", listed);
  },
};

const POP3: Dialect = {
  protocol: "pop3",
  welcome: /^\+OK\b/i,
  refusal: /^-ERR\b/i,
  startTls: "STLS",
  quitCommand: "QUIT\r\n",
  command: pop3Command,
  async capabilities(run, session) {
    const answer = await pop3Command(run, session, "CAPA", "greeting");
    if (answer.kind === "ended") {
      return answer;
    }
    if (!answer.ok) {
      return { kind: "names", names: new Set() };
    }
    const list = await session.reader.untilDot();
    return list.kind === "lines"
      ? {
          kind: "names",
          names: new Set(list.lines.map((line) => line.toUpperCase().split(/\s+/)[0] ?? "")),
        }
      : replyFailed(run, "greeting", list);
  },
};

/** Sends one command and reads up to the tagged reply. A `BYE` or a broken connection ends the exchange. */
async function imapCommand(
  run: ProbeRun,
  { connection, reader }: LineSession,
  text: string,
  step: Step,
  tag: string,
): Promise<CommandReply | Ended> {
  connection.write(`${tag} ${text}\r\n`);
  const answer = await reader.until((line) => line.startsWith(`${tag} `));
  run.phase("transaction");
  if (answer.kind !== "lines") {
    return replyFailed(run, step, answer);
  }
  const bye = answer.lines.find((line) => IMAP.refusal.test(line));
  if (bye !== undefined) {
    return mismatch(run, step, mailRefusalReason({ protocol: "imap", text: bye }, "greeting"), bye);
  }
  const last = (answer.lines.at(-1) ?? "").slice(tag.length + 1);
  const status = /^(OK|NO|BAD)\b/i.exec(last)?.[1];
  return status === undefined
    ? mismatch(run, step, "protocol_error", last)
    : {
        kind: "answer",
        ok: status.toUpperCase() === "OK",
        text: last,
        untagged: answer.lines.slice(0, -1),
      };
}

/** Sends one command and reads its status line. */
async function pop3Command(
  run: ProbeRun,
  { connection, reader }: LineSession,
  text: string,
  step: Step,
): Promise<CommandReply | Ended> {
  connection.write(`${text}\r\n`);
  const line = await reader.line();
  run.phase("transaction");
  if (line.kind !== "line") {
    return replyFailed(run, step, line);
  }
  const status = /^(\+OK|-ERR)\b/i.exec(line.text)?.[1];
  return status === undefined
    ? mismatch(run, step, "protocol_error", line.text)
    : { kind: "answer", ok: status.toUpperCase() === "+OK", text: line.text, untagged: [] };
}

/** Reads the greeting, which must be valid for the protocol. */
async function readGreeting(
  dialect: Dialect,
  run: ProbeRun,
  { reader }: LineSession,
): Promise<{ readonly kind: "greeting"; readonly text: string } | Ended> {
  const first = await reader.line();
  run.phase("banner");
  if (first.kind !== "line") {
    return ended(run.fail("banner", first));
  }
  const { text } = first;
  if (!dialect.welcome.test(text)) {
    const reason = dialect.refusal.test(text)
      ? mailRefusalReason({ protocol: dialect.protocol, text }, "greeting")
      : "banner_mismatch";
    return mismatch(run, "banner", reason, text);
  }
  run.identify(signsOfGreeting(text));
  return { kind: "greeting", text };
}

/** Connects and reads greeting and capabilities. With STARTTLS, negotiates TLS and reads the capabilities again. */
async function openSession(
  dialect: Dialect,
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<MailSession | Ended> {
  const opened = await openLineSession(run, spec, target);
  if (opened.kind === "ended") {
    return opened;
  }
  const greeted = await readGreeting(dialect, run, opened);
  if (greeted.kind === "ended") {
    return greeted;
  }
  const greeting = greeted.text;
  const clear = await dialect.capabilities(run, opened, "a1");
  if (clear.kind === "ended") {
    return clear;
  }
  // RFC 3501 section 6.2.1: STARTTLS is not available to a client that the greeting has already authenticated.
  const offered = clear.names.has(dialect.startTls) && !isPreauth(greeting);
  if (!usesStartTls(spec, offered)) {
    return { ...opened, greeting, capabilities: clear.names };
  }
  if (!offered) {
    const detail = `${dialect.startTls} is not offered`;
    return mismatch(run, "starttls", "tls_handshake", detail);
  }
  const answer = await dialect.command(run, opened, dialect.startTls, "starttls", "a2");
  if (answer.kind === "ended") {
    return answer;
  }
  if (!answer.ok) {
    return mismatch(run, "starttls", "tls_handshake", answer.text);
  }
  const secured = await startTlsSession(run, spec, opened);
  if (secured.kind === "ended") {
    return secured;
  }
  const now = await dialect.capabilities(run, secured, "a3");
  return now.kind === "ended" ? now : { ...secured, greeting, capabilities: now.names };
}

/** Whether an IMAP greeting already authenticates the client. */
export function isPreauth(greeting: string): boolean {
  return /^\* PREAUTH\b/i.test(greeting);
}

/** Connects and reads greeting and CAPABILITY. With STARTTLS, negotiates TLS and reads CAPABILITY again. */
export function openImap(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<MailSession | Ended> {
  return openSession(IMAP, run, spec, target);
}

/** Connects and reads greeting and CAPA. With STLS, negotiates TLS and reads CAPA again. */
export function openPop3(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<MailSession | Ended> {
  return openSession(POP3, run, spec, target);
}

/** If only the server's port is known, another protocol there is not a failure. */
async function probeGreetingOnly(
  dialect: Dialect,
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<Observation> {
  const opened = await openLineSession(run, spec, target);
  if (opened.kind === "ended") {
    return opened.observation;
  }
  const greeted = await readGreeting(dialect, run, opened);
  if (greeted.kind === "greeting") {
    await quitAndClose(opened.connection, dialect.quitCommand);
    return run.match("greeting", greeted.text);
  }
  const { observation } = greeted;
  return observation.reason === "banner_mismatch"
    ? run.fault("banner", "banner_mismatch", observation.evidence.detail)
    : observation;
}

function greetingType(transaction: TransactionName, dialect: Dialect): TransactionType {
  return {
    transaction,
    needsAccount: false,
    transport: "tcp",
    probe: async (run, spec, target) => {
      if (spec.options["greeting_only"] === true) {
        return probeGreetingOnly(dialect, run, spec, target);
      }
      const session = await openSession(dialect, run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      await quitAndClose(session.connection, dialect.quitCommand);
      return run.match("greeting", session.greeting);
    },
  };
}

/**
 * IMAP without an account: TLS if configured, greeting, CAPABILITY, LOGOUT. Exchange's front end in maintenance accepts the
 * connection and closes it without a byte (`closed_without_data`). An unknown greeting text is not a failure, because
 * Exchange's banner can be customised.
 */
export const imapGreeting = greetingType("imap_greeting", IMAP);

/** POP3 without an account: TLS if configured, greeting, CAPA, QUIT. Otherwise like `imap_greeting`. */
export const pop3Greeting = greetingType("pop3_greeting", POP3);
