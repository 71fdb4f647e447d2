export interface AltName {
  /** As Node writes it: `DNS`, `IP Address`, `URI`, `email` and others. */
  readonly kind: string;
  readonly value: string;
}

/** One entry: Node writes a value that holds a comma, a quote or a control character as a JSON string. */
const ENTRY = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

/**
 * Reads the subject alternative name as Node's `X509Certificate.subjectAltName` writes it (`DNS:a, IP Address:192.0.2.1`),
 * up to `most` entries. A quoted value cannot pass for further entries and keeps its escapes; reading ends at what is no
 * entry.
 */
export function subjectAltNames(text: string, most = Infinity): readonly AltName[] {
  const names: AltName[] = [];
  for (const [, kind = "", value = ""] of text.matchAll(ENTRY)) {
    if (names.length === most) {
      break;
    }
    names.push({ kind, value: value.startsWith('"') ? value.slice(1, -1) : value });
  }
  return names;
}
