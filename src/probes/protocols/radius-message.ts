import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** Packet codes of RFC 2865 that a probe meets. */
export const RADIUS_CODES = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accessChallenge: 11,
};
const ATTRIBUTE = {
  userName: 1,
  userPassword: 2,
  nasIpAddress: 4,
  nasIdentifier: 32,
  messageAuthenticator: 80,
};

export interface RadiusRequest {
  readonly id: number;
  /** 16 random bytes. */
  readonly authenticator: Buffer;
  readonly username: string;
  readonly password: string;
  readonly secret: string;
  readonly nasId: string | null;
  readonly nasIp: string | null;
}

/**
 * An Access-Request with PAP (RFC 2865 section 5.2) and a Message-Authenticator first (RFC 3579), without which servers
 * mended against forged answers may keep silent.
 */
export function encodeAccessRequest(request: RadiusRequest): Buffer {
  const attributes = [
    attribute(ATTRIBUTE.messageAuthenticator, Buffer.alloc(16)),
    attribute(ATTRIBUTE.userName, Buffer.from(request.username)),
    attribute(ATTRIBUTE.userPassword, hidePassword(request)),
  ];
  if (request.nasIp !== null && /^\d+\.\d+\.\d+\.\d+$/.test(request.nasIp)) {
    attributes.push(
      attribute(ATTRIBUTE.nasIpAddress, Buffer.from(request.nasIp.split(".").map(Number))),
    );
  }
  attributes.push(attribute(ATTRIBUTE.nasIdentifier, Buffer.from(request.nasId ?? "adc-witness")));
  const body = Buffer.concat(attributes);
  const header = Buffer.from([RADIUS_CODES.accessRequest, request.id, 0, 0]);
  header.writeUInt16BE(20 + body.length, 2);
  const packet = Buffer.concat([header, request.authenticator, body]);
  createHmac("md5", request.secret).update(packet).digest().copy(packet, 22);
  return packet;
}

/** Code of an answer to this request, or null when it is none or not signed with the shared secret. */
export function decodeRadiusAnswer(data: Buffer, request: RadiusRequest): number | null {
  if (data.length < 20 || data[1] !== request.id) {
    return null;
  }
  const length = data.readUInt16BE(2);
  if (length < 20 || length > data.length) {
    return null;
  }
  const signature = createHash("md5")
    .update(data.subarray(0, 4))
    .update(request.authenticator)
    .update(data.subarray(20, length))
    .update(request.secret)
    .digest();
  return timingSafeEqual(signature, data.subarray(4, 20)) ? (data[0] ?? null) : null;
}

function attribute(type: number, value: Buffer): Buffer {
  const bounded = value.subarray(0, 253);
  return Buffer.concat([Buffer.from([type, bounded.length + 2]), bounded]);
}

function hidePassword({ password, secret, authenticator }: RadiusRequest): Buffer {
  const plain = Buffer.from(password).subarray(0, 128);
  const padded = Buffer.alloc(Math.max(16, Math.ceil(plain.length / 16) * 16));
  plain.copy(padded);
  let previous = authenticator;
  for (let at = 0; at < padded.length; at += 16) {
    const key = createHash("md5").update(secret).update(previous).digest();
    for (let byte = 0; byte < 16; byte += 1) {
      padded[at + byte] = (padded[at + byte] ?? 0) ^ (key[byte] ?? 0);
    }
    previous = padded.subarray(at, at + 16);
  }
  return padded;
}
