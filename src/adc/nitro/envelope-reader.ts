import type { Row } from "./row-values.ts";

/** A NITRO answer: `{"errorcode":0,"message":"Done","severity":"NONE","lbvserver":[…]}`. */
export interface Envelope {
  readonly errorCode: number;
  readonly message: string;
  readonly severity: string;
  readonly sessionId: string | null;
  /** By resource; a single object counts as an array of one, an empty collection is absent. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /** Characters of the whole answer, and {@link CONTAINER_WEIGHT} for each object and list in it. */
  readonly weight: number;
}

/** Read in one turn of the event loop. */
const MAX_VALUE_CHARACTERS = 262_144;
/** `{},` takes thirty times its length in memory. */
const CONTAINER_WEIGHT = 100;
const MAX_KEYS = 1_000;
/** NITRO's rows nest two or three levels; thousands of levels would overflow the stack of the code that walks through them. */
const MAX_DEPTH = 64;

type Place =
  | "start"
  | "first_key"
  | "key"
  | "colon"
  | "value"
  | "after"
  | "first_element"
  | "element"
  | "after_element"
  | "end";

/**
 * Reads an answer while it arrives, row by row: each turn of the event loop parses only what one chunk completes, and the
 * whole text is never held. Anything but one JSON object is refused.
 */
export class EnvelopeReader {
  readonly #fields = new Map<string, unknown>();
  readonly #rows = new Map<string, Row[]>();
  #place: Place = "start";
  #key = "";
  /** Text of the value that is not complete yet, and how far it has been scanned. */
  #text = "";
  #at = 0;
  #depth = 0;
  #inString = false;
  #malformed = false;
  #weight = 0;

  /** False once the text can no longer be a NITRO answer. */
  push(chunk: string): boolean {
    this.#text += chunk;
    this.#weight += chunk.length;
    while (!this.#malformed && this.#step()) {
      // Each step consumes one token or value; the last, incomplete one waits for the next chunk.
    }
    if (
      this.#text.length > MAX_VALUE_CHARACTERS ||
      this.#fields.size + this.#rows.size > MAX_KEYS
    ) {
      this.#malformed = true;
    }
    return !this.#malformed;
  }

  /** The answer; null if the text was cut off, or is no answer. */
  finish(): Envelope | null {
    const errorCode = Number(this.#fields.get("errorcode") ?? Number.NaN);
    if (this.#malformed || this.#place !== "end" || !Number.isInteger(errorCode)) {
      return null;
    }
    return {
      errorCode,
      message: asText(this.#fields.get("message")) ?? "",
      severity: asText(this.#fields.get("severity")) ?? "NONE",
      sessionId: asText(this.#fields.get("sessionid")),
      rows: this.#rows,
      weight: this.#weight,
    };
  }

  /** What has been read so far weighs this much ({@link Envelope.weight}). */
  get weight(): number {
    return this.#weight;
  }

  /** One token; false when more text is needed. */
  #step(): boolean {
    if (this.#at === 0) {
      this.#text = this.#text.replace(/^[\s\uFEFF]+/, "");
    }
    const first = this.#text[0];
    if (first === undefined) {
      return false;
    }
    switch (this.#place) {
      case "start":
        return this.#expect(first, { "{": "first_key" });
      case "first_key":
        return first === "}" ? this.#expect(first, { "}": "end" }) : this.#readKey();
      case "key":
        return this.#readKey();
      case "colon":
        return this.#expect(first, { ":": "value" });
      case "value":
        return first === "[" ? this.#expect(first, { "[": "first_element" }) : this.#readValue();
      case "after":
        return this.#expect(first, { ",": "key", "}": "end" });
      case "first_element":
        return first === "]" ? this.#expect(first, { "]": "after" }) : this.#readValue();
      case "element":
        return this.#readValue();
      case "after_element":
        return this.#expect(first, { ",": "element", "]": "after" });
      case "end":
        this.#malformed = true;
        return false;
    }
  }

  #expect(first: string, next: Readonly<Record<string, Place>>): boolean {
    const place = next[first];
    if (place === undefined) {
      this.#malformed = true;
      return false;
    }
    this.#place = place;
    this.#text = this.#text.slice(1);
    return true;
  }

  #readKey(): boolean {
    const value = this.#take();
    if (value === undefined) {
      return false;
    }
    if (typeof value !== "string") {
      this.#malformed = true;
      return false;
    }
    this.#key = value;
    this.#place = "colon";
    return true;
  }

  #readValue(): boolean {
    const value = this.#take();
    if (value === undefined) {
      return false;
    }
    if (isRow(value)) {
      const rows = this.#rows.get(this.#key);
      if (rows === undefined) {
        this.#rows.set(this.#key, [value]);
      } else {
        rows.push(value);
      }
    } else if (this.#place === "value") {
      this.#fields.set(this.#key, value);
    }
    this.#place = this.#place === "value" ? "after" : "after_element";
    return true;
  }

  /** The JSON value at the front, or undefined when it is incomplete or broken. */
  #take(): unknown {
    const end = this.#endOfValue();
    if (end === null) {
      return undefined;
    }
    const value = parse(this.#text.slice(0, end));
    this.#text = this.#text.slice(end);
    this.#at = 0;
    this.#malformed = value === undefined;
    return value;
  }

  /** Looks for the end of the value at the front, going on where the last chunk ended. */
  #endOfValue(): number | null {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length) {
      if (this.#inString) {
        const quote = closingQuote(text, at);
        if (quote === -1) {
          at = text.length;
          break;
        }
        this.#inString = false;
        at = quote + 1;
        if (this.#depth === 0) {
          return at;
        }
        continue;
      }
      switch (text[at]) {
        case '"':
          this.#inString = true;
          break;
        case "{":
        case "[":
          this.#depth += 1;
          this.#weight += CONTAINER_WEIGHT;
          if (this.#depth > MAX_DEPTH) {
            this.#malformed = true;
            return null;
          }
          break;
        case "}":
        case "]":
          if (this.#depth === 0) {
            return at;
          }
          this.#depth -= 1;
          if (this.#depth === 0) {
            return at + 1;
          }
          break;
        case ",":
          if (this.#depth === 0) {
            return at;
          }
          break;
        default:
          break;
      }
      at += 1;
    }
    this.#at = at;
    return null;
  }
}

/** The next quote that no backslash escapes, or -1 when it has not come yet. */
function closingQuote(text: string, from: number): number {
  let quote = text.indexOf('"', from);
  while (quote !== -1 && isEscaped(text, quote)) {
    quote = text.indexOf('"', quote + 1);
  }
  return quote;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === "\\") {
    first -= 1;
  }
  return (at - first) % 2 === 1;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
