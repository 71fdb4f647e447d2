import type { Socket } from "node:net";
import { type LineConnection, createLineConnection } from "../line-connection.ts";
import { type Folder, type StoredMessage, INBOX } from "../mailbox.ts";
import { splitMessage } from "../mail-message.ts";
import type { Authentication, LabAccount } from "../organisation.ts";
import { type ServiceContext, logIn } from "../service-context.ts";
import { runSasl } from "../sasl.ts";

const BAD_COMMANDS = 3;
/** The store or the directory cannot be used, as Exchange numbers it. */
const UNAVAILABLE = "-ERR Server Unavailable. 21\r\n";
const WRONG_STATE = "-ERR Command is not valid in this state.\r\n";

interface Pop3Session {
  readonly context: ServiceContext;
  readonly connection: LineConnection;
  username: string | null;
  drop: MailDrop | null;
}

/** The messages of one session: numbers stay as they were at the login (RFC 1939). */
interface MailDrop {
  readonly account: LabAccount;
  readonly folder: Folder;
  readonly messages: readonly StoredMessage[];
  readonly deleted: Set<StoredMessage>;
}

/** Serves one POP3 connection as Microsoft Exchange does on 110 and 995, until it ends. */
export async function servePop3(
  socket: Socket,
  context: ServiceContext,
  secure: boolean,
): Promise<void> {
  const connection = createLineConnection(socket, {
    secure,
    delayMs: () => context.state().delayMs,
  });
  const session: Pop3Session = { context, connection, username: null, drop: null };
  const banner = context.state().banner ?? "The Microsoft Exchange POP3 service is ready.";
  await connection.send(`+OK ${banner}\r\n`);
  let badCommands = 0;
  while (connection.isOpen()) {
    const line = await connection.readLine();
    if (line === null) {
      break;
    }
    const [, name = "", argument = ""] = /^(\S*) ?(.*)$/.exec(line) ?? [];
    const answer = await execute(session, name.toUpperCase(), argument);
    if (answer === null) {
      badCommands += 1;
      const last = badCommands >= BAD_COMMANDS;
      await connection.send(`-ERR Protocol error. ${last ? 20 : 19}\r\n`);
      if (last) {
        break;
      }
      continue;
    }
    await connection.send(answer);
    if (name.toUpperCase() === "QUIT") {
      break;
    }
  }
  connection.end();
}

/** The whole answer; empty: already sent; null: unknown command. */
async function execute(
  session: Pop3Session,
  name: string,
  argument: string,
): Promise<string | null> {
  switch (name) {
    case "CAPA":
      return capabilities(session);
    case "STLS":
      return startTls(session);
    case "QUIT":
      return quit(session);
    case "NOOP":
      return "+OK\r\n";
    case "USER":
    case "PASS":
    case "AUTH":
      return session.drop === null ? authorise(session, name, argument) : WRONG_STATE;
    default:
      return session.drop === null
        ? /^(STAT|LIST|UIDL|TOP|RETR|DELE|RSET)$/.test(name)
          ? WRONG_STATE
          : null
        : transaction(session, session.drop, name, argument);
  }
}

function mayLogIn({ connection, context }: Pop3Session): boolean {
  return connection.isSecure() || context.plainTextLogin;
}

function capabilities(session: Pop3Session): string {
  const { connection, context } = session;
  const login = mayLogIn(session) ? ["SASL NTLM GSSAPI PLAIN", "USER"] : ["SASL NTLM GSSAPI"];
  const offersTls = !connection.isSecure() && context.secureContext() !== null;
  return ["+OK", "TOP", "UIDL", ...login, ...(offersTls ? ["STLS"] : []), ".", ""].join("\r\n");
}

async function startTls({ connection, context }: Pop3Session): Promise<string> {
  const secureContext = context.secureContext();
  if (connection.isSecure() || secureContext === null) {
    return WRONG_STATE;
  }
  await connection.send("+OK Begin TLS negotiation now.\r\n");
  await connection.startTls(secureContext);
  return "";
}

async function authorise(session: Pop3Session, name: string, argument: string): Promise<string> {
  const { context, connection, username } = session;
  const [mechanism = "", initial] = argument.split(" ");
  if (!mayLogIn(session) && !["NTLM", "GSSAPI"].includes(mechanism.toUpperCase())) {
    return WRONG_STATE;
  }
  if (name === "USER") {
    session.username = argument;
    return "+OK\r\n";
  }
  if (name === "PASS") {
    session.username = null;
    return username === null
      ? WRONG_STATE
      : enter(session, await logIn(context, "pop3", utf8(username), utf8(argument)), "Logon");
  }
  const ask = async (challenge: string): Promise<string | null> => {
    await connection.send(`+ ${challenge}\r\n`);
    return connection.readLine();
  };
  const result = ["NTLM", "GSSAPI", "PLAIN"].includes(mechanism.toUpperCase())
    ? await runSasl(mechanism, context, "pop3", ask, initial ?? null)
    : null;
  return result === null || result.kind === "aborted"
    ? "-ERR Protocol error. 19\r\n"
    : enter(session, result, "Authentication");
}

function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

/** Opens the mail drop of the account that was let in. */
function enter(session: Pop3Session, result: Authentication, step: string): string {
  const { organisation } = session.context;
  if (result.kind !== "accepted" && session.context.state().backend === "dead") {
    return UNAVAILABLE;
  }
  const account = result.kind === "accepted" ? result.account : null;
  const folder = account && (organisation.mailbox(account.address)?.folder(INBOX) ?? null);
  if (account === null || folder === null) {
    return `-ERR ${step} failure: unknown user name or bad password.\r\n`;
  }
  session.drop = { account, folder, messages: [...folder.messages], deleted: new Set() };
  return "+OK User successfully logged on.\r\n";
}

function transaction(
  { context }: Pop3Session,
  drop: MailDrop,
  name: string,
  argument: string,
): string | null {
  if (context.state().backend !== "up" || !context.organisation.mounted(drop.account)) {
    return UNAVAILABLE;
  }
  const [number = "", count = ""] = argument.split(" ");
  switch (name) {
    case "STAT": {
      const left = drop.messages.filter((message) => !drop.deleted.has(message));
      return `+OK ${left.length} ${left.reduce((sum, { content }) => sum + content.length, 0)}\r\n`;
    }
    case "LIST":
      return listing(drop, number, (message) => String(message.content.length));
    case "UIDL":
      return listing(drop, number, (message) => String(message.uid));
    case "RETR":
      return withMessage(drop, number, ({ content }) => multiLine("", content.toString("latin1")));
    case "TOP":
      return withMessage(drop, number, ({ content }) =>
        multiLine("", topOf(content.toString("latin1"), Number(count))),
      );
    case "DELE":
      return withMessage(drop, number, (message) => {
        drop.deleted.add(message);
        return "+OK\r\n";
      });
    case "RSET":
      drop.deleted.clear();
      return "+OK\r\n";
    default:
      return null;
  }
}

function withMessage(
  drop: MailDrop,
  number: string,
  answer: (message: StoredMessage) => string,
): string {
  const message = drop.messages[Number(number) - 1];
  return message === undefined || drop.deleted.has(message)
    ? "-ERR The specified message is out of range.\r\n"
    : answer(message);
}

function listing(
  drop: MailDrop,
  number: string,
  value: (message: StoredMessage) => string,
): string {
  if (number !== "") {
    return withMessage(drop, number, (message) => `+OK ${number} ${value(message)}\r\n`);
  }
  const lines = drop.messages.flatMap((message, index) =>
    drop.deleted.has(message) ? [] : [`${index + 1} ${value(message)}\r\n`],
  );
  return multiLine("", lines.join(""));
}

/** Dot-stuffed, and ended by a lone dot. */
function multiLine(greeting: string, text: string): string {
  const ended = text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`;
  return `+OK${greeting}\r\n${ended.replace(/^\./gm, "..")}.\r\n`;
}

function topOf(content: string, lines: number): string {
  const { header, body } = splitMessage(content);
  const wanted = body.split("\r\n").slice(0, Number.isFinite(lines) ? lines : 0);
  return `${header}${wanted.map((line) => `${line}\r\n`).join("")}`;
}

function quit({ context, drop }: Pop3Session): string {
  drop?.folder.remove(new Set([...drop.deleted].map(({ uid }) => uid)));
  const year = context.version === "2010" ? "2010" : "2013";
  return `+OK Microsoft Exchange Server ${year} POP3 server signing off.\r\n`;
}
