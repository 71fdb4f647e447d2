/**
 * A URL, or null where the text is none. `URL.canParse` is no answer before `new URL`: once compiled, it takes the bytes of a
 * Latin-1 string for UTF-8, and allows what the constructor then refuses (Node.js 20).
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
