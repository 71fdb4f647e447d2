/** The attribute list of NTLM's target info (MS-NLMP 2.2.2.1). */
export interface AvPair {
  readonly id: number;
  readonly value: Buffer;
}

export const AV_ID = {
  end: 0x0000,
  nbComputerName: 0x0001,
  nbDomainName: 0x0002,
  dnsComputerName: 0x0003,
  dnsDomainName: 0x0004,
  flags: 0x0006,
  timestamp: 0x0007,
  targetName: 0x0009,
  channelBindings: 0x000a,
} as const;

/** MsvAvFlags: the AUTHENTICATE message carries a message integrity code. */
export const AV_FLAG_MIC = 0x00000002;

/** Reads a list up to its end mark. Null when it is cut short: a length that points past the end. */
export function parseAvPairs(bytes: Buffer): readonly AvPair[] | null {
  const pairs: AvPair[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const id = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (id === AV_ID.end) {
      return pairs;
    }
    if (at + 4 + length > bytes.length) {
      return null;
    }
    pairs.push({ id, value: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return null;
}

/** Writes a list with its end mark. */
export function encodeAvPairs(pairs: readonly AvPair[]): Buffer {
  const parts = pairs.flatMap(({ id, value }) => {
    const header = Buffer.alloc(4);
    header.writeUInt16LE(id, 0);
    header.writeUInt16LE(value.length, 2);
    return [header, value];
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** The value of the first pair of that kind, or null. */
export function avValue(pairs: readonly AvPair[], id: number): Buffer | null {
  return pairs.find((pair) => pair.id === id)?.value ?? null;
}
