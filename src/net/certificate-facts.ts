import type { X509Certificate } from "node:crypto";
import type { CertificateFacts } from "../model/observation.ts";

/** A name of X.501 is shown so far, in characters; a serial has at most 20 octets (RFC 5280 section 4.1.2.2). */
const MAX_SHOWN_LENGTH = 512;
const MAX_SERIAL_LENGTH = 80;
/** More alternative names than certificates in use have: a chain of 100 KB, the largest OpenSSL takes, holds thousands. */
const MAX_NAMES = 1_000;
const MAX_NAME_LENGTH = 255;

/** Estimate of the memory that one certificate's facts take, in bytes. */
export function certificateFactsBytes({ subject, issuer, names }: CertificateFacts): number {
  const nameBytes = names.reduce((sum, name) => sum + name.length + 32, 0);
  return 800 + subject.length + issuer.length + nameBytes;
}

/** The facts of one certificate that metrics and evidence tell, bounded whatever the peer sent. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber.slice(0, MAX_SERIAL_LENGTH).toLowerCase(),
    sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    names: namesOf(certificate),
    key: keyOf(certificate),
    signature: signatureOf(certificate),
  };
}

function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").join(", ").slice(0, MAX_SHOWN_LENGTH);
}

/** DNS names and addresses of the subject alternative name, or the common name where there is none. */
function namesOf(certificate: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (certificate.subjectAltName ?? "").split(/,\s*/)) {
    const [kind, value] = splitOnce(entry, ":");
    const isName = kind === "DNS" || kind === "IP Address";
    if (isName && value !== "" && value.length <= MAX_NAME_LENGTH) {
      names.push(value.toLowerCase());
    }
    if (names.length >= MAX_NAMES) {
      return names;
    }
  }
  if (names.length === 0) {
    const common = /^CN=(.+)$/m.exec(certificate.subject ?? "");
    if (common?.[1] !== undefined && common[1].length <= MAX_NAME_LENGTH) {
      names.push(common[1].toLowerCase());
    }
  }
  return names;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function keyOf(certificate: X509Certificate): string {
  try {
    const key = certificate.publicKey;
    const details = key.asymmetricKeyDetails;
    const size = details?.modulusLength ?? details?.namedCurve ?? "";
    return `${key.asymmetricKeyType ?? "unknown"} ${size}`.trim();
  } catch {
    // OpenSSL refuses to decode keys it was built without; the rest of the facts still stands.
    return "unknown";
  }
}

/** Signature algorithms by their DER object identifiers: Node 20 has no accessor for them. */
const SIGNATURE_OIDS: readonly (readonly [string, string])[] = [
  ["06092a864886f70d010104", "md5WithRSAEncryption"],
  ["06092a864886f70d010105", "sha1WithRSAEncryption"],
  ["06092a864886f70d01010b", "sha256WithRSAEncryption"],
  ["06092a864886f70d01010c", "sha384WithRSAEncryption"],
  ["06092a864886f70d01010d", "sha512WithRSAEncryption"],
  ["06092a864886f70d01010a", "rsassaPss"],
  ["06072a8648ce3d0401", "ecdsa-with-SHA1"],
  ["06082a8648ce3d040302", "ecdsa-with-SHA256"],
  ["06082a8648ce3d040303", "ecdsa-with-SHA384"],
  ["06082a8648ce3d040304", "ecdsa-with-SHA512"],
  ["06032b6570", "ed25519"],
];

/** The algorithm follows the to-be-signed part: skip the outer header and that part, then compare the identifier. */
function signatureOf(certificate: X509Certificate): string | null {
  const der = certificate.raw;
  const outer = readLength(der, 1);
  const body = outer === null ? null : readLength(der, outer.next + 1);
  if (body === null) {
    return null;
  }
  const algorithm = body.next + body.length;
  const header = readLength(der, algorithm + 1);
  if (header === null) {
    return null;
  }
  const identifier = der.subarray(header.next, header.next + header.length).toString("hex");
  for (const [oid, name] of SIGNATURE_OIDS) {
    if (identifier.startsWith(oid)) {
      return name;
    }
  }
  return null;
}

function readLength(der: Buffer, at: number): { length: number; next: number } | null {
  const first = der[at];
  if (first === undefined) {
    return null;
  }
  if (first < 0x80) {
    return { length: first, next: at + 1 };
  }
  const bytes = first & 0x7f;
  if (bytes === 0 || bytes > 4 || at + bytes >= der.length) {
    return null;
  }
  return { length: der.readUIntBE(at + 1, bytes), next: at + 1 + bytes };
}
