import { createHash, createHmac, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  authenticateMessage,
  responseKey,
  md4,
  rc4,
} from "../../../src/probes/ntlm/authenticate.ts";
import {
  AV_ID,
  avValue,
  encodeAvPairs,
  parseAvPairs,
  CLIENT_FLAGS,
  NTLM_FLAG,
  negotiateMessage,
  parseChallenge,
} from "../../../src/probes/ntlm/messages.ts";
import {
  bindingHash,
  endPointBindings,
  tlsServerEndPointBindings,
  fileTime,
  ntlmCredential,
  ntlmLogin,
} from "../../../src/probes/ntlm/http-scheme.ts";

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ""), "hex");
}

/** MS-NLMP 4.2.4.3: the server's CHALLENGE_MESSAGE of the NTLMv2 example. */
const CHALLENGE = hex(`
  4e 54 4c 4d 53 53 50 00 02 00 00 00 0c 00 0c 00 38 00 00 00 33 82 8a e2 01 23 45 67 89 ab cd ef
  00 00 00 00 00 00 00 00 24 00 24 00 44 00 00 00 06 00 70 17 00 00 00 0f 53 00 65 00 72 00 76 00
  65 00 72 00 02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00 01 00 0c 00 53 00 65 00 72 00 76 00
  65 00 72 00 00 00 00 00`);
/** MS-NLMP 4.2.4.3: the client's AUTHENTICATE_MESSAGE. */
const AUTHENTICATE = `
  4e 54 4c 4d 53 53 50 00 03 00 00 00 18 00 18 00 6c 00 00 00 54 00 54 00 84 00 00 00 0c 00 0c 00
  48 00 00 00 08 00 08 00 54 00 00 00 10 00 10 00 5c 00 00 00 10 00 10 00 d8 00 00 00 35 82 88 e2
  05 01 28 0a 00 00 00 0f 44 00 6f 00 6d 00 61 00 69 00 6e 00 55 00 73 00 65 00 72 00 43 00 4f 00
  4d 00 50 00 55 00 54 00 45 00 52 00 86 c3 50 97 ac 9c ec 10 25 54 76 4a 57 cc cc 19 aa aa aa aa
  aa aa aa aa 68 cd 0a b8 51 e5 1c 96 aa bc 92 7b eb ef 6a 1c 01 01 00 00 00 00 00 00 00 00 00 00
  00 00 00 00 aa aa aa aa aa aa aa aa 00 00 00 00 02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00
  01 00 0c 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00 00 00 00 00 c5 da d2 54 4f c9 79 90
  94 ce 1c e9 0b c9 d0 3e`.replace(/\s/g, "");

const CREDENTIAL = { username: "User", password: "Password", domain: "Domain" };

describe("NTLM messages of MS-NLMP 4.2", () => {
  test("give the published NTOWFv2 (4.2.4.1.1)", () => {
    expect(responseKey(CREDENTIAL).toString("hex")).toBe("0c868a403bfd7a93a3001ef22ef02e3f");
  });

  test("give the published NT hash of the password (4.2.2.1.2)", () => {
    expect(md4(Buffer.from("Password", "utf16le")).toString("hex")).toBe(
      "a4f49c406510bdcab6824ee7c30fd852",
    );
  });

  const message = authenticateMessage({
    credential: CREDENTIAL,
    workstation: "COMPUTER",
    negotiate: negotiateMessage(),
    challenge: parsed(CHALLENGE),
    channelBindings: null,
    servicePrincipal: null,
    clientChallenge: Buffer.alloc(8, 0xaa),
    sessionKey: Buffer.alloc(16, 0x55),
    timestamp: Buffer.alloc(8),
    flags: (CLIENT_FLAGS | NTLM_FLAG.seal) >>> 0,
    version: hex("05 01 28 0a 00 00 00 0f"),
  });
  const lmResponse = field(message, 12);
  const proof = field(message, 20).subarray(0, 16);
  const sessionBaseKey = createHmac("md5", responseKey(CREDENTIAL)).update(proof).digest();

  // 4.2.4.4 is left out: it seals messages, and a login over HTTP ends before there are any.
  test.each([
    ["session base key (4.2.4.1.2)", sessionBaseKey, "8de40ccadbc14a82f15cb0ad0de95ca3"],
    [
      "temp (4.2.4.1.3)",
      field(message, 20).subarray(16),
      `01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000
       02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000 00000000`,
    ],
    ["LMv2 response (4.2.4.2.1)", lmResponse, "86c35097ac9cec102554764a57cccc19 aaaaaaaaaaaaaaaa"],
    ["NTLMv2 response (4.2.4.2.2)", proof, "68cd0ab851e51c96aabc927bebef6a1c"],
    ["encrypted session key (4.2.4.2.3)", field(message, 52), "c5dad2544fc9799094ce1ce90bc9d03e"],
    ["the whole AUTHENTICATE_MESSAGE (4.2.4.3)", message, AUTHENTICATE],
  ])("give the published %s", (_, made, published) => {
    expect(made.toString("hex")).toBe(published.replace(/\s/g, ""));
  });

  test("include a CHALLENGE_MESSAGE that is parsed", () => {
    const challenge = parsed(CHALLENGE);
    expect(challenge.targetName).toBe("Server");
    expect(challenge.serverChallenge.toString("hex")).toBe("0123456789abcdef");
    expect(challenge.flags).toBe(0xe28a8233);
    expect(challenge.timestamp).toBeNull();
    expect(avValue(challenge.targetInfo, AV_ID.nbDomainName)?.toString("utf16le")).toBe("Domain");
    expect(avValue(challenge.targetInfo, AV_ID.dnsDomainName)).toBeNull();
  });
});

describe("NTLM primitives", () => {
  test.each([
    ["", "31d6cfe0d16ae931b73c59d7e0c089c0"],
    ["a", "bde52cb31de33e46245e05fbdbd6fb24"],
    ["abc", "a448017aaf21d8525fc10ae87aa6729d"],
    ["message digest", "d9130a8164549fe818874806e1c7014b"],
    ["abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"],
    [
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
      "043f8582f241db351ce627e153e7f0e4",
    ],
    ["1234567890".repeat(8), "e33b4ddc9c38f2199c3e7b164fcc0536"],
  ])("compute MD4 of %j (RFC 1320)", (text, digest) => {
    expect(md4(Buffer.from(text)).toString("hex")).toBe(digest);
  });

  test.each([
    ["0102030405", "b2396305f03dc027ccc3524a0a1118a8"],
    ["0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97"],
  ])("compute the RC4 key stream of %s (RFC 6229)", (key, stream) => {
    expect(rc4(hex(key), Buffer.alloc(16)).toString("hex")).toBe(stream);
  });

  test("compute the FILETIME of the epoch", () => {
    expect(fileTime(0).readBigUInt64LE()).toBe(116_444_736_000_000_000n);
  });
});

describe("target info", () => {
  test("is decoded as it was encoded", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            id: fc.integer({ min: 1, max: 0xffff }),
            value: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
          }),
        ),
        (pairs) => {
          expect(parseAvPairs(encodeAvPairs(pairs))).toEqual(pairs);
        },
      ),
    );
  });

  test("is null when a length points past the end", () => {
    expect(parseAvPairs(hex("02 00 ff ff 41 00"))).toBeNull();
    expect(parseAvPairs(hex("02 00"))).toBeNull();
  });
});

describe("parseChallenge", () => {
  test("returns null or a challenge without throwing when the bytes are arbitrary", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const message = Buffer.concat([CHALLENGE.subarray(0, 12), Buffer.from(bytes)]);
        const challenge = parseChallenge(message);
        if (challenge !== null) {
          expect(challenge.serverChallenge).toHaveLength(8);
        }
      }),
    );
  });

  test.each([
    ["too short", CHALLENGE.subarray(0, 31)],
    ["cut inside the target info", CHALLENGE.subarray(0, CHALLENGE.length - 6)],
    ["of another type", Buffer.concat([CHALLENGE.subarray(0, 8), negotiateMessage()])],
    ["too long", Buffer.concat([CHALLENGE, Buffer.alloc(20_000)])],
  ])("returns null when the message is %s", (_, bytes) => {
    expect(parseChallenge(bytes)).toBeNull();
  });
});

describe("authenticateMessage with the server's timestamp", () => {
  const timestamp = fileTime(1_700_000_000_000);
  const bytes = challengeWith([
    { id: AV_ID.nbDomainName, value: Buffer.from("Domain", "utf16le") },
    { id: AV_ID.timestamp, value: timestamp },
  ]);
  const negotiate = negotiateMessage();
  const bindings = endPointBindings(Buffer.alloc(32, 7));
  const message = authenticateMessage({
    credential: CREDENTIAL,
    workstation: "WITNESS",
    negotiate,
    challenge: parsed(bytes),
    channelBindings: bindings,
    servicePrincipal: "HTTP/mail.example.com",
    clientChallenge: Buffer.alloc(8, 1),
    sessionKey: Buffer.alloc(16, 2),
    timestamp: Buffer.alloc(8),
  });
  const ntResponse = field(message, 20);
  const targetInfo = parseAvPairs(ntResponse.subarray(16 + 28)) ?? [];

  test("leaves the LM response empty and uses the server's time", () => {
    expect(field(message, 12)).toEqual(Buffer.alloc(24));
    expect(ntResponse.subarray(24, 32)).toEqual(timestamp);
  });

  test("adds MIC flag, channel bindings and service principal to the server's target info", () => {
    expect(avValue(targetInfo, AV_ID.flags)?.readUInt32LE()).toBe(2);
    expect(avValue(targetInfo, AV_ID.channelBindings)).toEqual(bindings);
    expect(avValue(targetInfo, AV_ID.targetName)?.toString("utf16le")).toBe(
      "HTTP/mail.example.com",
    );
    expect(avValue(targetInfo, AV_ID.timestamp)).toEqual(timestamp);
  });

  test("computes the MIC over all three messages with the exchanged session key", () => {
    const unsigned = Buffer.from(message);
    unsigned.fill(0, 72, 88);
    const mic = createHmac("md5", Buffer.alloc(16, 2))
      .update(negotiate)
      .update(bytes)
      .update(unsigned)
      .digest();
    expect(message.subarray(72, 88)).toEqual(mic);
  });

  test("encrypts the session key with the session base key", () => {
    const key = responseKey(CREDENTIAL);
    const base = createHmac("md5", key).update(ntResponse.subarray(0, 16)).digest();
    expect(rc4(base, field(message, 52))).toEqual(Buffer.alloc(16, 2));
  });

  test("sends no key and keys the MIC by the session base key when the server has no key exchange", () => {
    const plain = Buffer.from(bytes);
    plain.writeUInt32LE((plain.readUInt32LE(20) & ~NTLM_FLAG.keyExchange) >>> 0, 20);
    const answer = authenticateMessage({
      credential: CREDENTIAL,
      workstation: "WITNESS",
      negotiate,
      challenge: parsed(plain),
      channelBindings: null,
      servicePrincipal: null,
      clientChallenge: Buffer.alloc(8, 1),
      sessionKey: Buffer.alloc(16, 2),
      timestamp: Buffer.alloc(8),
    });
    expect(field(answer, 52)).toHaveLength(0);
    const base = createHmac("md5", responseKey(CREDENTIAL))
      .update(field(answer, 20).subarray(0, 16))
      .digest();
    const unsigned = Buffer.from(answer);
    unsigned.fill(0, 72, 88);
    expect(answer.subarray(72, 88)).toEqual(
      createHmac("md5", base).update(negotiate).update(plain).update(unsigned).digest(),
    );
  });
});

describe("channel bindings (RFC 5929, tls-server-end-point)", () => {
  test("have the known value for a known certificate hash", () => {
    const hash = hex("e3ca49271e5089cc48ce82109f1324f41dbeddc29a777410c738f7868c4ff405");
    expect(endPointBindings(hash).toString("hex")).toBe("6ea19df066da4622051f9c4f92c6df74");
  });

  test.each([
    ["rsa-md5", "sha256"],
    ["rsa-sha1", "sha256"],
    ["rsa-sha512", "sha512"],
    ["rsa-pss-sha1", "sha256"],
    ["rsa-pss-sha384", "sha384"],
    ["ecdsa-sha1", "sha256"],
    ["ecdsa-sha256", "sha256"],
    ["ecdsa-sha384", "sha384"],
  ] as const)("hash a certificate signed with %s by %s", (name, algorithm) => {
    const der = certificate(name);
    expect(bindingHash(der)).toBe(algorithm);
    expect(tlsServerEndPointBindings(der)).toEqual(
      endPointBindings(createHash(algorithm).update(der).digest()),
    );
  });

  test("are absent for an Ed25519 certificate", () => {
    expect(tlsServerEndPointBindings(certificate("ed25519"))).toBeNull();
  });

  test("never throw when the DER is truncated or corrupted", () => {
    const der = certificate("rsa-pss-sha384");
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const mangled = Buffer.from(der);
        mangled[at] = byte;
        bindingHash(mangled);
        bindingHash(der.subarray(0, at));
      }),
    );
    expect(bindingHash(der.subarray(0, 40))).toBeNull();
  });
});

describe("NTLM over HTTP", () => {
  const input = {
    credential: CREDENTIAL,
    workstation: "WITNESS",
    host: "mail.example.com",
    certificate: null,
    now: 1_700_000_000_000,
    scheme: "NTLM",
  } as const;

  test("sends NEGOTIATE first and answers a challenge among several schemes", () => {
    const login = ntlmLogin(input);
    expect(login.first).toMatch(/^NTLM TlRMTVNTUAAB/);
    expect(login.second(["Negotiate", `NTLM ${CHALLENGE.toString("base64")}`])).toMatch(
      /^NTLM TlRMTVNTUAAD/,
    );
  });

  test("returns no answer when the challenge is empty or invalid", () => {
    const login = ntlmLogin(input);
    expect(login.second(["NTLM", "Negotiate"])).toBeNull();
    expect(login.second(["NTLM AAAA"])).toBeNull();
    expect(login.second([])).toBeNull();
  });

  test.each([
    ["LAB\\probe-a", null, { username: "probe-a", domain: "LAB" }],
    ["probe-a@lab.example.com", "LAB", { username: "probe-a@lab.example.com", domain: "" }],
    ["probe-a", "LAB", { username: "probe-a", domain: "LAB" }],
    ["probe-a", null, { username: "probe-a", domain: "" }],
  ])("reads user name %s with domain %s", (username, domain, expected) => {
    expect(ntlmCredential(username, "x", domain)).toEqual({ ...expected, password: "x" });
  });
});

function parsed(bytes: Buffer): NonNullable<ReturnType<typeof parseChallenge>> {
  const challenge = parseChallenge(bytes);
  if (challenge === null) {
    throw new Error("the challenge cannot be read");
  }
  return challenge;
}

function challengeWith(pairs: Parameters<typeof encodeAvPairs>[0]): Buffer {
  const info = encodeAvPairs(pairs);
  const header = Buffer.from(CHALLENGE.subarray(0, 56));
  header.writeUInt16LE(0, 12);
  header.writeUInt16LE(0, 14);
  header.writeUInt16LE(info.length, 40);
  header.writeUInt16LE(info.length, 42);
  header.writeUInt32LE(56, 44);
  return Buffer.concat([header, info]);
}

function field(message: Buffer, at: number): Buffer {
  const offset = message.readUInt32LE(at + 4);
  return message.subarray(offset, offset + message.readUInt16LE(at));
}

function certificate(name: string): Buffer {
  const file = join(import.meta.dirname, "certificates", `${name}.pem`);
  return new X509Certificate(readFileSync(file)).raw;
}
