const EMPTY: Buffer = Buffer.alloc(0);

/**
 * A queue of received bytes. Bytes are copied only when the buffer must grow, so that many tiny pieces cost no more than one
 * large one.
 */
export class ByteQueue {
  /** All unread bytes, as a view valid until the next change. */
  bytes: Buffer = EMPTY;
  /** Own buffer that begins with the unread bytes; null while they are the received piece itself. */
  #store: Buffer | null = null;

  append(data: Buffer): void {
    const { bytes } = this;
    if (bytes.length === 0) {
      this.bytes = data;
      this.#store = null;
      return;
    }
    const length = bytes.length + data.length;
    if (this.#store === null || this.#store.length < length) {
      this.#store = Buffer.allocUnsafe(2 * length);
      bytes.copy(this.#store);
    }
    data.copy(this.#store, bytes.length);
    this.bytes = this.#store.subarray(0, length);
  }

  /** Removes bytes from the front. */
  skip(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.#store = this.#store?.subarray(count) ?? null;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.#store = null;
  }
}

/** Position of a BER or DER element; its content may be incomplete. */
export interface BerHeader {
  /** One byte; the supported protocols have no longer tags. */
  readonly tag: number;
  readonly contentAt: number;
  /** Offset of the byte after the element. */
  readonly end: number;
}

/**
 * Reads tag and length at an offset. `short`: the header is incomplete; `broken`: a length of more than four bytes, or an
 * indefinite one.
 */
export function readBerHeader(bytes: Buffer, at: number): BerHeader | "short" | "broken" {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) {
    return "short";
  }
  if (first < 0x80) {
    return { tag, contentAt: at + 2, end: at + 2 + first };
  }
  const count = first & 0x7f;
  if (count === 0 || count > 4) {
    return "broken";
  }
  const contentAt = at + 2 + count;
  return contentAt > bytes.length
    ? "short"
    : { tag, contentAt, end: contentAt + bytes.readUIntBE(at + 2, count) };
}

/** The same, but null unless the element is complete. */
export function readBerElement(bytes: Buffer, at: number): BerHeader | null {
  const header = readBerHeader(bytes, at);
  return typeof header === "string" || header.end > bytes.length ? null : header;
}

const encoder = new TextEncoder();

/** Length of a text in UTF-8 bytes. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

/** FNV-1a over the code units of a text, 32 bits, signed. Its low bits are weak: callers mix them. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
