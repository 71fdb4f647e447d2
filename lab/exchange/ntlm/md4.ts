/** MD4 (RFC 1320), which OpenSSL 3 keeps in its legacy provider; NTLM hashes passwords with it. */
export function md4(message: Uint8Array): Buffer {
  const length = message.length;
  const padded = Buffer.alloc(Math.ceil((length + 9) / 64) * 64);
  padded.set(message);
  padded[length] = 0x80;
  padded.writeUInt32LE((length * 8) >>> 0, padded.length - 8);
  padded.writeUInt32LE(Math.floor(length / 0x2000_0000), padded.length - 4);

  let a = 0x67452301;
  let b = 0xefcdab89;
  let c = 0x98badcfe;
  let d = 0x10325476;
  for (let block = 0; block < padded.length; block += 64) {
    const start = [a, b, c, d] as const;
    const word = (index: number): number => padded.readUInt32LE(block + index * 4);
    for (const { mix, constant, shifts, order } of ROUNDS) {
      for (let step = 0; step < 16; step++) {
        const sum = (a + mix(b, c, d) + word(order[step] ?? 0) + constant) >>> 0;
        const turned = rotate(sum, shifts[step % 4] ?? 0);
        [a, b, c, d] = [d, turned, b, c];
      }
    }
    a = (a + start[0]) >>> 0;
    b = (b + start[1]) >>> 0;
    c = (c + start[2]) >>> 0;
    d = (d + start[3]) >>> 0;
  }
  const digest = Buffer.alloc(16);
  [a, b, c, d].forEach((value, index) => digest.writeUInt32LE(value, index * 4));
  return digest;
}

function rotate(value: number, bits: number): number {
  return ((value << bits) | (value >>> (32 - bits))) >>> 0;
}

interface Round {
  readonly mix: (x: number, y: number, z: number) => number;
  readonly constant: number;
  readonly shifts: readonly number[];
  readonly order: readonly number[];
}

const ROUNDS: readonly Round[] = [
  {
    mix: (x, y, z) => ((x & y) | (~x & z)) >>> 0,
    constant: 0,
    shifts: [3, 7, 11, 19],
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  },
  {
    mix: (x, y, z) => ((x & y) | (x & z) | (y & z)) >>> 0,
    constant: 0x5a827999,
    shifts: [3, 5, 9, 13],
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  },
  {
    mix: (x, y, z) => (x ^ y ^ z) >>> 0,
    constant: 0x6ed9eba1,
    shifts: [3, 9, 11, 15],
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
  },
];
