import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { ExtendedProtection } from "../condition.ts";
import type { LabAccount } from "../organisation.ts";
import type { ServiceContext } from "../service-context.ts";
import { md4 } from "./md4.ts";
import {
  avPair,
  AV,
  FLAGS,
  parseAuthenticate,
  parseAvPairs,
  targetInfo,
  type AuthenticateMessage,
} from "./ntlm-messages.ts";
import { rc4 } from "./rc4.ts";

/** One NTLM handshake (MS-NLMP), from the server's side; it lasts as long as its connection. */
export interface NtlmConversation {
  negotiate: Buffer | null;
  challenge: Buffer | null;
  /** Set when the handshake is done: the connection is this account's. */
  account: LabAccount | null;
}

export type NtlmStep =
  /** The CHALLENGE_MESSAGE to send back. */
  | { readonly kind: "challenge"; readonly message: Buffer }
  | { readonly kind: "accepted"; readonly account: LabAccount }
  | { readonly kind: "rejected"; readonly username: string };

export interface NtlmServer {
  readonly computer: string;
  readonly domain: string;
  readonly dnsDomain: string;
  readonly fqdn: string;
  readonly find: (username: string) => LabAccount | null;
  readonly extendedProtection: ExtendedProtection;
  /** MD5 of the connection's channel bindings; null without TLS. */
  readonly channelBinding: Buffer | null;
}

/** The contents of a server's challenges, and how strictly it checks the channel binding. */
export function ntlmServerOf(
  context: ServiceContext,
  channel: Pick<NtlmServer, "extendedProtection" | "channelBinding">,
): NtlmServer {
  const [computer = context.name, ...parents] = context.fqdn.split(".");
  return {
    computer: computer.toUpperCase(),
    domain: context.organisation.netbiosDomain,
    dnsDomain: parents.join("."),
    fqdn: context.fqdn,
    find: (username) => context.organisation.find(username),
    ...channel,
  };
}

const SIGNATURE = Buffer.from("NTLMSSP\0", "latin1");

/** Takes the client's next message. */
export function advanceNtlm(
  conversation: NtlmConversation,
  message: Buffer,
  server: NtlmServer,
): NtlmStep {
  const isNtlm = message.length >= 12 && message.subarray(0, 8).equals(SIGNATURE);
  const type = isNtlm ? message.readUInt32LE(8) : 0;
  if (type === 1) {
    conversation.negotiate = Buffer.from(message);
    conversation.account = null;
    conversation.challenge = challengeMessage(message, server);
    return { kind: "challenge", message: conversation.challenge };
  }
  const { negotiate, challenge } = conversation;
  const authenticate = type === 3 ? parseAuthenticate(message) : null;
  conversation.challenge = null;
  if (authenticate === null || negotiate === null || challenge === null) {
    return { kind: "rejected", username: authenticate?.username ?? "" };
  }
  const account = verify(authenticate, { negotiate, challenge, authenticate: message }, server);
  conversation.account = account;
  return account === null
    ? { kind: "rejected", username: authenticate.username }
    : { kind: "accepted", account };
}

/** CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2) with a fresh challenge and the target information of this server. */
function challengeMessage(negotiate: Buffer, server: NtlmServer): Buffer {
  const asked = negotiate.length >= 16 ? negotiate.readUInt32LE(12) : 0;
  const flags =
    (asked &
      (FLAGS.keyExchange |
        FLAGS.encrypt128 |
        FLAGS.encrypt56 |
        FLAGS.sign |
        FLAGS.alwaysSign |
        FLAGS.seal)) |
    FLAGS.unicode |
    FLAGS.requestTarget |
    FLAGS.ntlm |
    FLAGS.targetTypeDomain |
    FLAGS.extendedSession |
    FLAGS.targetInfo |
    FLAGS.version;
  const name = Buffer.from(server.domain, "utf16le");
  const info = targetInfo([
    avPair(AV.nbDomain, server.domain),
    avPair(AV.nbComputer, server.computer),
    avPair(AV.dnsDomain, server.dnsDomain),
    avPair(AV.dnsComputer, server.fqdn),
    avPair(AV.timestamp, fileTime(Date.now())),
  ]);
  const fixed = Buffer.alloc(56);
  SIGNATURE.copy(fixed, 0);
  fixed.writeUInt32LE(2, 8);
  writeField(fixed, 12, name.length, fixed.length);
  fixed.writeUInt32LE(flags >>> 0, 20);
  randomBytes(8).copy(fixed, 24);
  writeField(fixed, 40, info.length, fixed.length + name.length);
  Buffer.from([10, 0, 0x39, 0x38, 0, 0, 0, 15]).copy(fixed, 48); // Windows 10.0.14393
  return Buffer.concat([fixed, name, info]);
}

function writeField(buffer: Buffer, at: number, length: number, offset: number): void {
  buffer.writeUInt16LE(length, at);
  buffer.writeUInt16LE(length, at + 2);
  buffer.writeUInt32LE(offset, at + 4);
}

/** 100-nanosecond intervals since 1601. */
function fileTime(epochMs: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE((BigInt(epochMs) + 11_644_473_600_000n) * 10_000n);
  return buffer;
}

interface Messages {
  readonly negotiate: Buffer;
  readonly challenge: Buffer;
  readonly authenticate: Buffer;
}

function verify(
  message: AuthenticateMessage,
  messages: Messages,
  server: NtlmServer,
): LabAccount | null {
  const { username, domain, ntResponse } = message;
  const account = server.find(
    domain === "" || username.includes("@") ? username : `${domain}\\${username}`,
  );
  // A response of 24 bytes is NTLMv1, which today's domains refuse.
  if (account === null || ntResponse.length < 16 + 28) {
    return null;
  }
  const proof = ntResponse.subarray(0, 16);
  const temp = ntResponse.subarray(16);
  const key = hmacMd5(
    md4(Buffer.from(account.password, "utf16le")),
    Buffer.from(`${username.toUpperCase()}${domain}`, "utf16le"),
  );
  const expected = hmacMd5(key, Buffer.concat([messages.challenge.subarray(24, 32), temp]));
  if (!timingSafeEqual(proof, expected)) {
    return null;
  }
  const pairs = parseAvPairs(temp.subarray(28));
  return channelMatches(pairs.get(AV.channelBindings) ?? null, server) &&
    micMatches(message, messages, pairs, hmacMd5(key, proof))
    ? account
    : null;
}

/** Extended Protection (RFC 5929, MS-NLMP 3.1.5.1.2): the client's binding against this connection's. */
function channelMatches(sent: Buffer | null, server: NtlmServer): boolean {
  const none = sent === null || sent.every((byte) => byte === 0);
  switch (server.extendedProtection) {
    case "none":
      return true;
    case "allow":
      return none || (server.channelBinding?.equals(sent) ?? false);
    case "require":
      return !none && (server.channelBinding?.equals(sent) ?? false);
  }
}

const MIC_PRESENT = 2;

/** The MIC covers all three messages; a client that announces one must have sent the right one. */
function micMatches(
  message: AuthenticateMessage,
  messages: Messages,
  pairs: ReadonlyMap<number, Buffer>,
  sessionBaseKey: Buffer,
): boolean {
  const flags = pairs.get(AV.flags);
  if (flags?.length !== 4 || (flags.readUInt32LE(0) & MIC_PRESENT) === 0) {
    return true;
  }
  if (messages.authenticate.length < 88) {
    return false;
  }
  const exported =
    (message.flags & FLAGS.keyExchange) !== 0 && message.sessionKey.length === 16
      ? rc4(sessionBaseKey, message.sessionKey)
      : sessionBaseKey;
  const zeroed = Buffer.from(messages.authenticate);
  zeroed.fill(0, 72, 88);
  const mic = hmacMd5(exported, Buffer.concat([messages.negotiate, messages.challenge, zeroed]));
  return timingSafeEqual(mic, messages.authenticate.subarray(72, 88));
}

function hmacMd5(key: Buffer, data: Buffer): Buffer {
  return createHmac("md5", key).update(data).digest();
}
