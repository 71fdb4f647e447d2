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
  #secrets: string[] = [];

  /** Registers a secret and the forms in which protocols carry it (base64, URL-encoded). */
  hide(secret: string): void {
    if (secret === "") {
      return;
    }
    const inBase64 = Buffer.from(secret).toString("base64");
    for (const form of [secret, encodeURIComponent(secret), inBase64]) {
      this.#register(form);
    }
  }

  /** Registers what AUTH PLAIN and Basic make of a login: base64 in which the secret itself does not show. */
  hideLogin(username: string, password: string): void {
    for (const login of [`\0${username}\0${password}`, `${username}:${password}`]) {
      this.#register(Buffer.from(login).toString("base64"));
    }
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
    let result = text;
    for (const secret of this.#secrets) {
      if (result.includes(secret)) {
        result = result.replaceAll(secret, REDACTED);
      }
    }
    return result;
  }

  toString(): string {
    this.#flush();
    return this.#text.join("");
  }

  #register(form: string): void {
    if (!this.#secrets.includes(form)) {
      this.#secrets.push(form);
      // Longer ones first: one form may hold another.
      this.#secrets.sort((a, b) => b.length - a.length);
    }
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
