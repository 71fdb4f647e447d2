import type { Random } from "../simulation/random.ts";

export const MAX_INPUT_BYTES = 96 * 1024;
const MAX_STEPS = 6;
/** Long inputs are rare among the short ones, which find as much and are read sooner. */
const TIMES = [2, 2, 2, 2, 4, 4, 4, 16, 16, 16, 64, 64, 256, 256, 4096];
const BYTES = [0x00, 0x01, 0x0a, 0x0d, 0x1f, 0x20, 0x22, 0x2d, 0x3a, 0x7f, 0x80, 0xc0, 0xff];
const NUMBERS = [
  "0",
  "-1",
  "1",
  "65536",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "99999999999999999999",
  "1e309",
  "0x10",
  "١",
];
const WORDS = ["\r\n", "\n", "\r\n\r\n", "\u0000", '"', "\\", "é", "\ufeff", "💥", "${HOME}", "*"];

/**
 * Changes a real input in a few places: bits, bytes, lengths, numbers, words, whole pieces, pieces of another input.
 * The result has at most `mostBytes`.
 */
export function mutateBytes(
  seeds: readonly Buffer[],
  words: readonly string[],
  random: Random,
  mostBytes: number,
): Buffer {
  let data: Buffer = Buffer.from(random.pick(seeds));
  const most = Math.max(mostBytes, data.length);
  const steps = 1 + Math.floor(random.next() * MAX_STEPS);
  for (let step = 0; step < steps; step += 1) {
    data = mutateOnce(data, seeds, words, random, most);
  }
  return data.subarray(0, most);
}

function mutateOnce(
  data: Buffer,
  seeds: readonly Buffer[],
  words: readonly string[],
  random: Random,
  mostBytes: number,
): Buffer {
  const at = random.whole(0, data.length);
  const to = Math.min(data.length, at + random.whole(0, random.pick([2, 8, 64, 1024])));
  switch (random.whole(0, 10)) {
    case 0:
      return withByte(data, at, (data[at] ?? 0) ^ (1 << random.whole(0, 7)));
    case 1:
      return withByte(data, at, random.pick(BYTES));
    case 2:
      return withLength(data, at, random);
    case 3:
      return withNumber(data, at, random);
    case 4:
    case 5: {
      const word = random.pick(random.next() < 0.6 && words.length > 0 ? words : WORDS);
      return spliced(data, at, random.next() < 0.5 ? at : to, Buffer.from(word));
    }
    case 6:
      return spliced(data, at, to, Buffer.alloc(0));
    case 7:
      return spliced(data, at, at, data.subarray(at, to));
    case 8: {
      const times = random.pick(TIMES);
      const piece = data.subarray(at, Math.min(to, at + Math.ceil(mostBytes / times)));
      return spliced(data, at, to, Buffer.concat(new Array<Buffer>(times).fill(piece)));
    }
    case 9: {
      const other = random.pick(seeds);
      const from = random.whole(0, other.length);
      return spliced(data, at, random.next() < 0.5 ? at : data.length, other.subarray(from));
    }
    default:
      return data.subarray(0, at);
  }
}

function spliced(data: Buffer, from: number, to: number, piece: Buffer): Buffer {
  return Buffer.concat([data.subarray(0, from), piece, data.subarray(to)]).subarray(
    0,
    MAX_INPUT_BYTES,
  );
}

function withByte(data: Buffer, at: number, byte: number): Buffer {
  const changed = Buffer.from(data);
  changed[at] = byte;
  return changed;
}

/** Two or four bytes that may be a length. */
function withLength(data: Buffer, at: number, random: Random): Buffer {
  const changed = Buffer.from(data);
  const size = random.pick([2, 4]);
  if (at + size > changed.length) {
    return changed;
  }
  const value = random.pick([0, 1, data.length, data.length + 1, 0x7fff, 0x8000, 0xffff]);
  const wide = random.pick([value, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]);
  if (size === 2) {
    changed.writeUInt16BE(value & 0xffff, at);
  } else if (random.next() < 0.5) {
    changed.writeUInt32BE(wide, at);
  } else {
    changed.writeUInt32LE(wide, at);
  }
  return changed;
}

/** The next number written in digits becomes another. */
function withNumber(data: Buffer, at: number, random: Random): Buffer {
  const isDigit = (index: number): boolean => {
    const byte = data[index] ?? 0;
    return byte >= 0x30 && byte <= 0x39;
  };
  let from = at;
  while (from < data.length && !isDigit(from)) {
    from += 1;
  }
  let to = from;
  while (isDigit(to)) {
    to += 1;
  }
  return from === to ? data : spliced(data, from, to, Buffer.from(random.pick(NUMBERS)));
}
