const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Bytes that came and are not yet used. They may come one by one: what waits is copied only when its store is outgrown, so
 * that a head of 64 KB in tiny pieces costs no more than in one.
 */
export class ByteQueue {
  /** All that wait. A view, valid until the next change. */
  bytes: Buffer = EMPTY;
  /** Room of our own that begins with what waits; null while that is the very piece that came. */
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

  /** Lets go of so many bytes at the front. */
  skip(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.#store = this.#store?.subarray(count) ?? null;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.#store = null;
  }
}

/** Where an element of BER or DER stands; its content may reach beyond the bytes that are there. */
export interface BerHeader {
  /** One byte: longer tags are in none of the protocols spoken here. */
  readonly tag: number;
  readonly contentAt: number;
  /** Offset of the byte after the element. */
  readonly end: number;
}

/**
 * Reads tag and length at an offset. `short`: bytes of the header itself are missing; `broken`: a length of more than four
 * bytes, or without end.
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

/** The same for an element that is there as a whole; else null. */
export function readBerElement(bytes: Buffer, at: number): BerHeader | null {
  const header = readBerHeader(bytes, at);
  return typeof header === "string" || header.end > bytes.length ? null : header;
}

const encoder = new TextEncoder();

/** How many bytes a text takes in UTF-8. */
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
