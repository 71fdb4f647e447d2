import { commandGrammar } from "./grammar.ts";
import { writeWord } from "./writer.ts";

/** One command of the ADC's command line, before it is text. */
export interface Command {
  /** Verb and object as the grammar knows them: `set lb monitor`. */
  readonly kind: string;
  readonly words: readonly Value[];
  /** By name without the dash; a flag has no values. */
  readonly options: readonly (readonly [key: string, values: readonly Value[]])[];
}

/** A value, or a blank that only the administrator can fill. */
export type Value = string | Blank;

export interface Blank {
  readonly blank: string;
  /** The text around it, `{}` standing for the blank: `GET {}`. Absent: nothing. */
  readonly around?: string;
}

export function isComplete(command: Command): boolean {
  return [...command.words, ...command.options.flatMap(([, values]) => values)].every(
    (value) => typeof value === "string",
  );
}

/**
 * The command as text, blanks in angle brackets; null where the grammar refuses it: an unknown command or option, one that
 * this monitor type does not take, a value out of range or a name that is too long or holds control characters.
 */
export function writeCommand({ kind, words, options }: Command): string | null {
  const grammar = commandGrammar(kind);
  if (grammar === null || words.length !== grammar.words.length) {
    return null;
  }
  if (!words.every((word, at) => fits([word], grammar.words[at]))) {
    return null;
  }
  const plain = words.map(valueText);
  const parts = [kind, ...plain.map(writeWord)];
  for (const [key, values] of options) {
    const option = grammar.option(key.toLowerCase(), plain);
    if (option === null || !fits(values, option.accepts)) {
      return null;
    }
    parts.push(`-${option.spelling}`, ...values.map(valueText).map(writeWord));
  }
  return parts.join(" ");
}

function fits(
  values: readonly Value[],
  accepts: ((values: readonly string[]) => boolean) | undefined,
): boolean {
  const known = values.filter((value) => typeof value === "string");
  return known.length < values.length ? values.length === 1 : (accepts?.(known) ?? false);
}

function valueText(value: Value): string {
  return typeof value === "string"
    ? value
    : (value.around ?? "{}").replace("{}", () => `<${value.blank}>`);
}
