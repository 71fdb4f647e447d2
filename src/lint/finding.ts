import type { SourceLine } from "../model/source-line.ts";
import type { Fix } from "./change.ts";

/** One thing that lint found at one object. */
export interface Finding {
  /** Stable identifier in snake_case. */
  readonly rule: string;
  /** `error`: clients are hurt or a monitor is void; `warning`: failures go unseen; `info`: worth knowing. */
  readonly severity: "error" | "warning" | "info";
  readonly line: SourceLine;
  readonly object: string;
  /** One sentence or two: what is wrong and what it leads to. Does not name the object, so that equal causes read alike. */
  readonly message: string;
  /** The commands that fix it, one per line; words in angle brackets are for the reader to fill. Null: no command can. */
  readonly fix: string | null;
  /** The same, one by one; empty: none. */
  readonly commands: readonly string[];
  /** Takes the commands back. */
  readonly undo: readonly string[];
  /** True where the commands can be pasted as they stand. */
  readonly complete: boolean;
  /** Why not: what the administrator must fill in or decide first. Null: complete, or without commands. */
  readonly incomplete: string | null;
}

/** What a rule says of one object; its own rule and severity are added. */
export interface Hit {
  readonly line: SourceLine;
  readonly object: string;
  readonly message: string;
  /** Absent or null: there is nothing to fix by a command. */
  readonly fix?: Fix | null;
  /** What the administrator must know before the fix is right, where the file may mean what it says. */
  readonly decision?: string;
  /** Where it differs from the rule's. */
  readonly severity?: Finding["severity"];
}
