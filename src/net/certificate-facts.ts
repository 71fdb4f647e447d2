import type { X509Certificate } from "node:crypto";
import type { CertificateFacts } from "../model/observation.ts";

/** The facts of one certificate that metrics and evidence tell. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    names: namesOf(certificate),
    key: keyOf(certificate),
    signature: signatureOf(certificate),
  };
}

function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").join(", ");
}

/** DNS names and addresses of the subject alternative name, or the common name where there is none. */
function namesOf(certificate: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (certificate.subjectAltName ?? "").split(/,\s*/)) {
    const [kind, value] = splitOnce(entry, ":");
    if (value !== "" && (kind === "DNS" || kind === "IP Address")) {
      names.push(value.toLowerCase());
    }
  }
  if (names.length === 0) {
    const common = /^CN=(.+)$/m.exec(certificate.subject ?? "");
    if (common?.[1] !== undefined) {
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
