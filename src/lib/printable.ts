/**
 * What steers a terminal or a reader's eye rather than being shown: C0 but the line feed, DEL, C1, marks and overrides of
 * text direction, and Unicode's own line ends.
 */
const STEERING =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text as it may reach a terminal or a log: control and direction characters become `\u001b`, line feeds stay. In JSON these
 * characters stand only within strings, where that is an escape: what was JSON remains the same JSON.
 */
export function printable(text: string): string {
  return text.replace(STEERING, escaped);
}

/** As `printable`, for what must stay one line: line feeds become `\u000a`. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "\\u000a");
}

/** Somebody else's words on one line of a log: bounded, and nothing in them steers a terminal or forges a line. */
export function visibleText(text: string, maxLength = 200): string {
  return printableLine(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}

/** Whether nothing in it steers a terminal or ends a line. */
export function isVisible(text: string): boolean {
  return !text.includes("\n") && text.search(STEERING) === -1;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
