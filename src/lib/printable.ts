/** Control characters: C0 except line feed, DEL, C1, text-direction marks and overrides, and Unicode line separators. */
const STEERING =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Makes a text safe for a terminal or a log: control and direction characters become escapes such as `\u001b`; line feeds stay.
 * JSON stays equivalent, because these characters occur only in strings.
 */
export function printable(text: string): string {
  return text.replace(STEERING, escaped);
}

/** As `printable`, for a single line: line feeds become `\u000a`. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "\\u000a");
}

/** Untrusted text for one line of a log: bounded, without control characters and line ends. */
export function visibleText(text: string, maxLength = 200): string {
  return printableLine(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}

/** Whether it has no control characters, and exactly so many line feeds. */
export function isVisible(text: string, lineFeeds = 0): boolean {
  let found = 0;
  for (
    let at = text.indexOf("\n");
    at !== -1 && found <= lineFeeds;
    at = text.indexOf("\n", at + 1)
  ) {
    found += 1;
  }
  return found === lineFeeds && text.search(STEERING) === -1;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
