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
import { md4, rc4 } from "./legacy-hashes.ts";

/** Who logs in. */
export interface NtlmCredential {
  readonly username: string;
  readonly password: string;
  /** NetBIOS or DNS domain; empty for a user principal name. */
  readonly domain: string;
}

/** Everything an AUTHENTICATE message is made of; time and randomness come from outside. */
export interface AuthenticateInput {
  readonly credential: NtlmCredential;
  readonly workstation: string;
  /** The NEGOTIATE message as sent: the integrity code covers it. */
  readonly negotiate: Buffer;
  readonly challenge: Challenge;
  /** MD5 of the gss_channel_bindings structure, or null where there is no TLS channel to bind to. */
  readonly channelBindings: Buffer | null;
  /** Service principal name of the server, `HTTP/mail.example.com`, or null to leave it out. */
  readonly servicePrincipal: string | null;
  /** 8 random bytes. */
  readonly clientChallenge: Buffer;
  /** 16 random bytes. */
  readonly sessionKey: Buffer;
  /** Our clock as a FILETIME, used where the server does not tell its own. */
  readonly timestamp: Buffer;
  readonly flags?: number;
  readonly version?: Buffer;
}

/** NTOWFv2 (MS-NLMP 3.3.2): the key all NTLMv2 answers are made with. The domain keeps its case, the user does not. */
export function responseKey({ username, password, domain }: NtlmCredential): Buffer {
  return hmacMd5(md4(utf16(password)), [utf16(username.toUpperCase() + domain)]);
}

/** AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3, 3.1.5.1.2) with NTLMv2 answers and, where the server tells its time, a MIC. */
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
  // Where the server tells its time, the LM answer is left empty (3.1.5.1.2).
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

/** What both sides can do; REQUEST_TARGET is the client's own to say. */
function negotiatedFlags(client: number, server: number): number {
  return (client & (server | NTLM_FLAG.requestTarget)) >>> 0;
}

/** The server's target info, with our flags, the channel we came by, and whom we think we talk to. */
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

/** Fixed part, place for the integrity code, then the payloads in the order Windows writes them. */
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
