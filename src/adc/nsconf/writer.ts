import { Q_DELIMITERS } from "./lexer.ts";

/**
 * Writes a value so that the ADC reads the same value again: in double quotes, with escapes, whenever the bare text
 * would be taken for something else (the rule by which the ADC writes its own saved configuration), or a command line
 * might end at it (`;` and `|`).
 */
export function writeWord(value: string): string {
  return needsQuotes(value) ? `"${value.replace(/[\\"\t\r\n]/g, escapeOf)}"` : value;
}

function needsQuotes(value: string): boolean {
  return (
    value === "" ||
    /[\s"'\\();|]/.test(value) ||
    /^[-#]/.test(value) ||
    (value.startsWith("q") && value.length > 1 && Q_DELIMITERS.includes(value.charAt(1)))
  );
}

function escapeOf(character: string): string {
  switch (character) {
    case "\t":
      return "\\t";
    case "\r":
      return "\\r";
    case "\n":
      return "\\n";
    default:
      return `\\${character}`;
  }
}
