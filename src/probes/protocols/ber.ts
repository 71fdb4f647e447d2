import { readBerElement } from "../../lib/bytes.ts";
/** One BER element (X.690): tag and content. */
export interface BerElement {
  readonly tag: number;
  readonly content: Buffer;
}

export function berElement(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), berLength(content.length), content]);
}

/** Encodes a non-negative integer. */
export function berInteger(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  const first = bytes[0] ?? 0;
  return berElement(0x02, first >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** Encodes an object identifier in dotted form; null if invalid. */
export function berObjectIdentifier(oid: string): Buffer | null {
  const parts = oid.replace(/^\./, "").split(".").map(Number);
  const [first, second, ...rest] = parts;
  if (
    first === undefined ||
    second === undefined ||
    parts.some((part) => !Number.isInteger(part) || part < 0)
  ) {
    return null;
  }
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const groups: number[] = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left % 128) | 0x80);
    }
    bytes.push(...groups);
  }
  return berElement(0x06, Buffer.from(bytes));
}

/** The sequence of elements in these bytes; null on an invalid length. */
export function readElements(data: Buffer): BerElement[] | null {
  const elements: BerElement[] = [];
  for (let at = 0; at < data.length;) {
    const element = readBerElement(data, at);
    if (element === null) {
      return null;
    }
    const { tag, contentAt, end } = element;
    elements.push({ tag, content: data.subarray(contentAt, end) });
    at = end;
  }
  return elements;
}

/** Reads a signed integer of up to six bytes; larger ones (Counter64) lose no precision that a threshold needs. */
export function readInteger(content: Buffer): number {
  if (content.length === 0) {
    return 0;
  }
  return content.length <= 6
    ? content.readIntBE(0, content.length)
    : Number(BigInt(`0x${content.toString("hex")}`));
}

function berLength(length: number): Buffer {
  if (length < 0x80) {
    return Buffer.from([length]);
  }
  return length < 0x100
    ? Buffer.from([0x81, length])
    : Buffer.from([0x82, (length >> 8) & 0xff, length & 0xff]);
}
