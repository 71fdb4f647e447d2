import type { SourceLine } from "../model/source-line.ts";

/** One thing that lint found. */
export interface Finding {
  /** Stable identifier in snake_case. */
  readonly rule: string;
  /** `error`: clients are hurt or a monitor is void; `warning`: failures go unseen; `info`: worth knowing. */
  readonly severity: "error" | "warning" | "info";
  readonly line: SourceLine;
  readonly object: string;
  /** One sentence or two: what is wrong and what it leads to. */
  readonly message: string;
  /** The commands that mend it, one a line; words in angle brackets are for the reader to fill. Null: no command can. */
  readonly fix: string | null;
}

/** A finding without what its rule says for all of them. */
export type Hit = Omit<Finding, "rule" | "severity"> & {
  readonly severity?: Finding["severity"];
};
