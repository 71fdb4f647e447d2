import type { StoredMessage } from "../mailbox.ts";
import { headerValue, splitMessage } from "../mail-message.ts";
import { bodyStructure, bodySection } from "./imap-body.ts";
import { imapString, type ImapToken } from "./imap-command.ts";

const MACROS: Readonly<Record<string, readonly string[]>> = {
  ALL: ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
  FAST: ["FLAGS", "INTERNALDATE", "RFC822.SIZE"],
  FULL: ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"],
};

/** The data items of a FETCH; null if there are none. */
export function fetchItems(token: ImapToken | undefined): readonly string[] | null {
  if (token?.kind === "atom") {
    return MACROS[token.value.toUpperCase()] ?? [token.value];
  }
  if (token?.kind !== "list") {
    return null;
  }
  return token.items.flatMap((item) => (item.kind === "atom" ? [item.value] : []));
}

/** Whether reading these items marks a message as seen. */
export function marksSeen(items: readonly string[]): boolean {
  return items.some((item) => /^(BODY\[|RFC822$|RFC822\.TEXT$)/i.test(item));
}

/** The parenthesised data of one message; null when an item is not known. */
export function fetchMessage(message: StoredMessage, items: readonly string[]): string | null {
  const data: string[] = [];
  for (const item of items) {
    const value = fetchItem(message, item);
    if (value === null) {
      return null;
    }
    data.push(value);
  }
  return `(${data.join(" ")})`;
}

function fetchItem(message: StoredMessage, item: string): string | null {
  const name = item.toUpperCase();
  const content = (): string => message.content.toString("latin1");
  switch (name) {
    case "FLAGS":
      return `FLAGS (${[...message.flags].join(" ")})`;
    case "UID":
      return `UID ${message.uid}`;
    case "INTERNALDATE":
      return `INTERNALDATE "${imapDate(message.receivedAt)}"`;
    case "RFC822.SIZE":
      return `RFC822.SIZE ${message.content.length}`;
    case "RFC822":
      return `RFC822 ${literal(content())}`;
    case "RFC822.HEADER":
      return `RFC822.HEADER ${literal(splitMessage(content()).header)}`;
    case "RFC822.TEXT":
      return `RFC822.TEXT ${literal(splitMessage(content()).body)}`;
    case "ENVELOPE":
      return `ENVELOPE ${envelope(splitMessage(content()).header)}`;
    case "BODY":
    case "BODYSTRUCTURE":
      return `${name} ${bodyStructure(content())}`;
    default:
      return bodyItem(content(), item);
  }
}

function bodyItem(content: string, item: string): string | null {
  const match = /^BODY(?:\.PEEK)?\[([^\]]*)\](?:<(\d+)\.(\d+)>)?$/i.exec(item);
  if (match === null) {
    return null;
  }
  const [, section = "", from, count] = match;
  const whole = bodySection(content, section);
  if (whole === null) {
    return `BODY[${section}] NIL`;
  }
  if (from === undefined) {
    return `BODY[${section}] ${literal(whole)}`;
  }
  const part = whole.slice(Number(from), Number(from) + Number(count));
  return `BODY[${section}]<${from}> ${literal(part)}`;
}

function literal(text: string): string {
  return `{${text.length}}\r\n${text}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function imapDate(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2, " ");
  const month = MONTHS[date.getUTCMonth()] ?? "Jan";
  const time = date.toISOString().slice(11, 19);
  return `${day}-${month}-${date.getUTCFullYear()} ${time} +0000`;
}

function envelope(header: string): string {
  const from = addresses(headerValue(header, "from"));
  const or = (name: string): string => {
    const own = addresses(headerValue(header, name));
    return own === "NIL" ? from : own;
  };
  return `(${[
    imapString(headerValue(header, "date")),
    imapString(headerValue(header, "subject")),
    from,
    or("sender"),
    or("reply-to"),
    addresses(headerValue(header, "to")),
    addresses(headerValue(header, "cc")),
    addresses(headerValue(header, "bcc")),
    imapString(headerValue(header, "in-reply-to")),
    imapString(headerValue(header, "message-id")),
  ].join(" ")})`;
}

/** Good enough for the addresses that mail programs write: `a@b`, `<a@b>`, `Name <a@b>`, `"Na, me" <a@b>`. */
function addresses(value: string | null): string {
  const found: string[] = [];
  const pattern =
    /(?:(?:"([^"]*)"|([^",<>]*?))\s*<([^<>@\s]+)@([^<>\s]+)>)|([^\s<>",]+)@([^\s<>",]+)/g;
  for (const [, quoted, bare, user, host, plainUser, plainHost] of (value ?? "").matchAll(
    pattern,
  )) {
    const name = quoted ?? bare?.trim() ?? "";
    const mailbox = imapString(user ?? plainUser ?? "");
    const domain = imapString(host ?? plainHost ?? "");
    found.push(`(${imapString(name === "" ? null : name)} NIL ${mailbox} ${domain})`);
  }
  return found.length === 0 ? "NIL" : `(${found.join("")})`;
}
