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
