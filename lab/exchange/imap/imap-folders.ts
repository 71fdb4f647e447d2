import type { Folder, Mailbox } from "../mailbox.ts";
import { imapString, textOf, type ImapCommand, type ImapToken } from "./imap-command.ts";
import { selectFolder } from "./imap-selected.ts";
import { BAD, ok, type ImapSession, type Reply } from "./imap-reply.ts";

const FLAGS = "\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent";

/** The commands on folders; null when the command is none of them. */
export async function folderCommand(
  session: ImapSession,
  mailbox: Mailbox,
  command: ImapCommand,
): Promise<Reply | null> {
  const { connection } = session;
  switch (command.name) {
    case "NAMESPACE":
      await connection.send('* NAMESPACE (("" "/")) NIL NIL\r\n');
      return ok(command);
    case "LIST":
    case "LSUB":
      await connection.send(list(mailbox, command));
      return ok(command);
    case "SUBSCRIBE":
    case "UNSUBSCRIBE":
      return ok(command);
    case "STATUS":
      return status(session, mailbox, command);
    case "SELECT":
    case "EXAMINE":
      return select(session, mailbox, command);
    case "APPEND":
      return append(session, mailbox, command);
    case "CLOSE":
      return close(session, command);
    case "IDLE":
      return idle(session, command);
    default:
      return null;
  }
}

function folderOf(mailbox: Mailbox, token: ImapToken | undefined): Folder | null {
  return mailbox.folder(textOf(token) ?? "");
}

function noSuchFolder(command: ImapCommand, token: ImapToken | undefined): Reply {
  return token === undefined
    ? BAD
    : { kind: "no", text: `${textOf(token) ?? command.name} doesn't exist.` };
}

function list(mailbox: Mailbox, command: ImapCommand): string {
  const pattern = `${textOf(command.args[0]) ?? ""}${textOf(command.args[1]) ?? ""}`;
  if (pattern === "") {
    return `* ${command.name} (\\Noselect \\HasNoChildren) "/" ""\r\n`;
  }
  const matcher = new RegExp(
    `^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/[*%]+/g, ".*")}$`,
    "i",
  );
  return mailbox.folders
    .filter((folder) => matcher.test(folder.name))
    .map((folder) => `* ${command.name} (\\HasNoChildren) "/" ${imapString(folder.name)}\r\n`)
    .join("");
}

async function status(
  { connection }: ImapSession,
  mailbox: Mailbox,
  command: ImapCommand,
): Promise<Reply> {
  const folder = folderOf(mailbox, command.args[0]);
  const asked = command.args[1];
  if (folder === null || asked?.kind !== "list") {
    return noSuchFolder(command, command.args[0]);
  }
  const values: Readonly<Record<string, number>> = {
    MESSAGES: folder.messages.length,
    RECENT: 0,
    UIDNEXT: folder.uidNext,
    UIDVALIDITY: folder.uidValidity,
    UNSEEN: folder.messages.filter((message) => !message.flags.has("\\Seen")).length,
  };
  const answers = asked.items.flatMap((item) => {
    const name = textOf(item)?.toUpperCase() ?? "";
    const value = values[name];
    return value === undefined ? [] : [`${name} ${value}`];
  });
  await connection.send(`* STATUS ${imapString(folder.name)} (${answers.join(" ")})\r\n`);
  return ok(command);
}

async function select(
  session: ImapSession,
  mailbox: Mailbox,
  command: ImapCommand,
): Promise<Reply> {
  const folder = folderOf(mailbox, command.args[0]);
  session.selected = null;
  if (folder === null) {
    return noSuchFolder(command, command.args[0]);
  }
  const readOnly = command.name === "EXAMINE";
  session.selected = selectFolder(folder, readOnly);
  const unseen = folder.messages.findIndex((message) => !message.flags.has("\\Seen"));
  const permanent = readOnly ? "" : FLAGS;
  await session.connection.send(
    [
      `* ${folder.messages.length} EXISTS`,
      "* 0 RECENT",
      `* FLAGS (${FLAGS})`,
      `* OK [PERMANENTFLAGS (${permanent})] Permanent flags`,
      ...(unseen < 0 ? [] : [`* OK [UNSEEN ${unseen + 1}] Is the first unseen message`]),
      `* OK [UIDVALIDITY ${folder.uidValidity}] UIDVALIDITY value`,
      `* OK [UIDNEXT ${folder.uidNext}] The next unique identifier value`,
      "",
    ].join("\r\n"),
  );
  const mode = readOnly ? "READ-ONLY" : "READ-WRITE";
  return { kind: "ok", text: `[${mode}] ${command.name} completed.` };
}

async function append(
  session: ImapSession,
  mailbox: Mailbox,
  command: ImapCommand,
): Promise<Reply> {
  const folder = folderOf(mailbox, command.args[0]);
  if (folder === null) {
    return { kind: "no", text: `[TRYCREATE] ${textOf(command.args[0]) ?? ""} doesn't exist.` };
  }
  const content = command.args.at(-1);
  if (command.args.length < 2 || content?.kind !== "string") {
    return BAD;
  }
  const flagList = command.args.find((token) => token.kind === "list");
  const flags = flagList?.kind === "list" ? flagList.items.map((item) => textOf(item) ?? "") : [];
  const message = folder.append(Buffer.from(content.value, "latin1"), flags);
  await session.connection.send(session.selected?.catchUp() ?? "");
  return {
    kind: "ok",
    text: `[APPENDUID ${folder.uidValidity} ${message.uid}] APPEND completed.`,
  };
}

function close(session: ImapSession, command: ImapCommand): Reply {
  const { selected } = session;
  if (selected === null) {
    return { kind: "bad", text: "Command received in Invalid state." };
  }
  if (!selected.readOnly) {
    const deleted = selected.folder.messages.filter(({ flags }) => flags.has("\\Deleted"));
    selected.folder.remove(new Set(deleted.map(({ uid }) => uid)));
  }
  session.selected = null;
  return ok(command);
}

async function idle(session: ImapSession, command: ImapCommand): Promise<Reply> {
  const { connection, selected } = session;
  await connection.send("+ IDLE accepted, awaiting DONE command.\r\n");
  await connection.send(selected?.catchUp() ?? "");
  const stop = selected?.folder.watch(() => void connection.send(selected.catchUp()));
  const line = await connection.readLine();
  stop?.();
  return line?.toUpperCase() === "DONE" ? ok(command) : BAD;
}
