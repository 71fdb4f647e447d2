/** Control characters, line and paragraph separators, and what turns the direction of writing. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Somebody else's words on one line of a log: bounded, and nothing in them steers a terminal or forges a line. */
export function visibleText(text: string, maxLength = 200): string {
  const kept = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return kept.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Whether every character of it can be seen, or is a space. */
export function isVisible(text: string): boolean {
  return text.search(UNSEEN) === -1;
}
