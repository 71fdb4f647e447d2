import { inspect } from "node:util";

const SHOWN = "<secret>";

/**
 * A secret that cannot be printed by accident: as text, in JSON and in an inspection it is `<secret>`. Only
 * {@link reveal} gives it away, to the one who sends it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same, without showing either: a reload with a new secret lifts a suspension. */
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

/** A secret that shows itself only to whoever asks; the configuration's `Secret` is one. */
export interface Sealed {
  reveal(): string;
}

/** What stands where a credential has no such part. */
export const NO_SECRET: Sealed = { reveal: () => "" };

/** Shorter ones would black out words that have nothing to do with the secret. */
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
 * Every form in which a protocol, a log or a page carries a text: as it is, quoted (IMAP, JSON), URL-encoded, in HTML and
 * XML, in base64 whatever stands around it, in hexadecimal digits, as UTF-16 (NTLM), and read in the wrong character set.
 * Without repetitions, longest first: one form may hold another. Letter case is the caller's concern.
 */
export function secretForms(secret: string): readonly string[] {
  const inBase64 = Buffer.from(secret, "utf8").toString("base64");
  // What goes over the wire encoded may come back encoded once more.
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

/** What base64 makes of these bytes whatever stands before and after them: one text for each of the three alignments. */
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

/** Everything but letters and digits as a number, as careful writers of HTML do. */
function inEntities(text: string, entity: (code: number) => string): string {
  return text.replace(/[^A-Za-z0-9]/gu, (character) => entity(character.codePointAt(0) ?? 0));
}
