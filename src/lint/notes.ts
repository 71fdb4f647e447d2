import type { Diagnostic, Estate } from "../model/estate.ts";

/**
 * What was read, and not what is wrong with it: what is not examined, so that a lack of findings is not mistaken for
 * health, commands that were rejected, and names that belong to the rest of the configuration. One sentence each.
 */
export function notesOf({ diagnostics }: Estate): string[] {
  return diagnostics
    .filter(isNote)
    .map(({ rule, object, message }) =>
      rule === "partition_not_read" ? `Partition ${object}: ${message}` : message,
    );
}

const OF_THE_TEXT: ReadonlySet<string> = new Set([
  "not_in_text",
  "not_looked_at",
  "partition_not_read",
  "refused_command",
]);

/** Whether a diagnostic describes what was read rather than a mistake in it. */
function isNote({ rule }: Diagnostic): boolean {
  return OF_THE_TEXT.has(rule);
}
