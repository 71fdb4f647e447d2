import type { Folder } from "../mailbox.ts";
import { textOf, type ImapCommand, type ImapToken } from "./imap-command.ts";
import { fetchItems, fetchMessage, marksSeen } from "./imap-fetch.ts";
import { compileSearch } from "./imap-search.ts";
import type { NumberedMessage, SelectedFolder } from "./imap-selected.ts";
import { BAD, ok, type ImapSession, type Reply } from "./imap-reply.ts";

const READ_ONLY: Reply = { kind: "no", text: "Command is not valid in read-only mode." };

/** The commands on messages of the selected folder; null when the command is none of them. */
export async function messageCommand(
  session: ImapSession,
  command: ImapCommand,
): Promise<Reply | null> {
  const { selected } = session;
  const by = command.name.startsWith("UID ") ? "uid" : "sequence";
  const name = command.name.replace(/^UID /, "");
  if (!["FETCH", "SEARCH", "STORE", "EXPUNGE", "COPY", "MOVE"].includes(name)) {
    return null;
  }
  if (selected === null) {
    return { kind: "bad", text: "Command received in Invalid state." };
  }
  const picked = selected.pick(textOf(command.args[0]) ?? "0", by);
  switch (name) {
    case "FETCH":
      return fetch(session, selected, picked, command, by);
    case "SEARCH":
      return search(session, selected, command, by);
    case "STORE":
      return store(session, selected, picked, command, by);
    case "EXPUNGE":
      return expunge(session, selected, by === "uid" ? picked : selected.numbered(), command);
    default:
      return copy(session, selected, picked, command, name === "MOVE");
  }
}

async function fetch(
  { connection }: ImapSession,
  selected: SelectedFolder,
  picked: readonly NumberedMessage[],
  command: ImapCommand,
  by: "uid" | "sequence",
): Promise<Reply> {
  const asked = fetchItems(command.args[1]);
  if (asked === null) {
    return BAD;
  }
  const hasUid = asked.some((item) => item.toUpperCase() === "UID");
  const items = by === "uid" && !hasUid ? [...asked, "UID"] : asked;
  for (const { message, sequence } of picked) {
    const data = fetchMessage(message, items);
    if (data === null) {
      return BAD;
    }
    if (!selected.readOnly && marksSeen(items)) {
      message.flags.add("\\Seen");
    }
    await connection.send(`* ${sequence} FETCH ${data}\r\n`);
  }
  await connection.send(by === "uid" ? selected.catchUp() : "");
  return ok(command);
}

async function search(
  { connection }: ImapSession,
  selected: SelectedFolder,
  command: ImapCommand,
  by: "uid" | "sequence",
): Promise<Reply> {
  await connection.send(by === "uid" ? selected.catchUp() : "");
  const all = selected.numbered();
  const bounds = { lastSequence: all.length, lastUid: all.at(-1)?.message.uid ?? 0 };
  const test = compileSearch(command.args, bounds);
  if (test === null) {
    return BAD;
  }
  const found = all
    .filter(({ message, sequence }) => test(message, sequence))
    .map(({ message, sequence }) => (by === "uid" ? message.uid : sequence));
  await connection.send(`* SEARCH${found.map((number) => ` ${number}`).join("")}\r\n`);
  return ok(command);
}

async function store(
  { connection }: ImapSession,
  selected: SelectedFolder,
  picked: readonly NumberedMessage[],
  command: ImapCommand,
  by: "uid" | "sequence",
): Promise<Reply> {
  const match = /^([+-]?)FLAGS(\.SILENT)?$/i.exec(textOf(command.args[1]) ?? "");
  if (match === null) {
    return BAD;
  }
  if (selected.readOnly) {
    return READ_ONLY;
  }
  const flags = flagsOf(command.args.slice(2));
  for (const { message, sequence } of picked) {
    changeFlags(message.flags, match[1] ?? "", flags);
    if (match[2] === undefined) {
      const uid = by === "uid" ? ` UID ${message.uid}` : "";
      const now = [...message.flags].join(" ");
      await connection.send(`* ${sequence} FETCH (FLAGS (${now})${uid})\r\n`);
    }
  }
  return ok(command);
}

const SYSTEM_FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"];

function flagsOf(tokens: readonly ImapToken[]): string[] {
  const names = tokens.flatMap((token) => (token.kind === "list" ? token.items : [token]));
  return names.map((token) => {
    const text = textOf(token) ?? "";
    return SYSTEM_FLAGS.find((flag) => flag.toLowerCase() === text.toLowerCase()) ?? text;
  });
}

function changeFlags(current: Set<string>, sign: string, flags: readonly string[]): void {
  if (sign === "") {
    current.clear();
  }
  for (const flag of flags) {
    if (sign === "-") {
      current.delete(flag);
    } else {
      current.add(flag);
    }
  }
}

async function expunge(
  { connection }: ImapSession,
  selected: SelectedFolder,
  candidates: readonly NumberedMessage[],
  command: ImapCommand,
): Promise<Reply> {
  if (selected.readOnly) {
    return READ_ONLY;
  }
  removeFrom(
    selected.folder,
    candidates.filter(({ message }) => message.flags.has("\\Deleted")),
  );
  await connection.send(selected.catchUp());
  return ok(command);
}

function removeFrom(folder: Folder, messages: readonly NumberedMessage[]): void {
  folder.remove(new Set(messages.map(({ message }) => message.uid)));
}

async function copy(
  session: ImapSession,
  selected: SelectedFolder,
  picked: readonly NumberedMessage[],
  command: ImapCommand,
  move: boolean,
): Promise<Reply> {
  const name = textOf(command.args[1]) ?? "";
  const target = session.user?.mailbox.folder(name) ?? null;
  if (target === null) {
    return { kind: "no", text: `[TRYCREATE] ${name} doesn't exist.` };
  }
  if (move && selected.readOnly) {
    return READ_ONLY;
  }
  const copies = picked.map(({ message }) =>
    target.append(message.content, [...message.flags], message.receivedAt),
  );
  const from = picked.map(({ message }) => message.uid).join(",");
  const to = copies.map(({ uid }) => uid).join(",");
  const code = copies.length === 0 ? "" : `[COPYUID ${target.uidValidity} ${from} ${to}] `;
  if (!move) {
    return { kind: "ok", text: `${code}COPY completed.` };
  }
  await session.connection.send(code === "" ? "" : `* OK ${code}\r\n`);
  removeFrom(selected.folder, picked);
  await session.connection.send(selected.catchUp());
  return ok(command);
}
