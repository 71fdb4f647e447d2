import { randomInt } from "node:crypto";

/** One message as the store keeps it: the bytes as delivered, lines ended by CR LF. */
export interface StoredMessage {
  readonly uid: number;
  readonly content: Buffer;
  readonly receivedAt: Date;
  readonly flags: Set<string>;
}

export interface Folder {
  readonly name: string;
  readonly uidValidity: number;
  /** In order of arrival, which is the order of UIDs. */
  readonly messages: readonly StoredMessage[];
  readonly uidNext: number;
  append(content: Buffer, flags?: readonly string[], receivedAt?: Date): StoredMessage;
  remove(uids: ReadonlySet<number>): void;
  /** Calls back after every change; returns what ends it. */
  watch(onChange: () => void): () => void;
}

/** The folders a new Exchange mailbox has, as IMAP names them. */
export const INBOX = "INBOX";
export const JUNK = "Junk Email";
const DEFAULT_FOLDERS = [INBOX, "Deleted Items", "Drafts", JUNK, "Sent Items"];

/** Maximum number of messages per folder; the oldest are deleted, so that a demo that runs for days stays small. */
const FOLDER_LIMIT = 500;

export interface Mailbox {
  readonly folders: readonly Folder[];
  /** Case matters not for INBOX, as IMAP demands. */
  folder(name: string): Folder | null;
}

export function createMailbox(): Mailbox {
  const folders = DEFAULT_FOLDERS.map(createFolder);
  return {
    folders,
    folder(name) {
      const wanted = name.toUpperCase() === INBOX ? INBOX : name;
      return folders.find((folder) => folder.name === wanted) ?? null;
    },
  };
}

function createFolder(name: string): Folder {
  const uidValidity = randomInt(1, 2 ** 31);
  const messages: StoredMessage[] = [];
  const watchers = new Set<() => void>();
  let uidNext = 1;

  function changed(): void {
    for (const watcher of watchers) {
      watcher();
    }
  }

  return {
    name,
    uidValidity,
    messages,
    get uidNext() {
      return uidNext;
    },
    append(content, flags = [], receivedAt = new Date()) {
      const message = { uid: uidNext++, content, receivedAt, flags: new Set(flags) };
      messages.push(message);
      if (messages.length > FOLDER_LIMIT) {
        messages.shift();
      }
      changed();
      return message;
    },
    remove(uids) {
      for (let index = messages.length - 1; index >= 0; index--) {
        const message = messages[index];
        if (message !== undefined && uids.has(message.uid)) {
          messages.splice(index, 1);
        }
      }
      changed();
    },
    watch(onChange) {
      watchers.add(onChange);
      return () => watchers.delete(onChange);
    },
  };
}
