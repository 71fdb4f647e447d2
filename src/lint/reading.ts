import type { Diagnostic } from "../model/estate.ts";
import type { Finding } from "./finding.ts";

/** What the importer says that is a mistake of the configuration; the rest other rules say better, with their fix. */
const MISTAKES: ReadonlySet<string> = new Set([
  "dangling_reference",
  "wrong_kind_reference",
  "duplicate_name",
  "duplicate_binding",
  "duplicate_vserver_endpoint",
  "duplicate_service_endpoint",
  "incomplete_statement",
  "unknown_monitor_type",
  "unreadable_value",
  "unreadable_lines",
  "stray_words",
  "broken_line",
]);

/** The importer's diagnostics as findings; what mends a statement that means nothing only its author knows. */
export function readingFindings(diagnostics: readonly Diagnostic[]): Finding[] {
  return diagnostics
    .filter(({ rule }) => MISTAKES.has(rule))
    .map((diagnostic) => ({ ...diagnostic, fix: null }));
}
