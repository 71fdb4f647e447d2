/** Field and flag layouts of MS-NLMP 2.2, as far as a server needs them. */
export const FLAGS = {
  unicode: 0x0000_0001,
  requestTarget: 0x0000_0004,
  sign: 0x0000_0010,
  seal: 0x0000_0020,
  ntlm: 0x0000_0200,
  alwaysSign: 0x0000_8000,
  targetTypeDomain: 0x0001_0000,
  extendedSession: 0x0008_0000,
  targetInfo: 0x0080_0000,
  version: 0x0200_0000,
  encrypt128: 0x2000_0000,
  keyExchange: 0x4000_0000,
  encrypt56: 0x8000_0000,
} as const;

export const AV = {
  endOfList: 0,
  nbComputer: 1,
  nbDomain: 2,
  dnsComputer: 3,
  dnsDomain: 4,
  flags: 6,
  timestamp: 7,
  channelBindings: 10,
} as const;

/** One AV_PAIR; text becomes UTF-16LE. */
export function avPair(id: number, value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf16le") : value;
  const header = Buffer.alloc(4);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}

export function targetInfo(pairs: readonly Buffer[]): Buffer {
  return Buffer.concat([...pairs, avPair(AV.endOfList, Buffer.alloc(0))]);
}

/** The pairs by id, up to the end of the list or of the bytes. */
export function parseAvPairs(bytes: Buffer): Map<number, Buffer> {
  const pairs = new Map<number, Buffer>();
  let at = 0;
  while (at + 4 <= bytes.length) {
    const id = bytes.readUInt16LE(at);
    const end = at + 4 + bytes.readUInt16LE(at + 2);
    if (id === AV.endOfList || end > bytes.length) {
      break;
    }
    pairs.set(id, bytes.subarray(at + 4, end));
    at = end;
  }
  return pairs;
}

/** AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3). */
export interface AuthenticateMessage {
  readonly ntResponse: Buffer;
  readonly domain: string;
  readonly username: string;
  readonly sessionKey: Buffer;
  readonly flags: number;
}

/** Null when the message is cut short or its fields point outside. */
export function parseAuthenticate(message: Buffer): AuthenticateMessage | null {
  if (message.length < 64) {
    return null;
  }
  const field = (at: number): Buffer | null => {
    const offset = message.readUInt32LE(at + 4);
    const end = offset + message.readUInt16LE(at);
    return end <= message.length ? message.subarray(offset, end) : null;
  };
  const [ntResponse, domain, username, sessionKey] = [20, 28, 36, 52].map(field);
  if (!ntResponse || !domain || !username || !sessionKey) {
    return null;
  }
  const flags = message.readUInt32LE(60);
  const encoding = (flags & FLAGS.unicode) !== 0 ? "utf16le" : "latin1";
  return {
    ntResponse,
    domain: domain.toString(encoding),
    username: username.toString(encoding),
    sessionKey,
    flags,
  };
}
