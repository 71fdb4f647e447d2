import type { LineConnection } from "../line-connection.ts";
import type { Mailbox } from "../mailbox.ts";
import type { LabAccount } from "../organisation.ts";
import type { ServiceContext } from "../service-context.ts";
import type { ImapCommand } from "./imap-command.ts";
import type { SelectedFolder } from "./imap-selected.ts";

export interface ImapSession {
  readonly context: ServiceContext;
  readonly connection: LineConnection;
  user: { readonly account: LabAccount; readonly mailbox: Mailbox } | null;
  selected: SelectedFolder | null;
}

/** The outcome of a command: its tagged response, or the end of the session. */
export type Reply =
  | { readonly kind: "ok" | "no" | "bad"; readonly text: string }
  /** STARTTLS: answered already, in clear. */
  | { readonly kind: "none" }
  | { readonly kind: "close"; readonly last: string };

/** A command that cannot be understood. */
export const BAD: Reply = { kind: "bad", text: "Command Error. 12" };

/** A command done. */
export function ok(command: ImapCommand): Reply {
  return { kind: "ok", text: `${command.name.replace(/^UID /, "")} completed.` };
}
