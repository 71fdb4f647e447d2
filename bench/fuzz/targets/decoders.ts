import { CERTIFICATE_NAMES, labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { createHash, X509Certificate } from "node:crypto";
import { dnsAnswer, parseQuestion } from "../../../lab/exchange/directory/dns-message.ts";
import { avPair, targetInfo } from "../../../lab/exchange/ntlm/ntlm-messages.ts";
import {
  bindingHash,
  tlsServerEndPointBindings,
  ntlmCredential,
  ntlmLogin,
} from "../../../src/probes/ntlm/http-scheme.ts";
import { NTLM_SIGNATURE, parseChallenge, parseAvPairs } from "../../../src/probes/ntlm/messages.ts";
import { parseEptMap, fragmentLength, parseAnswer } from "../../../src/probes/protocols/dcerpc.ts";
import {
  berElement,
  berInteger,
  berObjectIdentifier,
  readElements,
  readInteger,
} from "../../../src/probes/protocols/ber.ts";
import { certificateFacts } from "../../../src/net/certificate-facts.ts";
import { decodeAnswer, encodeQuery } from "../../../src/probes/protocols/dns-message.ts";
import { decodeRadiusAnswer } from "../../../src/probes/monitors/radius.ts";
import { decodeSnmpResponse } from "../../../src/probes/monitors/snmp.ts";
import type { FuzzTarget } from "../target.ts";

/** Readers of whole messages: no socket, no waiting. */

export function dnsTarget(): FuzzTarget {
  const query = encodeQuery(7, "mail.example.com", "A");
  const question = query === null ? null : parseQuestion(query);
  if (question === null) {
    throw new Error("an encoded query cannot be decoded");
  }
  const answer = dnsAnswer(question, 0, [
    { name: "mail.example.com", type: "CNAME", data: "owa.example.com" },
    { name: "owa.example.com", type: "A", data: "192.0.2.10" },
    { name: "owa.example.com", type: "AAAA", data: "2001:db8::10" },
    { name: "example.com", type: "MX", data: "10 owa.example.com" },
  ]);
  return {
    name: "dns",
    seeds: [answer, dnsAnswer(question, 3, []), dnsAnswer(question, 0, [], true)],
    read: (input) => [decodeAnswer(input, "A"), decodeAnswer(input, "SRV")],
  };
}

export function berTarget(): FuzzTarget {
  const inner = berElement(0x30, berInteger(3), berInteger(-70_000), berElement(0x04));
  return {
    name: "ber",
    seeds: [inner, Buffer.concat([inner, berElement(0x30, inner, inner)])],
    read: (input) => {
      const read = (data: Buffer, depth: number): void => {
        for (const { tag, content } of readElements(data) ?? []) {
          readInteger(content);
          if ((tag & 0x20) !== 0 && depth < 8) {
            read(content, depth + 1);
          }
        }
      };
      read(input, 0);
    },
  };
}

export function snmpTarget(): FuzzTarget {
  const name = berObjectIdentifier("1.3.6.1.2.1.1.3.0") ?? Buffer.alloc(0);
  const answer = (value: Buffer, status = 0): Buffer =>
    berElement(
      0x30,
      berInteger(1),
      berElement(0x04, Buffer.from("public")),
      berElement(
        0xa2,
        berInteger(42),
        berInteger(status),
        berInteger(0),
        berElement(0x30, berElement(0x30, name, value)),
      ),
    );
  return {
    name: "snmp",
    seeds: [
      answer(berInteger(17)),
      answer(berElement(0x43, Buffer.from([1, 2, 3, 4]))),
      answer(berElement(0x04, Buffer.from("up"))),
      answer(berElement(0x05), 2),
    ],
    read: (input) => decodeSnmpResponse(input, 42),
  };
}

export function radiusTarget(): FuzzTarget {
  const request = {
    id: 9,
    authenticator: Buffer.alloc(16, 5),
    username: "probe",
    password: "secret",
    secret: "shared",
    nasId: null,
    nasIp: null,
  };
  const unsigned = Buffer.concat([
    Buffer.from([2, 9, 0, 26]),
    Buffer.alloc(16),
    Buffer.from([18, 6, 0x77, 0x65, 0x6c, 0x6c]),
  ]);
  const signed = (packet: Buffer): Buffer => {
    const copy = Buffer.from(packet);
    createHash("md5")
      .update(packet.subarray(0, 4))
      .update(request.authenticator)
      .update(packet.subarray(20))
      .update(request.secret)
      .digest()
      .copy(copy, 4);
    return copy;
  };
  return {
    name: "radius",
    seeds: [signed(unsigned), signed(Buffer.from([3, 9, 0, 20, ...Buffer.alloc(16)]))],
    // As it came, and with a good signature, which the mutation has spoilt.
    read: (input) => [
      decodeRadiusAnswer(input, request),
      decodeRadiusAnswer(input.length < 20 ? input : signed(input), request),
    ],
  };
}

export function ntlmTarget(): FuzzTarget {
  const info = targetInfo([
    avPair(2, "LAB"),
    avPair(1, "EX01"),
    avPair(4, "lab.example.com"),
    avPair(7, Buffer.alloc(8, 1)),
  ]);
  const challenge = Buffer.alloc(56);
  NTLM_SIGNATURE.copy(challenge, 0);
  challenge.writeUInt32LE(2, 8);
  challenge.writeUInt16LE(6, 12);
  challenge.writeUInt16LE(6, 14);
  challenge.writeUInt32LE(56, 16);
  challenge.writeUInt32LE(0xe2898215, 20);
  Buffer.from("0123456789abcdef", "hex").copy(challenge, 24);
  challenge.writeUInt16LE(info.length, 40);
  challenge.writeUInt16LE(info.length, 42);
  challenge.writeUInt32LE(62, 44);
  const whole = Buffer.concat([challenge, Buffer.from("LAB", "utf16le"), info]);
  const login = ntlmLogin({
    credential: ntlmCredential("LAB\\probe", "secret", null),
    workstation: "WITNESS",
    host: "mail.example.com",
    certificate: null,
    now: Date.UTC(2026, 10, 3),
    scheme: "NTLM",
  });
  return {
    name: "ntlm",
    seeds: [whole, info],
    read: (input) => [
      parseChallenge(input),
      parseAvPairs(input),
      login.second([`NTLM ${input.toString("base64")}`, input.toString("latin1")]),
    ],
  };
}

export function dceRpcTarget(): FuzzTarget {
  const header = (type: number, length: number): Buffer => {
    const bytes = Buffer.from([5, 0, type, 3, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    bytes.writeUInt16LE(length, 8);
    return bytes;
  };
  const bound = Buffer.alloc(44);
  bound.writeUInt16LE(5840, 0);
  bound.writeUInt16LE(4, 8);
  bound.writeUInt32LE(1, 16);
  const tower = Buffer.alloc(160);
  tower.writeUInt32LE(1, 20);
  tower.writeUInt32LE(1, 24);
  tower.writeUInt32LE(1, 32);
  tower.writeUInt32LE(75, 40);
  return {
    name: "dcerpc",
    seeds: [
      Buffer.concat([header(12, 60), bound]),
      Buffer.concat([header(2, 184), Buffer.alloc(8), tower]),
      Buffer.concat([header(13, 24), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])]),
      Buffer.concat([header(3, 32), Buffer.alloc(16, 1)]),
      tower,
    ],
    read: (input) => {
      const answer = parseAnswer(input);
      return [
        fragmentLength(input),
        answer.kind === "response" ? parseEptMap(answer.stub) : null,
        parseEptMap(input),
      ];
    },
  };
}

/** Certificates as a server may present them: whatever OpenSSL can parse must be shown safely. */
export function certificateTarget(): FuzzTarget {
  const seeds = CERTIFICATE_NAMES.map(
    (name) => new X509Certificate(labCertificate(name).certificate).raw,
  );
  return {
    name: "certificate",
    seeds,
    read: (input) => {
      const hash = [bindingHash(input), tlsServerEndPointBindings(input)];
      let certificate: X509Certificate;
      try {
        certificate = new X509Certificate(input);
      } catch {
        return hash;
      }
      return [hash, certificateFacts(certificate)];
    },
  };
}
