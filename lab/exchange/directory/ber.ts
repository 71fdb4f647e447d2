import type { LineConnection } from "../line-connection.ts";

/** One BER element (X.690), definite lengths only, as LDAP demands. */
export interface BerElement {
  readonly tag: number;
  readonly content: Buffer;
}

/** Largest message the lab reads. */
const MESSAGE_LIMIT = 1024 * 1024;

/** Reads one element from a connection; null if the client has disconnected or sends no valid BER. */
export async function readElement(connection: LineConnection): Promise<BerElement | null> {
  const head = await connection.readBytes(2);
  if (head === null) {
    return null;
  }
  let length = head.readUInt8(1);
  if (length >= 0x80) {
    const size = length & 0x7f;
    const bytes = size >= 1 && size <= 4 ? await connection.readBytes(size) : null;
    if (bytes === null) {
      return null;
    }
    length = bytes.readUIntBE(0, size);
  }
  const content = length <= MESSAGE_LIMIT ? await connection.readBytes(length) : null;
  return content && { tag: head.readUInt8(0), content };
}

/** The elements inside a constructed one; a truncated one is left out. */
export function children(content: Buffer): BerElement[] {
  const found: BerElement[] = [];
  let at = 0;
  while (at + 2 <= content.length) {
    const tag = content.readUInt8(at);
    let length = content.readUInt8(at + 1);
    at += 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 4 || at + size > content.length) {
        break;
      }
      length = content.readUIntBE(at, size);
      at += size;
    }
    if (at + length > content.length) {
      break;
    }
    found.push({ tag, content: content.subarray(at, at + length) });
    at += length;
  }
  return found;
}

export function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length =
    size < 0x80
      ? [size]
      : size < 0x100
        ? [0x81, size]
        : size < 0x10000
          ? [0x82, size >> 8, size & 0xff]
          : [0x83, size >> 16, (size >> 8) & 0xff, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

export function octets(text: string, tag = 0x04): Buffer {
  return element(tag, Buffer.from(text, "utf8"));
}

/** A non-negative integer below 2^31. */
export function integer(value: number, tag = 0x02): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  let start = 0;
  while (start < 3 && bytes[start] === 0 && (bytes[start + 1] ?? 0) < 0x80) {
    start += 1;
  }
  return element(tag, bytes.subarray(start));
}

export function integerOf(content: Buffer): number {
  return content.length >= 1 && content.length <= 6 ? content.readIntBE(0, content.length) : 0;
}
