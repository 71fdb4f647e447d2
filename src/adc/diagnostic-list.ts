import type { Diagnostic } from "../model/estate.ts";

/** Maximum number of diagnostics listed per rule: a broken estate may have one in every row. */
const MAX_PER_RULE = 1_000;

/** Far longer than a message that contains names of valid length: a file may contain names of 60 KB. */
const MAX_TEXT = 2_000;

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** A diagnostic as it is shown and published: without what only rules need. */
export function shownDiagnostic({ severity, rule, line, object, message }: Diagnostic): Diagnostic {
  return { severity, rule, line, object, message };
}

/** The diagnostics of one import, limited per rule; further ones are only counted. */
export class DiagnosticList {
  readonly #kept: Diagnostic[] = [];
  readonly #counts = new Map<string, { first: Diagnostic; count: number }>();

  push(diagnostic: Diagnostic): void {
    const known = this.#counts.get(diagnostic.rule) ?? { first: diagnostic, count: 0 };
    known.count += 1;
    this.#counts.set(diagnostic.rule, known);
    if (known.count <= MAX_PER_RULE) {
      const { object, message } = diagnostic;
      this.#kept.push({ ...diagnostic, object: shortened(object), message: shortened(message) });
    }
  }

  pushAll(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) {
      this.push(diagnostic);
    }
  }

  /** The kept diagnostics in order, then one for each rule that has more. */
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
