import { secretForms } from "../lib/secret-forms.ts";

/** Bytes of transcript kept as evidence of one probe. */
export const TRANSCRIPT_BYTES = 2048;
const REDACTED = "<secret>";

/**
 * What was sent and received, bounded, with secrets replaced. Pieces of one direction are joined before redaction, so
 * that a secret split over two packets does not slip through.
 */
export class Transcript {
  /** Joined only when asked for: evidence is kept, and concatenated it would stay a chain of its pieces. */
  #text: string[] = [];
  #length = 0;
  #direction: ">" | "<" | null = null;
  #current = "";
  #full = false;
  readonly #forms = new Set<string>();
  /** Made of all forms of all secrets when first needed, in any letter case. */
  #pattern: RegExp | null = null;

  /** Registers a secret of the configuration with every form in which a server might repeat it. */
  hide(secret: string): void {
    this.#register(secret, secretForms);
  }

  /** Registers what a server has given out itself (a cookie, a challenge), in the forms in which it is sent back. */
  hideToken(token: string): void {
    this.#register(token, sentForms);
  }

  sent(data: string | Buffer): void {
    this.#add(">", data);
  }

  received(data: string | Buffer): void {
    this.#add("<", data);
  }

  /** A remark of ours between the lines, for example `-- TLS 1.2`. */
  note(text: string): void {
    this.#flush();
    this.#append(`-- ${this.redact(text)}\n`);
  }

  redact(text: string): string {
    if (this.#forms.size === 0 || text === "") {
      return text;
    }
    this.#pattern ??= patternOf(this.#forms);
    return text.replace(this.#pattern, REDACTED);
  }

  toString(): string {
    this.#flush();
    return this.#text.join("");
  }

  #register(text: string, formsOf: (text: string) => readonly string[]): void {
    if (text === "" || this.#forms.has(text)) {
      return;
    }
    for (const form of formsOf(text)) {
      this.#forms.add(form);
    }
    this.#pattern = null;
  }

  #add(direction: ">" | "<", data: string | Buffer): void {
    if (this.#full) {
      return;
    }
    if (direction !== this.#direction) {
      this.#flush();
      this.#direction = direction;
    }
    if (this.#current.length < 2 * TRANSCRIPT_BYTES) {
      this.#current +=
        typeof data === "string"
          ? data.slice(0, 2 * TRANSCRIPT_BYTES)
          : data.toString("utf8", 0, Math.min(data.length, 2 * TRANSCRIPT_BYTES));
    }
  }

  #flush(): void {
    const direction = this.#direction;
    if (direction === null) {
      return;
    }
    const clean = this.redact(this.#current);
    this.#current = "";
    this.#direction = null;
    this.#append(prefixed(clean, direction));
  }

  #append(text: string): void {
    if (this.#full) {
      return;
    }
    const room = TRANSCRIPT_BYTES - this.#length;
    this.#full = text.length > room;
    const kept = this.#full ? `${text.slice(0, Math.max(0, room - 4))}...\n` : text;
    this.#text.push(kept);
    this.#length += kept.length;
  }
}

/** Plain alternatives, longest first: nothing in it repeats, so that no text makes it slow. */
function patternOf(forms: Iterable<string>): RegExp {
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(literally).join("|"), "giu");
}

function sentForms(token: string): readonly string[] {
  return [token, encodeURIComponent(token), Buffer.from(token).toString("base64")];
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A server's words could steer a terminal: of their control characters only tabs and line ends are left. */
export function printable(text: string): string {
  return text.replace(CONTROL, "\u00b7");
}

/** Each line with its direction. */
function prefixed(text: string, direction: ">" | "<"): string {
  const pieces: string[] = [];
  let length = 0;
  let start = 0;
  while (start < text.length && length < TRANSCRIPT_BYTES) {
    const newline = text.indexOf("\n", start);
    let end = newline === -1 ? text.length : newline;
    const next = newline === -1 ? text.length : newline + 1;
    if (end > start && text.charCodeAt(end - 1) === 13) {
      end -= 1;
    }
    const line = printable(text.slice(start, end));
    pieces.push(direction, " ", line, "\n");
    length += line.length + 3;
    start = next;
  }
  return pieces.join("");
}
