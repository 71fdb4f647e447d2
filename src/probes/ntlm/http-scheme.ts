import { readBerElement } from "../../lib/bytes.ts";
import { createHash, randomBytes } from "node:crypto";
import { authenticateMessage, type NtlmCredential } from "./authenticate.ts";
import { negotiateMessage, parseChallenge } from "./messages.ts";

/**
 * The value of MsvAvChannelBindings for a TLS channel (MS-NLMP 2.2.2.1): MD5 of the gss_channel_bindings structure around
 * `tls-server-end-point` (RFC 5929 section 4), the hash of the server's certificate.
 * @param certificate DER of the leaf certificate as the server sent it.
 * @returns 16 bytes, or null if RFC 5929 defines no binding (a signature without a single hash, such as Ed25519).
 */
export function tlsServerEndPointBindings(certificate: Buffer): Buffer | null {
  const algorithm = bindingHash(certificate);
  if (algorithm === null) {
    return null;
  }
  return endPointBindings(createHash(algorithm).update(certificate).digest());
}

/** The same for a known certificate hash. */
export function endPointBindings(certificateHash: Buffer): Buffer {
  const token = Buffer.concat([Buffer.from("tls-server-end-point:", "latin1"), certificateHash]);
  return createHash("md5").update(gssChannelBindings(token)).digest();
}

/** Both addresses empty (four 32-bit zeros), then the length and bytes of the application data. */
function gssChannelBindings(applicationData: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32LE(applicationData.length, 16);
  return Buffer.concat([header, applicationData]);
}

type BindingHash = "sha224" | "sha256" | "sha384" | "sha512";

/**
 * Signature algorithms by the hex of their OID's content. MD5 and SHA-1 count as SHA-256 (RFC 5929 section 4.1).
 * RSASSA-PSS has the hash in its parameters.
 */
const SIGNATURE_HASHES: ReadonlyMap<string, BindingHash> = new Map([
  ["2a864886f70d010104", "sha256"], // md5WithRSAEncryption
  ["2a864886f70d010105", "sha256"], // sha1WithRSAEncryption
  ["2a864886f70d01010e", "sha224"],
  ["2a864886f70d01010b", "sha256"],
  ["2a864886f70d01010c", "sha384"],
  ["2a864886f70d01010d", "sha512"],
  ["2a8648ce3d0401", "sha256"], // ecdsa-with-SHA1
  ["2a8648ce3d040301", "sha224"],
  ["2a8648ce3d040302", "sha256"],
  ["2a8648ce3d040303", "sha384"],
  ["2a8648ce3d040304", "sha512"],
]);
const RSASSA_PSS = "2a864886f70d01010a";
const DIGEST_HASHES: ReadonlyMap<string, BindingHash> = new Map([
  ["2b0e03021a", "sha256"], // SHA-1
  ["608648016503040204", "sha224"],
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
]);

/** The hash for a binding to this certificate; null if none is defined or the DER is invalid. */
export function bindingHash(certificate: Buffer): BindingHash | null {
  const outer = readBerElement(certificate, 0);
  const signed = outer === null ? null : readBerElement(certificate, outer.contentAt);
  const algorithm = signed === null ? null : readBerElement(certificate, signed.end);
  const oid = algorithm?.tag === 0x30 ? readBerElement(certificate, algorithm.contentAt) : null;
  if (algorithm === null || oid?.tag !== 0x06) {
    return null;
  }
  const name = certificate.subarray(oid.contentAt, oid.end).toString("hex");
  return name === RSASSA_PSS
    ? pssHash(certificate, oid.end, algorithm.end)
    : (SIGNATURE_HASHES.get(name) ?? null);
}

/** RSASSA-PSS-params: `[0] { SEQUENCE { OID hash } }`. The default is SHA-1 (RFC 4055), which counts as SHA-256. */
function pssHash(certificate: Buffer, at: number, end: number): BindingHash | null {
  const parameters = at < end ? readBerElement(certificate, at) : null;
  if (parameters === null || parameters.contentAt >= parameters.end) {
    return "sha256";
  }
  const tagged = readBerElement(certificate, parameters.contentAt);
  if (tagged?.tag !== 0xa0) {
    return "sha256";
  }
  const algorithm = readBerElement(certificate, tagged.contentAt);
  const oid = algorithm === null ? null : readBerElement(certificate, algorithm.contentAt);
  return oid === null
    ? null
    : (DIGEST_HASHES.get(certificate.subarray(oid.contentAt, oid.end).toString("hex")) ?? null);
}

/** One NTLM login over HTTP (MS-NTHT): two requests on one connection. */
export interface NtlmLogin {
  /** Value of the first `Authorization` header. */
  readonly first: string;
  /**
   * Value of the second one, made from the 401's `WWW-Authenticate` values. Null if none of them contains a valid challenge,
   * so the login cannot continue.
   */
  readonly second: (challenges: readonly string[]) => string | null;
}

export interface NtlmLoginInput {
  readonly credential: NtlmCredential;
  readonly workstation: string;
  /** Host as the client requested it, for the service principal `HTTP/host`. */
  readonly host: string;
  /** DER of the server's certificate, to bind the login to the TLS channel; null without TLS or to omit the binding. */
  readonly certificate: Buffer | null;
  /** Wall clock in milliseconds since the epoch. */
  readonly now: number;
  /** `NTLM`, or `Negotiate` if the server offers only that. */
  readonly scheme: "NTLM" | "Negotiate";
}

/** Starts a login. Only the two header values expose anything derived from the secret. */
export function ntlmLogin(input: NtlmLoginInput): NtlmLogin {
  const negotiate = negotiateMessage();
  return {
    first: `${input.scheme} ${negotiate.toString("base64")}`,
    second: (challenges) => {
      const token = challengeToken(challenges, input.scheme);
      const challenge = token === null ? null : parseChallenge(token);
      if (challenge === null) {
        return null;
      }
      const message = authenticateMessage({
        credential: input.credential,
        workstation: input.workstation,
        negotiate,
        challenge,
        channelBindings:
          input.certificate === null ? null : tlsServerEndPointBindings(input.certificate),
        servicePrincipal: `HTTP/${input.host}`,
        clientChallenge: randomBytes(8),
        sessionKey: randomBytes(16),
        timestamp: fileTime(input.now),
      });
      return `${input.scheme} ${message.toString("base64")}`;
    },
  };
}

/** Splits `DOMAIN\user`; a user principal name has an empty domain, as Windows clients send it. */
export function ntlmCredential(
  username: string,
  password: string,
  domain: string | null,
): NtlmCredential {
  const backslash = username.indexOf("\\");
  if (backslash > 0) {
    return {
      username: username.slice(backslash + 1),
      domain: username.slice(0, backslash),
      password,
    };
  }
  return { username, domain: username.includes("@") ? "" : (domain ?? ""), password };
}

function challengeToken(challenges: readonly string[], scheme: string): Buffer | null {
  for (const challenge of challenges) {
    const match = /^\s*(\S+)\s+([A-Za-z0-9+/]+=*)\s*$/.exec(challenge);
    if (match?.[1]?.toLowerCase() === scheme.toLowerCase() && match[2] !== undefined) {
      return Buffer.from(match[2], "base64");
    }
  }
  return null;
}

/** 100-nanosecond intervals since 1601, little-endian. */
export function fileTime(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(Math.round(ms)) * 10_000n + 116_444_736_000_000_000n);
  return bytes;
}
