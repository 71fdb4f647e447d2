import type { Diagnostic } from "../model/estate.ts";
import type { Rule } from "./rule.ts";

/** The importer's diagnostics that are mistakes in the configuration; other rules cover the rest, with fixes. */
const MISTAKES: Readonly<Record<string, readonly [Diagnostic["severity"], string]>> = {
  dangling_reference: ["error", "A name refers to an object that is not configured."],
  wrong_kind_reference: ["error", "A name refers to an object of another kind."],
  duplicate_name: ["warning", "A name is defined twice; the ADC rejects the second."],
  duplicate_binding: ["info", "A monitor is bound twice."],
  duplicate_priority: [
    "warning",
    "Two policies are bound with the same priority; the ADC rejects the second.",
  ],
  duplicate_vserver_endpoint: ["warning", "Two vservers listen on the same address and port."],
  duplicate_service_endpoint: ["warning", "Two services use the same address and port."],
  service_without_monitor: [
    "info",
    "A service has no monitor, not even a default one: the ADC always reports it UP.",
  ],
  incomplete_statement: ["error", "A statement has a missing or invalid argument."],
  unknown_monitor_type: ["warning", "No NetScaler has a monitor of this type."],
  unreadable_value: ["warning", "The value of an option is not valid."],
  value_out_of_range: [
    "warning",
    "The value of an option is out of range: the ADC rejects the whole command.",
  ],
  import_too_large: ["error", "The configuration is too long: the rest of it is not checked."],
  unreadable_lines: ["warning", "Some lines are not commands."],
  removed_while_bound: [
    "warning",
    "A monitor is removed while it is still bound: the ADC rejects the command.",
  ],
  unknown_command: ["warning", "The ADC has no such command."],
  doubtful_option: [
    "info",
    "An option is abbreviated; whether the ADC accepts that is not documented.",
  ],
  unknown_option: ["warning", "No command of this kind has such an option: the ADC rejects it."],
  stray_words: ["warning", "Words belong to no option: the ADC rejects the command."],
  typographic_characters: [
    "error",
    "Pasted typographic quotes or dashes, or HTML, are not understood by the ADC.",
  ],
  broken_line: ["warning", "A line ends inside a quote or parenthesis."],
};

/** The importer's diagnostics as rules; only the author knows how to fix a meaningless statement. */
export const READING_RULES: readonly Rule[] = Object.entries(MISTAKES).map(
  ([id, [severity, meaning]]) => ({
    id,
    severity,
    meaning,
    find: ({ estate }) =>
      estate.diagnostics
        .filter(({ rule }) => rule === id)
        .map((diagnostic) => ({
          ...diagnostic,
          message: withoutObject(diagnostic),
        })),
  }),
);

/** Names in which the object cannot be told from the message. */
const ARTICLE = /^(?:an?|the|is|of|to|no|not)$/i;

/** The object's name precedes a finding: `s refers to m …` → `Refers to m …`, so that equal causes have equal texts. */
function withoutObject({ message, object, reference }: Diagnostic): string {
  if (reference?.found.length === 0) {
    const missing = ` ${object} is not configured`;
    const rest = message.slice(message.indexOf(missing) + missing.length);
    return `No ${reference.wanted} of this name is configured${rest}`;
  }
  const rest = message.startsWith(`${object} `) ? message.slice(object.length + 1) : null;
  const text =
    rest ??
    message
      .replace(` of ${object}: `, () => ": ")
      .replace(` to ${object} `, () => " ")
      .replace(ARTICLE.test(object) ? "" : ` ${object} `, (found) => (found === "" ? "" : " "));
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
