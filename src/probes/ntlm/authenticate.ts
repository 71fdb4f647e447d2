import { createHmac } from "node:crypto";
import {
  AV_FLAG_MIC,
  AV_ID,
  encodeAvPairs,
  type AvPair,
  CLIENT_FLAGS,
  hasFlag,
  NTLM_FLAG,
  CLIENT_VERSION,
  NTLM_SIGNATURE,
  type Challenge,
} from "./messages.ts";

/**
 * MD4 (RFC 1320), which OpenSSL 3 no longer offers and NTLM's password hash still needs. MD4 is broken: do not use it for
 * anything else.
 * @returns 16 bytes.
 */
export function md4(message: Uint8Array): Buffer {
  const blocks = padded(message);
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  const words = new Uint32Array(16);
  for (let at = 0; at < blocks.length; at += 64) {
    for (let i = 0; i < 16; i += 1) {
      words[i] = blocks.readUInt32LE(at + i * 4);
    }
    compress(state, words);
  }
  const digest = Buffer.alloc(16);
  state.forEach((word, i) => digest.writeUInt32LE(word, i * 4));
  return digest;
}

/** The message padded to a multiple of 64 bytes: a one bit, zeros, and the length in bits. */
function padded(message: Uint8Array): Buffer {
  const length = Math.ceil((message.length + 9) / 64) * 64;
  const blocks = Buffer.alloc(length);
  blocks.set(message);
  blocks[message.length] = 0x80;
  blocks.writeBigUInt64LE(BigInt(message.length) * 8n, length - 8);
  return blocks;
}

interface Round {
  readonly mix: (x: number, y: number, z: number) => number;
  readonly constant: number;
  readonly order: readonly number[];
  readonly shifts: readonly [number, number, number, number];
}

const ROUNDS: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
];

function compress(state: Uint32Array, words: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = state;
  for (const round of ROUNDS) {
    round.order.forEach((word, i) => {
      const sum = (a + round.mix(b, c, d) + (words[word] ?? 0) + round.constant) >>> 0;
      const shift = round.shifts[i % 4] ?? 0;
      const turned = ((sum << shift) | (sum >>> (32 - shift))) >>> 0;
      [a, b, c, d] = [d, turned, b, c];
    });
  }
  [a, b, c, d].forEach((value, i) => {
    state[i] = ((state[i] ?? 0) + value) >>> 0;
  });
}

/**
 * RC4, which OpenSSL 3 no longer offers. NTLM's key exchange encrypts one 16-byte session key with it. Do not use it for
 * anything else.
 */
export function rc4(key: Uint8Array, data: Uint8Array): Buffer {
  const box = Uint8Array.from({ length: 256 }, (_, i) => i);
  const at = (i: number): number => box[i & 0xff] ?? 0;
  const swap = (i: number, j: number): void => {
    [box[i], box[j]] = [at(j), at(i)];
  };
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 0xff;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return Buffer.from(
    Uint8Array.from(data, (byte) => {
      i = (i + 1) & 0xff;
      j = (j + at(i)) & 0xff;
      swap(i, j);
      return byte ^ at(at(i) + at(j));
    }),
  );
}

/** User, domain and password of a login. */
export interface NtlmCredential {
  readonly username: string;
  readonly password: string;
  /** NetBIOS or DNS domain; empty for a user principal name. */
  readonly domain: string;
}

/** All inputs of an AUTHENTICATE message, including time and random bytes. */
export interface AuthenticateInput {
  readonly credential: NtlmCredential;
  readonly workstation: string;
  /** The NEGOTIATE message as sent; the integrity code covers it. */
  readonly negotiate: Buffer;
  readonly challenge: Challenge;
  /** MD5 of the gss_channel_bindings structure; null without a TLS channel to bind to. */
  readonly channelBindings: Buffer | null;
  /** Service principal name of the server, `HTTP/mail.example.com`; null to omit it. */
  readonly servicePrincipal: string | null;
  /** 8 random bytes. */
  readonly clientChallenge: Buffer;
  /** 16 random bytes. */
  readonly sessionKey: Buffer;
  /** The client's clock as a FILETIME, used if the server does not send its own. */
  readonly timestamp: Buffer;
  readonly flags?: number;
  readonly version?: Buffer;
}

/** NTOWFv2 (MS-NLMP 3.3.2): the key of all NTLMv2 responses. The domain keeps its case, the user name does not. */
export function responseKey({ username, password, domain }: NtlmCredential): Buffer {
  return hmacMd5(md4(utf16(password)), [utf16(username.toUpperCase() + domain)]);
}

/** AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3, 3.1.5.1.2) with NTLMv2 responses and, if the server sends its time, a MIC. */
export function authenticateMessage(input: AuthenticateInput): Buffer {
  const { challenge, clientChallenge } = input;
  const key = responseKey(input.credential);
  const withMic = challenge.timestamp !== null;

  const temp = Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]),
    challenge.timestamp ?? input.timestamp,
    clientChallenge,
    Buffer.alloc(4),
    encodeAvPairs(clientTargetInfo(input)),
    Buffer.alloc(4),
  ]);
  const proof = hmacMd5(key, [challenge.serverChallenge, temp]);
  // If the server sends its time, the LM response is empty (3.1.5.1.2).
  const lmResponse = withMic
    ? Buffer.alloc(24)
    : Buffer.concat([hmacMd5(key, [challenge.serverChallenge, clientChallenge]), clientChallenge]);

  const sessionBaseKey = hmacMd5(key, [proof]);
  const flags = negotiatedFlags(input.flags ?? CLIENT_FLAGS, challenge.flags);
  const exchanges = hasFlag(flags, NTLM_FLAG.keyExchange);
  const exportedKey = exchanges ? input.sessionKey : sessionBaseKey;

  const message = assemble({
    flags,
    version: input.version ?? CLIENT_VERSION,
    withMic,
    lmResponse,
    ntResponse: Buffer.concat([proof, temp]),
    domain: utf16(input.credential.domain),
    username: utf16(input.credential.username),
    workstation: utf16(input.workstation),
    encryptedSessionKey: exchanges ? rc4(sessionBaseKey, input.sessionKey) : Buffer.alloc(0),
  });
  if (withMic) {
    hmacMd5(exportedKey, [input.negotiate, challenge.bytes, message]).copy(message, MIC_OFFSET);
  }
  return message;
}

const MIC_OFFSET = 72;

/** The flags that both sides support; REQUEST_TARGET depends on the client alone. */
function negotiatedFlags(client: number, server: number): number {
  return (client & (server | NTLM_FLAG.requestTarget)) >>> 0;
}

/** The server's target info plus the client's flags, the channel binding and the intended service. */
function clientTargetInfo(input: AuthenticateInput): readonly AvPair[] {
  const pairs = input.challenge.targetInfo.filter(
    ({ id }) => id !== AV_ID.flags && id !== AV_ID.channelBindings && id !== AV_ID.targetName,
  );
  if (input.challenge.timestamp !== null) {
    const flags = Buffer.alloc(4);
    flags.writeUInt32LE(AV_FLAG_MIC);
    pairs.push({ id: AV_ID.flags, value: flags });
  }
  if (input.channelBindings !== null) {
    pairs.push({ id: AV_ID.channelBindings, value: input.channelBindings });
  }
  if (input.servicePrincipal !== null) {
    pairs.push({ id: AV_ID.targetName, value: utf16(input.servicePrincipal) });
  }
  return pairs;
}

interface Parts {
  readonly flags: number;
  readonly version: Buffer;
  readonly withMic: boolean;
  readonly lmResponse: Buffer;
  readonly ntResponse: Buffer;
  readonly domain: Buffer;
  readonly username: Buffer;
  readonly workstation: Buffer;
  readonly encryptedSessionKey: Buffer;
}

/** Fixed part, space for the integrity code, then the payloads in the order Windows writes them. */
function assemble(parts: Parts): Buffer {
  const headerLength = parts.withMic ? MIC_OFFSET + 16 : MIC_OFFSET;
  const header = Buffer.alloc(headerLength);
  NTLM_SIGNATURE.copy(header, 0);
  header.writeUInt32LE(3, 8);
  header.writeUInt32LE(parts.flags, 60);
  parts.version.copy(header, 64, 0, 8);

  const payloads: Buffer[] = [];
  let offset = headerLength;
  const place = (fieldAt: number, value: Buffer): void => {
    header.writeUInt16LE(value.length, fieldAt);
    header.writeUInt16LE(value.length, fieldAt + 2);
    header.writeUInt32LE(offset, fieldAt + 4);
    offset += value.length;
    payloads.push(value);
  };
  place(28, parts.domain);
  place(36, parts.username);
  place(44, parts.workstation);
  place(12, parts.lmResponse);
  place(20, parts.ntResponse);
  place(52, parts.encryptedSessionKey);
  return Buffer.concat([header, ...payloads]);
}

function hmacMd5(key: Buffer, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac("md5", key);
  for (const part of parts) {
    hmac.update(part);
  }
  return hmac.digest();
}

function utf16(text: string): Buffer {
  return Buffer.from(text, "utf16le");
}
