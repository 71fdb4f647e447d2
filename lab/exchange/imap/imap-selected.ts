import type { Folder, StoredMessage } from "../mailbox.ts";
import { numberSet } from "./imap-search.ts";

/** A selected folder as one session sees it: sequence numbers change only when the session is notified. */
export interface SelectedFolder {
  readonly folder: Folder;
  readonly readOnly: boolean;
  /** Messages with their sequence numbers. */
  numbered(): readonly NumberedMessage[];
  /** The messages of a set of sequence numbers or UIDs. */
  pick(set: string, by: "sequence" | "uid"): readonly NumberedMessage[];
  /** Untagged lines that bring the session up to date: expunged messages, then the new count. */
  catchUp(): string;
}

export interface NumberedMessage {
  readonly message: StoredMessage;
  readonly sequence: number;
}

export function selectFolder(folder: Folder, readOnly: boolean): SelectedFolder {
  let view: readonly StoredMessage[] = [...folder.messages];

  function numbered(): NumberedMessage[] {
    return view.map((message, index) => ({ message, sequence: index + 1 }));
  }

  return {
    folder,
    readOnly,
    numbered,
    pick(set, by) {
      const last = by === "uid" ? (view.at(-1)?.uid ?? 0) : view.length;
      const contains = numberSet(set, last);
      return numbered().filter(({ message, sequence }) =>
        contains(by === "uid" ? message.uid : sequence),
      );
    },
    catchUp() {
      const current = new Set(folder.messages);
      const gone = numbered().filter(({ message }) => !current.has(message));
      const lines = gone.reverse().map(({ sequence }) => `* ${sequence} EXPUNGE\r\n`);
      const known = view.length - gone.length;
      view = [...folder.messages];
      if (view.length !== known) {
        lines.push(`* ${view.length} EXISTS\r\n`);
      }
      return lines.join("");
    },
  };
}
