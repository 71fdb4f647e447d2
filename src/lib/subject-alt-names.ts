export interface AltName {
  /** As Node writes it: `DNS`, `IP Address`, `URI`, `email` and others. */
  readonly kind: string;
  readonly value: string;
}

/**
 * Reads the subject alternative name as Node's `X509Certificate.subjectAltName` writes it (`DNS:a, IP Address:192.0.2.1`),
 * up to `most` entries. A value that holds a comma, a quote or a control character is written as a JSON string: it cannot pass
 * for further entries, and keeps its escapes. Reading ends at what is no entry.
 */
export function subjectAltNames(text: string, most = Infinity): readonly AltName[] {
  const names: AltName[] = [];
  let at = 0;
  while (names.length < most && at < text.length) {
    const colon = text.indexOf(":", at);
    const quoted = text.charAt(colon + 1) === '"';
    const end =
      colon === -1 ? null : quoted ? endOfString(text, colon + 1) : endOfBare(text, colon);
    if (end === null) {
      break;
    }
    const value = quoted ? text.slice(colon + 2, end - 1) : text.slice(colon + 1, end);
    names.push({ kind: text.slice(at, colon), value });
    at = end + SEPARATOR.length;
  }
  return names;
}

const SEPARATOR = ", ";

function endOfBare(text: string, from: number): number {
  const end = text.indexOf(SEPARATOR, from);
  return end === -1 ? text.length : end;
}

/** Behind the closing quote, where an entry may end; null where it does not. */
function endOfString(text: string, from: number): number | null {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text.charAt(at) === "\\") {
      at += 1;
    } else if (text.charAt(at) === '"') {
      const end = at + 1;
      return end === text.length || text.startsWith(SEPARATOR, end) ? end : null;
    }
  }
  return null;
}
