import type { Diagnostic } from "../model/estate.ts";
import type { Rule } from "./rule.ts";

/** The importer's diagnostics that are mistakes in the configuration; other rules cover the rest, with fixes. */
const MISTAKES: Readonly<Record<string, readonly [Diagnostic["severity"], string]>> = {
  dangling_reference: ["error", "A name leads nowhere."],
  wrong_kind_reference: ["error", "A name leads to an object of another kind."],
  duplicate_name: ["warning", "A name is given twice; the ADC refuses the second."],
  duplicate_binding: ["info", "A monitor is bound twice."],
  duplicate_vserver_endpoint: ["warning", "Two vservers listen on one address and port."],
  duplicate_service_endpoint: ["warning", "Two services stand for one address and port."],
  incomplete_statement: ["error", "A statement lacks an argument, or has one that cannot be read."],
  unknown_monitor_type: ["warning", "No NetScaler has a monitor of this type."],
  unreadable_value: ["warning", "The value of an option is none that it takes."],
  value_out_of_range: [
    "warning",
    "The value of an option is out of range: the ADC refuses the whole command.",
  ],
  import_too_large: [
    "error",
    "The configuration is longer than what is read: nothing behind that is judged.",
  ],
  unreadable_lines: ["warning", "Lines belong to no command."],
  refused_command: ["info", "The ADC refused commands of a captured session: they are not read."],
  removed_while_bound: ["warning", "A monitor is removed that is still bound: the ADC refuses."],
  unknown_command: ["warning", "The ADC has no such command."],
  doubtful_option: [
    "info",
    "Only the beginning of an option is written; whether the ADC takes that is not documented.",
  ],
  unknown_option: [
    "warning",
    "No service, service group or vserver has such an option: the ADC refuses the command.",
  ],
  stray_words: ["warning", "Words belong to no option: the ADC refuses the command."],
  not_looked_at: [
    "info",
    "Statements about health are not looked at: silence about them is no praise.",
  ],
  addresses_not_asked: ["info", "A vserver listens at addresses through which nothing is asked."],
  partition_not_read: ["info", "An admin partition's statements are not looked at."],
  typographic_characters: ["error", "Quotes or dashes were pasted that the ADC does not know."],
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
          message: withoutObject(diagnostic.message, diagnostic.object),
        })),
  }),
);

/** Names in which the object cannot be told from the message. */
const ARTICLE = /^(?:an?|the|is|of|to|no|not)$/i;

/** The object's name precedes a finding: `s refers to m …` → `Refers to m …`, so that equal causes have equal texts. */
function withoutObject(message: string, object: string): string {
  const missing = ` ${object} is not configured`;
  const at = message.indexOf(missing);
  if (message.startsWith("A ") && at > 0) {
    const kind = message.slice("A ".length, at);
    return `No ${kind} of this name is configured${message.slice(at + missing.length)}`;
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
