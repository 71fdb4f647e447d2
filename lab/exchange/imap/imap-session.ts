import { createLineConnection } from "../line-connection.ts";
import { type ServiceContext, logIn } from "../service-context.ts";
import { runSasl, type SaslResult } from "../sasl.ts";
import { readCommand, textOf, type ImapCommand } from "./imap-command.ts";
import { folderCommand } from "./imap-folders.ts";
import { messageCommand } from "./imap-messages.ts";
import { BAD, ok, type ImapSession, type Reply } from "./imap-reply.ts";
import type { Socket } from "node:net";

/** Bad commands after which Exchange ends the session. */
const BAD_COMMANDS = 3;

const MECHANISMS = ["NTLM", "GSSAPI", "PLAIN"];

/** Serves one IMAP4 connection as Microsoft Exchange does on 143 and 993, until it ends. */
export async function serveImap(
  socket: Socket,
  context: ServiceContext,
  secure: boolean,
): Promise<void> {
  const connection = createLineConnection(socket, {
    secure,
    delayMs: () => context.state().delayMs,
  });
  const session: ImapSession = { context, connection, user: null, selected: null };
  const banner = context.state().banner ?? "The Microsoft Exchange IMAP4 service is ready.";
  await connection.send(`* OK ${banner}\r\n`);
  let badCommands = 0;
  while (connection.isOpen()) {
    const read = await readCommand(connection);
    if (read.kind === "closed") {
      break;
    }
    const reply = read.kind === "bad" ? BAD : await execute(session, read.command);
    if (reply.kind === "close") {
      await connection.send(reply.last);
      break;
    }
    if (reply.kind === "none") {
      continue;
    }
    const tag = read.kind === "bad" ? read.tag : read.command.tag;
    await connection.send(`${tag} ${reply.kind.toUpperCase()} ${reply.text}\r\n`);
    badCommands += reply.kind === "bad" ? 1 : 0;
    if (badCommands >= BAD_COMMANDS) {
      await connection.send("* BYE Connection is closed. 14\r\n");
      break;
    }
  }
  connection.end();
}

const WRONG_STATE: Reply = { kind: "bad", text: "Command received in Invalid state." };

async function execute(session: ImapSession, command: ImapCommand): Promise<Reply> {
  const { connection, context } = session;
  switch (command.name) {
    case "CAPABILITY":
      await connection.send(`* CAPABILITY ${capabilities(session)}\r\n`);
      return ok(command);
    case "NOOP":
    case "CHECK":
      await connection.send(session.selected?.catchUp() ?? "");
      return ok(command);
    case "ID":
      await connection.send(
        '* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.1")\r\n',
      );
      return ok(command);
    case "LOGOUT": {
      const year = context.version === "2010" ? "2010" : "2013";
      const bye = `* BYE Microsoft Exchange Server ${year} IMAP4 server signing off.\r\n`;
      return { kind: "close", last: `${bye}${command.tag} OK LOGOUT completed.\r\n` };
    }
    case "STARTTLS":
      return startTls(session, command);
    case "LOGIN":
    case "AUTHENTICATE":
      return session.user === null ? authenticate(session, command) : WRONG_STATE;
    default:
      return session.user === null ? withoutLogin(command) : withLogin(session, command);
  }
}

function withoutLogin(command: ImapCommand): Reply {
  return /^(SELECT|EXAMINE|LIST|LSUB|STATUS|FETCH|SEARCH|STORE|COPY|APPEND|NAMESPACE|IDLE|UID .*|EXPUNGE|CLOSE)$/.test(
    command.name,
  )
    ? WRONG_STATE
    : BAD;
}

async function withLogin(session: ImapSession, command: ImapCommand): Promise<Reply> {
  const { user, context } = session;
  if (user === null) {
    return WRONG_STATE;
  }
  if (context.state().backend !== "up" || !context.organisation.mounted(user.account)) {
    return {
      kind: "close",
      last: `${command.tag} NO Server Unavailable. 15\r\n* BYE Connection closed.\r\n`,
    };
  }
  return (
    (await folderCommand(session, user.mailbox, command)) ??
    (await messageCommand(session, command)) ??
    BAD
  );
}

function capabilities(session: ImapSession): string {
  const { connection, context } = session;
  const mechanisms = mayLogIn(session)
    ? MECHANISMS.map((name) => ` AUTH=${name}`).join("")
    : " LOGINDISABLED";
  const offersTls = !connection.isSecure() && context.secureContext() !== null;
  const startTlsOffer = offersTls ? " STARTTLS" : "";
  return `IMAP4 IMAP4rev1${mechanisms}${startTlsOffer} UIDPLUS MOVE ID CHILDREN IDLE NAMESPACE LITERAL+`;
}

function mayLogIn({ connection, context }: ImapSession): boolean {
  return connection.isSecure() || context.plainTextLogin;
}

async function startTls(
  { connection, context }: ImapSession,
  command: ImapCommand,
): Promise<Reply> {
  const secureContext = context.secureContext();
  if (connection.isSecure() || secureContext === null) {
    return WRONG_STATE;
  }
  await connection.send(`${command.tag} OK Begin TLS negotiation now.\r\n`);
  await connection.startTls(secureContext);
  return { kind: "none" };
}

async function authenticate(session: ImapSession, command: ImapCommand): Promise<Reply> {
  const { context } = session;
  if (!mayLogIn(session)) {
    return WRONG_STATE;
  }
  const result =
    command.name === "LOGIN" ? await login(context, command) : await sasl(session, command);
  if (result === null || result.kind === "aborted") {
    return BAD;
  }
  const mailbox =
    result.kind === "accepted" ? context.organisation.mailbox(result.account.address) : null;
  if (result.kind === "rejected" || mailbox === null) {
    return { kind: "no", text: `${command.name} failed.` };
  }
  session.user = { account: result.account, mailbox };
  return ok(command);
}

async function login(context: ServiceContext, command: ImapCommand): Promise<SaslResult | null> {
  const username = textOf(command.args[0]);
  const password = textOf(command.args[1]);
  return username === null || password === null
    ? null
    : logIn(context, "imap", fromLatin1(username), fromLatin1(password));
}

function fromLatin1(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

async function sasl(
  { connection, context }: ImapSession,
  command: ImapCommand,
): Promise<SaslResult | null> {
  const mechanism = textOf(command.args[0])?.toUpperCase() ?? "";
  if (!MECHANISMS.includes(mechanism)) {
    return null;
  }
  const ask = async (challenge: string): Promise<string | null> => {
    await connection.send(`+ ${challenge}\r\n`);
    return connection.readLine();
  };
  return runSasl(mechanism, context, "imap", ask, null);
}
