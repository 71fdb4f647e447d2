import type { Finding, Hit } from "./finding.ts";
import type { LintContext } from "./context.ts";

/** One rule: pure, and blind to every other. */
export interface Rule {
  readonly id: string;
  /** Of its hits, unless a hit says otherwise. */
  readonly severity: Finding["severity"];
  /** What it means that this rule fires, in one sentence. */
  readonly meaning: string;
  readonly find: (context: LintContext) => readonly Hit[];
}
