import { ByteQueue } from "../../lib/bytes.ts";

/**
 * Header fields, found by name regardless of case. Most callers need two or three fields, so the text is searched instead of
 * parsed.
 */
export class HttpHeaders {
  readonly #text: string;
  #lower: string | null = null;

  /** The head as received, including the status line. */
  constructor(text: string) {
    // A line that begins with white space continues the previous field (RFC 9112 section 5.2).
    this.#text = text.includes("\n ") || text.includes("\n\t") ? unfolded(text) : text;
  }

  /** First value, or null. The name is in lower case. */
  get(name: string): string | null {
    return this.#find(name, 0)?.value ?? null;
  }

  all(name: string): readonly string[] {
    const values: string[] = [];
    for (let found = this.#find(name, 0); found !== null; found = this.#find(name, found.next)) {
      values.push(found.value);
    }
    return values;
  }

  /** The members of a list field, in lower case and without parameters. */
  tokens(name: string): readonly string[] {
    const values = this.all(name);
    if (values.length === 0) {
      return values;
    }
    return values
      .join(",")
      .split(",")
      .map((token) => (token.split(";", 1)[0] ?? "").trim().toLowerCase())
      .filter((token) => token !== "");
  }

  /** All fields in order, with names in lower case. */
  entries(): [name: string, value: string][] {
    const fields: [string, string][] = [];
    for (const line of this.#text.split(/\r?\n/).slice(1)) {
      const colon = line.indexOf(":");
      if (colon > 0) {
        fields.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
      }
    }
    return fields;
  }

  #find(name: string, from: number): { value: string; next: number } | null {
    this.#lower ??= this.#text.toLowerCase();
    const at = this.#lower.indexOf(`\n${name}:`, from);
    if (at === -1) {
      return null;
    }
    const start = at + name.length + 2;
    const end = this.#text.indexOf("\n", start);
    const next = end === -1 ? this.#text.length : end;
    return { value: this.#text.slice(start, next).trim(), next };
  }
}

/** The status line is not a field and is never continued. */
function unfolded(text: string): string {
  const [first = "", ...lines] = text.split("\n");
  const fields: string[] = [];
  for (const line of lines) {
    const goesOn = /^[ \t]/.test(line) && fields.length > 0;
    fields.push(goesOn ? `${(fields.pop() ?? "").trimEnd()} ${line.trim()}` : line);
  }
  return [first, ...fields].join("\n");
}

/** A response, as far as it was read. */
export interface HttpAnswer {
  readonly kind: "answer";
  readonly status: number;
  readonly statusText: string;
  readonly version: string;
  readonly headers: HttpHeaders;
  /** Decoded from chunks and truncated to the window; content encodings are not decoded. */
  readonly body: Buffer;
  /** Whether the message was read to its end. */
  readonly complete: boolean;
  /** Whether the connection may carry another request. */
  readonly reusable: boolean;
}

type State = "head" | "body" | "complete";
type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; left: number }
  | { readonly kind: "chunked"; phase: "size" | "data" | "data_end" | "trailer"; left: number }
  | { readonly kind: "close" };

const MAX_HEAD_BYTES = 64 * 1024;
const HEAD_TOO_LARGE = `a header of more than ${MAX_HEAD_BYTES} bytes`;
const MAX_HEADERS = 1000;
const MAX_CHUNK_LINE = 1024;
/** More than any server sends. Without limits, tiny pieces would use a core until the probe's timeout. */
const MAX_INTERIM_ANSWERS = 100;
const MAX_CHUNKS = 100_000;
/** End of the head, after the previous line feed: an empty line, with or without a carriage return (RFC 9112 section 2.2). */
const HEAD_END = Buffer.from("\n\r\n");
const BARE_HEAD_END = Buffer.from("\n\n");
const CARRIAGE_RETURN = 13;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Parses one HTTP/1.x response incrementally. Lenient like common clients (bare LF, no reason phrase), but strict where
 * leniency would hide a fault: an invalid status line, contradicting lengths, broken chunks.
 */
export class HttpAnswerParser {
  state: State = "head";
  readonly #method: string;
  readonly #windowBytes: number;
  readonly #input = new ByteQueue();
  /** Number of input bytes already searched for the end of the head. */
  #searched = 0;
  #framing: Framing = { kind: "close" };
  #status = 0;
  #statusText = "";
  #version = "";
  #headers = new HttpHeaders("");
  #window: Buffer[] = [];
  #windowLength = 0;
  #interimAnswers = 0;
  #chunkLines = 0;
  #trailerBytes = 0;

  constructor(method: string, windowBytes: number) {
    this.#method = method.toUpperCase();
    this.#windowBytes = windowBytes;
  }

  /** Consumes more bytes. Returns a protocol error, or null. */
  feed(data: Buffer): string | null {
    this.#input.append(data);
    if (this.state === "head") {
      const trouble = this.#readHead();
      if (trouble !== null || this.#isHead()) {
        return trouble;
      }
    }
    return this.state === "body" ? this.#readBody() : null;
  }

  get windowFull(): boolean {
    return this.#windowLength >= this.#windowBytes;
  }

  window(): Buffer {
    if (this.#window.length > 1) {
      this.#window = [Buffer.concat(this.#window)];
    }
    return this.#window[0] ?? EMPTY;
  }

  /** Whether closing the connection now is the regular end of the message. */
  endsByClose(): boolean {
    return this.state === "complete" || (this.state === "body" && this.#framing.kind === "close");
  }

  /** Bytes received after the message. */
  takeRest(): Buffer {
    const rest = this.state === "complete" ? this.#input.bytes : EMPTY;
    this.#input.clear();
    return rest;
  }

  answer(): HttpAnswer {
    const complete = this.state === "complete" || this.#framing.kind === "close";
    const connection = this.#headers.tokens("connection");
    const persistent =
      this.#version === "1.0" ? connection.includes("keep-alive") : !connection.includes("close");
    return {
      kind: "answer",
      status: this.#status,
      statusText: this.#statusText,
      version: this.#version,
      headers: this.#headers,
      body: this.window(),
      complete,
      // Bytes after the message were sent before the next request, so they are not its response.
      reusable: this.state === "complete" && persistent && this.#input.bytes.length === 0,
    };
  }

  #isHead(): boolean {
    return this.state === "head";
  }

  #readHead(): string | null {
    for (;;) {
      const { bytes } = this.#input;
      const early = bytes.toString("latin1", 0, Math.min(5, bytes.length));
      if (!"HTTP/".startsWith(early.toUpperCase())) {
        return `not an HTTP response: ${printable(bytes)}`;
      }
      const end = headEnd(bytes, this.#searched);
      if (end === null) {
        // The last two bytes may be the start of the end mark.
        this.#searched = Math.max(0, bytes.length - HEAD_END.length + 1);
        return this.#searched > MAX_HEAD_BYTES + 1 ? HEAD_TOO_LARGE : null;
      }
      // Checked again, because the head may arrive in one packet.
      if (end.at > MAX_HEAD_BYTES) {
        return HEAD_TOO_LARGE;
      }
      const head = bytes.toString("latin1", 0, end.at);
      this.#input.skip(end.next);
      this.#searched = 0;
      const trouble = this.#parseHead(head);
      if (trouble !== null) {
        return trouble;
      }
      if (this.#status >= 200 || this.#status === 101) {
        return this.#chooseFraming();
      }
      // 1xx is an interim response.
      this.#interimAnswers += 1;
      if (this.#interimAnswers > MAX_INTERIM_ANSWERS) {
        return `more than ${MAX_INTERIM_ANSWERS} interim responses`;
      }
    }
  }

  #parseHead(head: string): string | null {
    const end = head.indexOf("\n");
    const first = (end === -1 ? head : head.slice(0, end)).trimEnd();
    const status = /^HTTP\/(\d\.\d) +(\d{3})(?: (.*))?$/i.exec(first);
    if (status === null) {
      return `not a status line: ${first.slice(0, 120)}`;
    }
    if (head.length > 2 * MAX_HEADERS && head.split("\n").length > MAX_HEADERS) {
      return `more than ${MAX_HEADERS} header fields`;
    }
    this.#version = status[1] ?? "";
    this.#status = Number(status[2]);
    this.#statusText = status[3] ?? "";
    this.#headers = new HttpHeaders(head);
    return null;
  }

  #chooseFraming(): string | null {
    const bodyless =
      this.#method === "HEAD" ||
      this.#status === 204 ||
      this.#status === 304 ||
      this.#status === 101;
    if (bodyless) {
      this.#framing = { kind: "none" };
      this.state = "complete";
      return null;
    }
    this.state = "body";
    const encodings = this.#headers.tokens("transfer-encoding");
    if (encodings.length > 0) {
      // Only a final `chunked` delimits the body; otherwise the close of the connection does (RFC 9112 section 6.3).
      this.#framing =
        encodings.at(-1) === "chunked"
          ? { kind: "chunked", phase: "size", left: 0 }
          : { kind: "close" };
      return null;
    }
    const lengths = new Set(this.#headers.all("content-length"));
    if (lengths.size > 1) {
      return "conflicting Content-Length fields";
    }
    const [length] = lengths;
    if (length === undefined) {
      this.#framing = { kind: "close" };
      return null;
    }
    if (!/^\d{1,15}$/.test(length)) {
      return `Content-Length is not a number: ${length.slice(0, 40)}`;
    }
    this.#framing = { kind: "length", left: Number(length) };
    if (this.#framing.left === 0) {
      this.state = "complete";
    }
    return null;
  }

  #readBody(): string | null {
    const framing = this.#framing;
    if (framing.kind === "close") {
      this.#keep(this.#input.bytes);
      this.#input.clear();
      return null;
    }
    if (framing.kind === "length") {
      this.#keepLeft(framing);
      if (framing.left === 0) {
        this.state = "complete";
      }
      return null;
    }
    return framing.kind === "chunked" ? this.#readChunks(framing) : null;
  }

  #readChunks(framing: Extract<Framing, { kind: "chunked" }>): string | null {
    for (;;) {
      if (framing.phase === "data") {
        this.#keepLeft(framing);
        if (framing.left > 0) {
          return null;
        }
        framing.phase = "data_end";
      }
      const { bytes } = this.#input;
      const end = bytes.indexOf(10);
      if (end === -1) {
        return bytes.length > MAX_CHUNK_LINE ? "an endless chunk header" : null;
      }
      const line = bytes.toString("latin1", 0, end).replace(/\r$/, "");
      this.#input.skip(end + 1);
      if (framing.phase === "data_end") {
        if (line !== "") {
          return "a chunk longer than its declared size";
        }
        framing.phase = "size";
      } else if (framing.phase === "trailer") {
        if (line === "") {
          this.state = "complete";
          return null;
        }
        this.#trailerBytes += line.length + 2;
        if (this.#trailerBytes > MAX_HEAD_BYTES) {
          return `trailers of more than ${MAX_HEAD_BYTES} bytes`;
        }
      } else {
        this.#chunkLines += 1;
        if (this.#chunkLines > MAX_CHUNKS) {
          return `more than ${MAX_CHUNKS} chunks`;
        }
        const size = /^\s*([0-9a-f]{1,12})\s*(?:;.*)?$/i.exec(line)?.[1];
        if (size === undefined) {
          return `not a chunk size: ${line.slice(0, 40)}`;
        }
        framing.left = Number.parseInt(size, 16);
        framing.phase = framing.left === 0 ? "trailer" : "data";
      }
    }
  }

  /** Keeps the received part of the remaining bytes. */
  #keepLeft(framing: { left: number }): void {
    const part = this.#input.bytes.subarray(0, framing.left);
    this.#keep(part);
    framing.left -= part.length;
    this.#input.skip(part.length);
  }

  #keep(part: Buffer): void {
    const room = this.#windowBytes - this.#windowLength;
    if (room > 0 && part.length > 0) {
      const kept = part.length <= room ? part : part.subarray(0, room);
      this.#window.push(kept);
      this.#windowLength += kept.length;
    }
  }
}

function headEnd(input: Buffer, from: number): { at: number; next: number } | null {
  const full = input.indexOf(HEAD_END, from);
  const bare = input.indexOf(BARE_HEAD_END, from);
  const isBare = bare !== -1 && (full === -1 || bare < full);
  const end = isBare ? bare : full;
  if (end === -1) {
    return null;
  }
  const at = input[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
  return { at, next: end + (isBare ? BARE_HEAD_END : HEAD_END).length };
}

function printable(input: Buffer): string {
  return input.toString("latin1", 0, Math.min(60, input.length)).replace(/[^ -~]/g, "\u00b7");
}
