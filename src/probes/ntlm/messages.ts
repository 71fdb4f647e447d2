/** NEGOTIATE flags (MS-NLMP 2.2.2.5) that these messages use. */
export const NTLM_FLAG = {
  unicode: 0x00000001,
  oem: 0x00000002,
  requestTarget: 0x00000004,
  sign: 0x00000010,
  seal: 0x00000020,
  ntlm: 0x00000200,
  alwaysSign: 0x00008000,
  extendedSessionSecurity: 0x00080000,
  targetInfo: 0x00800000,
  version: 0x02000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
  key56: 0x80000000,
} as const;

/** Flags of a current Windows client, without OEM strings and LM keys. */
export const CLIENT_FLAGS = combine([
  NTLM_FLAG.unicode,
  NTLM_FLAG.requestTarget,
  NTLM_FLAG.sign,
  NTLM_FLAG.ntlm,
  NTLM_FLAG.alwaysSign,
  NTLM_FLAG.extendedSessionSecurity,
  NTLM_FLAG.targetInfo,
  NTLM_FLAG.version,
  NTLM_FLAG.key128,
  NTLM_FLAG.keyExchange,
  NTLM_FLAG.key56,
]);

function combine(flags: readonly number[]): number {
  return flags.reduce((all, flag) => (all | flag) >>> 0, 0);
}

export function hasFlag(flags: number, flag: number): boolean {
  return (flags & flag) >>> 0 === flag;
}

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

/** Decodes a list up to its end mark; null if it is truncated. */
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

/** Encodes a list with its end mark. */
export function encodeAvPairs(pairs: readonly AvPair[]): Buffer {
  const parts = pairs.flatMap(({ id, value }) => {
    const header = Buffer.alloc(4);
    header.writeUInt16LE(id, 0);
    header.writeUInt16LE(value.length, 2);
    return [header, value];
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** The value of the first pair with that id, or null. */
export function avValue(pairs: readonly AvPair[], id: number): Buffer | null {
  return pairs.find((pair) => pair.id === id)?.value ?? null;
}

export const NTLM_SIGNATURE = Buffer.from("NTLMSSP\0", "latin1");

/** The VERSION structure: Windows 10.0, build 17763, NTLM revision 15. Servers use it for debugging only. */
export const CLIENT_VERSION = Buffer.from([10, 0, 0x63, 0x45, 0, 0, 0, 15]);

/** Maximum size of a challenge, in bytes; real ones are under a kilobyte. */
const MAX_CHALLENGE_BYTES = 16_384;

/** NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1), without domain and workstation. */
export function negotiateMessage(flags: number = CLIENT_FLAGS): Buffer {
  const message = Buffer.alloc(40);
  NTLM_SIGNATURE.copy(message, 0);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(flags, 12);
  message.writeUInt32LE(40, 20);
  message.writeUInt32LE(40, 28);
  CLIENT_VERSION.copy(message, 32);
  return message;
}

/** Contents of a CHALLENGE_MESSAGE. */
export interface Challenge {
  /** The message itself; the integrity code covers it. */
  readonly bytes: Buffer;
  readonly flags: number;
  readonly serverChallenge: Buffer;
  readonly targetName: string;
  readonly targetInfo: readonly AvPair[];
  /** The server's clock as a FILETIME, if present; an integrity code is then required. */
  readonly timestamp: Buffer | null;
}

/** Decodes a CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2); null if it is invalid. */
export function parseChallenge(bytes: Buffer): Challenge | null {
  if (bytes.length < 32 || bytes.length > MAX_CHALLENGE_BYTES) {
    return null;
  }
  if (!bytes.subarray(0, 8).equals(NTLM_SIGNATURE) || bytes.readUInt32LE(8) !== 2) {
    return null;
  }
  const targetName = field(bytes, 12);
  const targetInfoBytes = bytes.length >= 48 ? field(bytes, 40) : Buffer.alloc(0);
  if (targetName === null || targetInfoBytes === null) {
    return null;
  }
  const targetInfo = targetInfoBytes.length === 0 ? [] : parseAvPairs(targetInfoBytes);
  if (targetInfo === null) {
    return null;
  }
  const timestamp = avValue(targetInfo, AV_ID.timestamp);
  return {
    bytes,
    flags: bytes.readUInt32LE(20),
    serverChallenge: bytes.subarray(24, 32),
    targetName: targetName.toString("utf16le"),
    targetInfo,
    timestamp: timestamp?.length === 8 ? timestamp : null,
  };
}

/** The bytes that a length-and-offset field refers to; null if they are outside the message. */
function field(bytes: Buffer, at: number): Buffer | null {
  const length = bytes.readUInt16LE(at);
  const offset = bytes.readUInt32LE(at + 4);
  return offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : null;
}
