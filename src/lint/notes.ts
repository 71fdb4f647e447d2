import { counted } from "../lib/counted.ts";
import type { Diagnostic, Estate } from "../model/estate.ts";

/**
 * What was read, and not what is wrong with it: what is not examined, so that a lack of findings is not mistaken for
 * health, commands that were rejected, and names that belong to the rest of the configuration. One sentence each.
 */
export function notesOf({ diagnostics }: Estate): string[] {
  const [first, ...more] = diagnostics.filter(({ rule }) => rule === NOT_FILLED_IN);
  return diagnostics
    .filter((one) => isNote(one) && !more.includes(one))
    .map((one) => {
      const { rule, object, message } = one;
      if (one === first && more.length > 0) {
        return `${message} So it does for ${counted(more.length, "more value")}.`;
      }
      const subject = SUBJECTS.get(rule);
      return subject === undefined ? message : `${subject} ${object}: ${message}`;
    });
}

/** A guide's values for the reader to fill in are told once. */
const NOT_FILLED_IN = "not_filled_in";

/** What the object of such a note is. */
const SUBJECTS: ReadonlyMap<string, string> = new Map([
  ["addresses_not_asked", "Vserver"],
  ["partition_not_read", "Partition"],
]);

const OF_THE_TEXT: ReadonlySet<string> = new Set([
  NOT_FILLED_IN,
  "addresses_not_asked",
  "not_in_text",
  "not_looked_at",
  "partition_not_read",
  "refused_command",
]);

/** Whether a diagnostic describes what was read rather than a mistake in it. */
function isNote({ rule }: Diagnostic): boolean {
  return OF_THE_TEXT.has(rule);
}
