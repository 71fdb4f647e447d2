import { AV_ID, avValue, parseAvPairs, type AvPair } from "./av-pairs.ts";
import { CLIENT_FLAGS } from "./flags.ts";

export const NTLM_SIGNATURE = Buffer.from("NTLMSSP\0", "latin1");

/** The VERSION structure: Windows 10.0, build 17763, NTLM revision 15. Servers use it for debugging only. */
export const CLIENT_VERSION = Buffer.from([10, 0, 0x63, 0x45, 0, 0, 0, 15]);

/** Longest challenge that is looked at, in bytes: real ones are under a kilobyte. */
const MAX_CHALLENGE_BYTES = 16_384;

/** NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1), naming neither domain nor workstation. */
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

/** What a CHALLENGE_MESSAGE says. */
export interface Challenge {
  /** The message itself: the integrity code covers it. */
  readonly bytes: Buffer;
  readonly flags: number;
  readonly serverChallenge: Buffer;
  readonly targetName: string;
  readonly targetInfo: readonly AvPair[];
  /** The server's clock as a FILETIME, where it says so: then an integrity code is due. */
  readonly timestamp: Buffer | null;
}

/** Reads a CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2). Null when it is none, or its lengths do not fit. */
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

/** The bytes a length-and-offset field points to; null when it points outside the message. */
function field(bytes: Buffer, at: number): Buffer | null {
  const length = bytes.readUInt16LE(at);
  const offset = bytes.readUInt32LE(at + 4);
  return offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : null;
}
