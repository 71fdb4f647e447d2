import type { Finding, Hit } from "./finding.ts";
import type { LintContext } from "./context.ts";

/** One rule: pure, and independent of all others. */
export interface Rule {
  readonly id: string;
  /** The severity of its hits, unless a hit has its own. */
  readonly severity: Finding["severity"];
  /** What a finding of this rule means, in one sentence. */
  readonly meaning: string;
  readonly find: (context: LintContext) => readonly Hit[];
}
