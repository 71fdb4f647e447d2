import type { Diagnostic } from "../model/estate.ts";

/** Maximum number of diagnostics listed per rule: a broken estate can have one in every row. */
const MAX_PER_RULE = 1_000;

/** The diagnostics of one import, bounded per rule: what is beyond is counted. */
export class DiagnosticList {
  readonly #kept: Diagnostic[] = [];
  readonly #counts = new Map<string, { first: Diagnostic; count: number }>();

  push(diagnostic: Diagnostic): void {
    const known = this.#counts.get(diagnostic.rule) ?? { first: diagnostic, count: 0 };
    known.count += 1;
    this.#counts.set(diagnostic.rule, known);
    if (known.count <= MAX_PER_RULE) {
      this.#kept.push(diagnostic);
    }
  }

  pushAll(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) {
      this.push(diagnostic);
    }
  }

  /** Those kept, in the order of their coming, then one for each rule that has more. */
  all(): Diagnostic[] {
    const more = [...this.#counts.values()].filter(({ count }) => count > MAX_PER_RULE);
    return [
      ...this.#kept,
      ...more.map(({ first, count }) => ({
        ...first,
        line: null,
        object: "import",
        message: `${String(count - MAX_PER_RULE)} more of this kind are not listed.`,
      })),
    ];
  }
}
