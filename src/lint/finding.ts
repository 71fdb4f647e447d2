import type { SourceLine } from "../model/source-line.ts";
import type { Fix } from "./change.ts";

/** One problem that lint found in one object. */
export interface Finding {
  /** Stable identifier in snake_case. */
  readonly rule: string;
  /**
   * `error`: clients are affected or a monitor has no effect; `warning`: failures go unnoticed; `info`: worth knowing.
   */
  readonly severity: "error" | "warning" | "info";
  readonly line: SourceLine;
  readonly object: string;
  /**
   * One or two sentences: what is wrong, and what it causes. Does not name the object, so that equal causes have equal
   * texts.
   */
  readonly message: string;
  /** The commands that fix it, one per line; words in angle brackets are placeholders. Null: no command can fix it. */
  readonly fix: string | null;
  /** The same commands one by one; empty: none. */
  readonly commands: readonly string[];
  /** Undoes the commands. */
  readonly undo: readonly string[];
  /** True if the commands can be used as they are. */
  readonly complete: boolean;
  /** Why not: what the administrator has to fill in or decide first. Null: complete, or without commands. */
  readonly incomplete: string | null;
}

/** What a rule says about one object; rule id and severity are added. */
export interface Hit {
  readonly line: SourceLine;
  readonly object: string;
  readonly message: string;
  /** Absent or null: no command can fix it. */
  readonly fix?: Fix | null;
  /** What the administrator has to know first, if the configuration may be intentional. */
  readonly decision?: string;
  /** Set if it differs from the rule's. */
  readonly severity?: Finding["severity"];
}
