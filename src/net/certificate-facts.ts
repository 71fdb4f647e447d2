import { readBerElement } from "../lib/bytes.ts";
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { CertificateFacts } from "../model/observation.ts";

export interface AltName {
  /** As Node writes it: `DNS`, `IP Address`, `URI`, `email` and others. */
  readonly kind: string;
  readonly value: string;
}

/**
 * Parses the subject alternative name in the format of Node's `X509Certificate.subjectAltName` (`DNS:a, IP Address:192.0.2.1`),
 * up to `most` entries. A value with a comma, a quote or a control character is a JSON string, so it cannot fake further
 * entries; its escapes are kept. Parsing stops at the first malformed entry.
 */
export function subjectAltNames(text: string, most = Infinity): readonly AltName[] {
  const names: AltName[] = [];
  let at = 0;
  while (names.length < most && at < text.length) {
    const colon = text.indexOf(":", at);
    const quoted = text.charAt(colon + 1) === '"';
    const end =
      colon === -1 ? null : quoted ? endOfString(text, colon + 1) : endOfBare(text, colon);
    if (end === null) {
      break;
    }
    const value = quoted ? text.slice(colon + 2, end - 1) : text.slice(colon + 1, end);
    names.push({ kind: text.slice(at, colon), value });
    at = end + SEPARATOR.length;
  }
  return names;
}

const SEPARATOR = ", ";

function endOfBare(text: string, from: number): number {
  const end = text.indexOf(SEPARATOR, from);
  return end === -1 ? text.length : end;
}

/** Offset after the closing quote; null if no entry can end there. */
function endOfString(text: string, from: number): number | null {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text.charAt(at) === "\\") {
      at += 1;
    } else if (text.charAt(at) === '"') {
      const end = at + 1;
      return end === text.length || text.startsWith(SEPARATOR, end) ? end : null;
    }
  }
  return null;
}

/** Limits per certificate. Real ones stay below; a hostile one may have up to 100 KB. */
const MAX_NAMES = 100;
const MAX_NAME_CHARS = 253;
const MAX_DISTINGUISHED_NAME_CHARS = 512;
/** RFC 5280 allows 20 octets. */
const MAX_SERIAL_CHARS = 64;

/** Estimate of the memory that one certificate's facts take, in bytes. */
export function certificateFactsBytes({ subject, issuer, names }: CertificateFacts): number {
  const nameBytes = names.reduce((sum, name) => sum + name.length + 32, 0);
  return 800 + subject.length + issuer.length + nameBytes;
}

/**
 * Whether a certificate is valid for a host name or an address, by OpenSSL's check and RFC 9525 6.3: partial wildcards
 * (`ex*.example.com`) and the common name alone do not match.
 */
export function hasName(certificate: X509Certificate, name: string): boolean {
  const found =
    isIP(name) === 0
      ? certificate.checkHost(name, { subject: "never", partialWildcards: false })
      : certificate.checkIP(name);
  return found !== undefined;
}

/** The facts of one certificate for metrics and evidence, bounded in size. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: truncated(oneLine(certificate.subject), MAX_DISTINGUISHED_NAME_CHARS),
    issuer: truncated(oneLine(certificate.issuer), MAX_DISTINGUISHED_NAME_CHARS),
    serial: truncated(certificate.serialNumber.toLowerCase(), MAX_SERIAL_CHARS),
    sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    thumbprint: certificate.fingerprint.replaceAll(":", ""),
    notBefore: timeOf(certificate.validFrom),
    notAfter: timeOf(certificate.validTo),
    names: namesOf(certificate),
    key: keyOf(certificate),
    signature: signatureOf(certificate),
  };
}
function oneLine(name: string | undefined): string {
  return (name ?? "").split("\n").join(", ");
}

/** A date that OpenSSL cannot parse becomes the epoch, so the certificate counts as expired. */
function timeOf(text: string): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : at;
}

/** The first DNS names and addresses of the subject alternative name, or the common name where there is none. */
function namesOf(certificate: X509Certificate): string[] {
  const names = subjectAltNames(certificate.subjectAltName ?? "", MAX_NAMES)
    .filter(({ kind, value }) => value !== "" && (kind === "DNS" || kind === "IP Address"))
    .map(({ value }) => value);
  const common = /^CN=(.+)$/m.exec(certificate.subject ?? "")?.[1];
  const shown = names.length === 0 && common !== undefined ? [common] : names;
  return shown.map((name) => truncated(name.toLowerCase(), MAX_NAME_CHARS));
}

function truncated(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
function keyOf(certificate: X509Certificate): string {
  try {
    const key = certificate.publicKey;
    const details = key.asymmetricKeyDetails;
    const size = details?.modulusLength ?? details?.namedCurve ?? "";
    return `${key.asymmetricKeyType ?? "unknown"} ${size}`.trim();
  } catch {
    // OpenSSL refuses keys of algorithms it was built without; the other facts are still valid.
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
/** The algorithm identifier follows tbsCertificate: skip the outer header and tbsCertificate first. */
function signatureOf(certificate: X509Certificate): string | null {
  const der = certificate.raw;
  const outer = readBerElement(der, 0);
  const body = outer === null ? null : readBerElement(der, outer.contentAt);
  const algorithm = body === null ? null : readBerElement(der, body.end);
  if (algorithm === null) {
    return null;
  }
  const identifier = der.subarray(algorithm.contentAt, algorithm.end).toString("hex");
  for (const [oid, name] of SIGNATURE_OIDS) {
    if (identifier.startsWith(oid)) {
      return name;
    }
  }
  return null;
}
