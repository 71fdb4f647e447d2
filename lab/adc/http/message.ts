import type { ByteSource } from "../byte-source.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 1024;

/** A header as it came, so that it can be passed on byte for byte. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** How long a body is. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until_close" };

class Head {
  readonly headers: readonly Header[];

  constructor(headers: readonly Header[]) {
    this.headers = headers;
  }

  /** The first value of a header; null when absent. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.headers.find((header) => header.name.toLowerCase() === wanted)?.value ?? null;
  }

  /** One cookie of the request; null when absent. */
  cookie(name: string): string | null {
    for (const pair of (this.header("cookie") ?? "").split(";")) {
      const [key, ...value] = pair.trim().split("=");
      if (key === name) {
        return value.join("=");
      }
    }
    return null;
  }

  protected length(): Framing | null {
    if (/\bchunked\s*$/i.test(this.header("transfer-encoding") ?? "")) {
      return { kind: "chunked" };
    }
    const length = this.header("content-length");
    return length === null ? null : { kind: "length", bytes: Number(length) };
  }
}

export class RequestHead extends Head {
  readonly method: string;
  readonly target: string;
  readonly version: string;

  constructor(method: string, target: string, version: string, headers: readonly Header[]) {
    super(headers);
    this.method = method;
    this.target = target;
    this.version = version;
  }

  get host(): string {
    return (this.header("host") ?? "").replace(/:\d+$/, "");
  }

  framing(): Framing {
    return this.length() ?? { kind: "none" };
  }

  withTarget(target: string): RequestHead {
    return this.as(this.method, target, this.headers);
  }

  /** Another request in this one's place. */
  as(method: string, target: string, headers: readonly Header[]): RequestHead {
    return new RequestHead(method, target, this.version, headers);
  }

  toText(): string {
    return text(`${this.method} ${this.target} ${this.version}`, this.headers);
  }
}

export class ResponseHead extends Head {
  readonly status: number;
  readonly startLine: string;

  constructor(status: number, startLine: string, headers: readonly Header[]) {
    super(headers);
    this.status = status;
    this.startLine = startLine;
  }

  framing(requestMethod: string): Framing {
    if (
      requestMethod === "HEAD" ||
      this.status < 200 ||
      this.status === 204 ||
      this.status === 304
    ) {
      return { kind: "none" };
    }
    return this.length() ?? { kind: "until_close" };
  }

  with(headers: readonly Header[]): ResponseHead {
    return new ResponseHead(this.status, this.startLine, headers);
  }

  toText(): string {
    return text(this.startLine, this.headers);
  }
}

/** Null: the peer closed, or what came is no HTTP request. */
export async function readRequestHead(source: ByteSource): Promise<RequestHead | null> {
  const lines = await headLines(source);
  const match = /^(\S+) (\S+) (HTTP\/1\.[01])$/.exec(lines?.[0] ?? "");
  const [, method, target, version] = match ?? [];
  return lines === null || method === undefined || target === undefined || version === undefined
    ? null
    : new RequestHead(method, target, version, headersOf(lines));
}

/** Null: the peer closed, or what came is no HTTP response. */
export async function readResponseHead(source: ByteSource): Promise<ResponseHead | null> {
  const lines = await headLines(source);
  const [startLine = ""] = lines ?? [];
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(startLine)?.[1];
  return lines === null || status === undefined
    ? null
    : new ResponseHead(Number(status), startLine, headersOf(lines));
}

async function headLines(source: ByteSource): Promise<string[] | null> {
  const bytes = await source.until("\r\n\r\n", MAX_HEAD_BYTES);
  return bytes === null ? null : bytes.toString("latin1").trim().split("\r\n");
}

function headersOf(lines: readonly string[]): Header[] {
  return lines.slice(1).flatMap((line) => {
    const colon = line.indexOf(":");
    return colon > 0 ? [{ name: line.slice(0, colon), value: line.slice(colon + 1).trim() }] : [];
  });
}

function text(startLine: string, headers: readonly Header[]): string {
  return [startLine, ...headers.map(({ name, value }) => `${name}: ${value}`), "", ""].join("\r\n");
}

/** One message's body, as raw bytes to pass on, or as content with the chunked encoding taken off. */
export class MessageBody {
  readonly #source: ByteSource;
  readonly #framing: Framing;
  #left: number;
  #over: boolean;
  /** True when the peer closed in the middle. */
  truncated = false;

  constructor(source: ByteSource, framing: Framing) {
    this.#source = source;
    this.#framing = framing;
    this.#left = framing.kind === "length" ? framing.bytes : 0;
    this.#over = framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0);
  }

  /** The next piece of content; null at the end. */
  async content(): Promise<Buffer | null> {
    const piece = await this.next();
    return piece === null ? null : piece.content;
  }

  /** The next piece both as it came and without its encoding; null at the end. */
  async next(): Promise<{ raw: Buffer; content: Buffer } | null> {
    if (this.#over) {
      return null;
    }
    switch (this.#framing.kind) {
      case "none":
        return null;
      case "until_close": {
        const bytes = await this.#source.some();
        this.#over = bytes === null;
        return bytes === null ? null : { raw: bytes, content: bytes };
      }
      case "length": {
        const bytes = await this.#counted();
        return bytes === null ? null : { raw: bytes, content: bytes };
      }
      case "chunked":
        return this.#chunk();
    }
  }

  async #counted(): Promise<Buffer | null> {
    const bytes = await this.#source.atMost(this.#left);
    if (bytes === null) {
      return this.#cut();
    }
    this.#left -= bytes.length;
    this.#over = this.#left === 0 && this.#framing.kind === "length";
    return bytes;
  }

  async #chunk(): Promise<{ raw: Buffer; content: Buffer } | null> {
    if (this.#left > 0) {
      const bytes = await this.#counted();
      if (bytes === null || this.#left > 0) {
        return bytes === null ? null : { raw: bytes, content: bytes };
      }
      const end = await this.#source.until("\r\n", 2);
      return end === null ? this.#cut() : { raw: Buffer.concat([bytes, end]), content: bytes };
    }
    const line = await this.#source.until("\r\n", MAX_CHUNK_LINE_BYTES);
    const size = line === null ? Number.NaN : Number.parseInt(line.toString("latin1"), 16);
    if (line === null || Number.isNaN(size)) {
      return this.#cut();
    }
    if (size > 0) {
      this.#left = size;
      return { raw: line, content: Buffer.alloc(0) };
    }
    this.#over = true;
    return { raw: Buffer.concat([line, await this.#trailers()]), content: Buffer.alloc(0) };
  }

  async #trailers(): Promise<Buffer> {
    const lines: Buffer[] = [];
    for (;;) {
      const line = await this.#source.until("\r\n", MAX_HEAD_BYTES);
      if (line === null) {
        this.truncated = true;
        return Buffer.concat(lines);
      }
      lines.push(line);
      if (line.length === 2) {
        return Buffer.concat(lines);
      }
    }
  }

  #cut(): null {
    this.#over = true;
    this.truncated = true;
    return null;
  }
}
