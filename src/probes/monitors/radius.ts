import { createHash, createHmac, timingSafeEqual, randomBytes, randomInt } from "node:crypto";
import type { LoginOutcome } from "../../model/observation.ts";
import { discloseWithoutProof } from "../../net/server-proof.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import { askUdp } from "../../net/udp.ts";
import { probeWithLogin, needsCredential, type MonitorType } from "./spec.ts";
import { isAmong } from "./http.ts";

/** Packet codes of RFC 2865. */
const RADIUS_CODES = {
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
 * An Access-Request with PAP (RFC 2865 section 5.2) and a Message-Authenticator first (RFC 3579), without which servers patched
 * against forged responses may not answer.
 */
function encodeAccessRequest(request: RadiusRequest): Buffer {
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

/** Code of the response; null if it does not match this request or is not signed with the shared secret. */
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

/**
 * RADIUS: an Access-Request with PAP; the code of the response must be in `respCode` (2, Access-Accept, by default; 3 is
 * Access-Reject). Responses without a valid signature by the shared secret are ignored. An unexpected rejection concerns the
 * account and never means that the server is down. NetScaler docs: "RADIUS monitors".
 */
export const radiusMonitor: MonitorType = {
  type: "RADIUS",
  probe: probeWithLogin(async (run, credential, spec, target) => {
    const { radNasId, radNasIp, respCodes } = spec.monitor.parameters;
    const request: RadiusRequest = {
      id: randomInt(256),
      authenticator: randomBytes(16),
      username: credential.username,
      password: discloseWithoutProof(credential.password),
      secret: discloseWithoutProof(credential.secret ?? NO_SECRET),
      nasId: radNasId,
      nasIp: radNasIp,
    };
    run.login = "unanswered";
    const answer = await askUdp(run, target, {
      payload: encodeAccessRequest(request),
      shown: `Access-Request for ${credential.username}\n`,
      accept: (data) => decodeRadiusAnswer(data, request) !== null,
    });
    if (answer.kind === "failed") {
      run.login = null;
      return run.fail(answer.step, answer.why);
    }
    if (answer.kind !== "datagram") {
      const isRefused = answer.kind === "named" && answer.outcome === "refused";
      // Port unreachable: no RADIUS server is listening, so the password was not checked.
      run.login = isRefused ? "not_tried" : "unanswered";
      return run.fail("response", answer);
    }
    run.responseTimeMs = run.phase("first_byte");
    const code = decodeRadiusAnswer(answer.data, request) ?? 0;
    run.login = accessOutcome(code);
    if (
      isAmong(
        code,
        respCodes ?? [{ from: RADIUS_CODES.accessAccept, to: RADIUS_CODES.accessAccept }],
      )
    ) {
      return run.match("response", `code ${code}`);
    }
    return code === RADIUS_CODES.accessReject || code === RADIUS_CODES.accessChallenge
      ? run.fault("login", "auth_rejected", `code ${code}`)
      : run.mismatch("response", "bad_status", `code ${code}`);
  }),
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "udp",
  meaningfulAtVip: true,
  defaultPort: 1812,
  unsupported: (spec) =>
    spec.credential !== null && spec.credential.secret === null
      ? `monitors.${spec.monitor.name} needs a secret_file with the shared secret`
      : needsCredential(spec),
};

/** Result of the credential, regardless of what the monitor expects; a challenge is not an acceptance. */
function accessOutcome(code: number): LoginOutcome {
  switch (code) {
    case RADIUS_CODES.accessAccept:
      return "accepted";
    case RADIUS_CODES.accessReject:
      return "rejected";
    default:
      return "unanswered";
  }
}
