import { inspect } from "node:util";

const SHOWN = "<secret>";

/**
 * A secret that cannot be printed by accident: as text, in JSON and in `inspect` it is `<secret>`. Only {@link reveal} returns
 * it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Whether two secrets are equal; a reload with a new secret lifts a suspension. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

/** The interface of `Secret`. */
export interface Sealed {
  reveal(): string;
}

/** Placeholder for an absent part of a credential. */
export const NO_SECRET: Sealed = { reveal: () => "" };

/** Minimum length; redacting shorter ones would hide unrelated text. */
const MIN_PIECE = 8;

const QUOTED = (text: string): string => text.replace(/["\\]/g, String.raw`\$&`);
const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * All encodings of a text in protocols, logs and pages: plain, quoted (IMAP, JSON), URL-encoded, HTML and XML, base64 at any
 * alignment, hexadecimal, UTF-16 (NTLM), and decoded with the wrong character set. Without duplicates, longest first, since one
 * may contain another. The caller handles letter case.
 */
export function secretForms(secret: string): readonly string[] {
  const inBase64 = Buffer.from(secret, "utf8").toString("base64");
  // An encoded text may be returned with a second encoding.
  const sent = [secret, inBase64, formField(secret), QUOTED(secret)];
  const forms = [...new Set(sent)].flatMap(formsOf);
  return [...new Set(forms)].filter((form) => form !== "").sort((a, b) => b.length - a.length);
}

function formField(text: string): string {
  return new URLSearchParams({ _: text }).toString().slice(2);
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "utf8");
  const wide = Buffer.from(secret, "utf16le");
  return [
    secret,
    secret.toUpperCase(),
    secret.toLowerCase(),
    QUOTED(secret),
    JSON.stringify(secret).slice(1, -1),
    ascii(secret, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    encodeURIComponent(secret),
    formField(secret),
    secret.replace(/[&<>"']/g, (character) => NAMED[character] ?? character),
    secret.replace(/[&<>"]/g, (character) => NAMED[character] ?? character),
    secret.replace(/[&<>]/g, (character) => NAMED[character] ?? character),
    secret.replaceAll("'", "&#x27;"),
    secret.replaceAll("'", "&apos;"),
    inEntities(secret, (code) => `&#${String(code)};`),
    inEntities(secret, (code) => `&#x${code.toString(16)};`),
    bytes.toString("latin1"),
    bytes.toString("base64"),
    wide.toString("base64"),
    ...[...insideBase64(bytes), ...insideBase64(wide), bytes.toString("hex"), wide.toString("hex")]
      .filter((piece) => piece.length >= MIN_PIECE)
      .flatMap((piece) => [piece, piece.replaceAll("+", "-").replaceAll("/", "_")]),
  ];
}

/** The base64 texts of these bytes inside other data: one for each of the three alignments. */
function insideBase64(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    const first = Math.ceil((before * 8) / 6);
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return encoded.slice(first, whole);
  });
}

function ascii(text: string, escape: (unit: string) => string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^\u0000-\u007f]/g, escape);
}

/** Encodes everything but letters and digits as numeric character references. */
function inEntities(text: string, entity: (code: number) => string): string {
  return text.replace(/[^A-Za-z0-9]/gu, (character) => entity(character.codePointAt(0) ?? 0));
}
