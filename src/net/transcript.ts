import { secretForms } from "../lib/secret.ts";
import type { ExchangeError } from "./exchange-error.ts";

/** Bytes of transcript kept as evidence of one probe. */
export const TRANSCRIPT_BYTES = 2048;
const REDACTED = "<secret>";

/**
 * The bytes sent and received, bounded, with secrets redacted. Chunks of one direction are joined before redaction, so that a
 * secret split over two packets is found.
 */
export class Transcript {
  /** Joined on demand: V8 would keep a concatenated string as a rope of its pieces. */
  #text: string[] = [];
  #length = 0;
  #direction: ">" | "<" | null = null;
  #current = "";
  #full = false;
  /** Null: no secrets, as in nearly all probes. */
  #forms: Set<string> | null = null;
  /** Longest first, since one form may contain another; null: not sorted yet. */
  #formsByLength: readonly string[] | null = null;

  /** Registers a configured secret, with every encoding in which a server might repeat it. */
  redactSecret(secret: string): void {
    this.#register(secret, secretForms);
  }

  /** Registers a value issued by the server (a cookie, a challenge), with the encodings in which it is sent back. */
  redactToken(token: string): void {
    this.#register(token, sentForms);
  }

  sent(data: string | Buffer): void {
    this.#add(">", data);
  }

  received(data: string | Buffer): void {
    this.#add("<", data);
  }

  /** Adds a note, for example `-- TLS 1.2`. */
  note(text: string): void {
    this.#flush();
    this.#append(`-- ${this.redact(text)}\n`);
  }

  redact(text: string): string {
    if (this.#forms === null || text === "") {
      return text;
    }
    this.#formsByLength ??= [...this.#forms].sort((a, b) => b.length - a.length);
    let shown = text;
    let folded = foldCase(text);
    for (const form of this.#formsByLength) {
      if (folded.includes(form)) {
        shown = replaceFolded(shown, folded, form);
        folded = foldCase(shown);
      }
    }
    return shown;
  }

  toString(): string {
    this.#flush();
    return this.#text.join("");
  }

  #register(text: string, formsOf: (text: string) => readonly string[]): void {
    if (text === "" || this.#forms?.has(foldCase(text)) === true) {
      return;
    }
    const forms = (this.#forms ??= new Set());
    for (const form of formsOf(text)) {
      forms.add(foldCase(form));
    }
    this.#formsByLength = null;
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
    const kept = this.#full ? `${text.slice(0, Math.max(0, room - 4))}...\n`.slice(0, room) : text;
    this.#text.push(kept);
    this.#length += kept.length;
  }
}

function sentForms(token: string): readonly string[] {
  return [token, encodeURIComponent(token), Buffer.from(token).toString("base64")];
}

/** Lower case with unchanged offsets: characters whose lower case is longer are kept. */
function foldCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length
    ? lower
    : Array.from(text, (character) => {
        const folded = character.toLowerCase();
        return folded.length === character.length ? folded : character;
      }).join("");
}

function replaceFolded(text: string, folded: string, form: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = folded.indexOf(form); at !== -1; at = folded.indexOf(form, from)) {
    parts.push(text.slice(from, at));
    from = at + form.length;
  }
  return [...parts, text.slice(from)].join(REDACTED);
}

const CONTROL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Control and direction characters, which could control a terminal, except tabs and line ends. */
export function printable(text: string): string {
  return text.replace(CONTROL, "\u00b7");
}

/** As `CONTROL`, but for the end of a line. */
const CONTROL_WITHIN_LINE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)/;

/** Prefixes each line with its direction. */
function prefixed(text: string, direction: ">" | "<"): string {
  // One search of the whole text is cheaper than one per line.
  const isPlain = !CONTROL_WITHIN_LINE.test(text);
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
    const line = isPlain ? text.slice(start, end) : printable(text.slice(start, end));
    pieces.push(direction, " ", line, "\n");
    length += line.length + 3;
    start = next;
  }
  return pieces.join("");
}

/** A resource of a running probe: interrupted at the deadline, released at the end. */
export interface RunResource {
  interrupt(why: ExchangeError): void;
  release(): void;
}

/** The part of a probe's run that shared work (a process, a batch of echoes) needs. */
export interface RunScope {
  /** Set when the time is over or the round was abandoned. */
  readonly interrupted: ExchangeError | null;
  readonly transcript: Transcript;
  readonly context: { readonly monotonic: () => number };
  remainingMs(): number;
  track(resource: RunResource): void;
  untrack(resource: RunResource): void;
}
