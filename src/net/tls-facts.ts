import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import type { CertificateFacts, TlsFacts } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import type { TlsSettings } from "../model/tls-settings.ts";
import type { TlsStore } from "./tls-store.ts";

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

const LONGEST_CHAIN = 8;

/**
 * Facts of a handshake. Must be read inside `secureConnect` or before the socket is destroyed: afterwards Node no longer
 * knows the peer's certificate. Verification is judged here in full, whatever the settings do with the judgement.
 */
export function tlsFacts(
  socket: TLSSocket,
  settings: TlsSettings,
  store: TlsStore,
  now: number,
  leaf: X509Certificate | undefined = socket.getPeerX509Certificate(),
): TlsFacts {
  const chain = leaf === undefined ? [] : chainOf(leaf, store);
  return {
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.standardName ?? null,
    chain,
    verification: leaf === undefined ? "unverified" : verify(socket, leaf, chain, settings, now),
    serverName: settings.serverName,
    ephemeralKey: ephemeralKey(socket),
  };
}

function chainOf(leaf: X509Certificate, store: TlsStore): CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  let current: X509Certificate | undefined = leaf;
  let before = "";
  while (current !== undefined && chain.length < LONGEST_CHAIN) {
    const facts = store.certificate(current);
    if (facts.sha256 === before) {
      break;
    }
    before = facts.sha256;
    chain.push(facts);
    current = current.issuerCertificate;
  }
  return chain;
}

/** Dates first, since they have their own reasons and their own remedy; then the chain, then the name. */
function verify(
  socket: TLSSocket,
  leaf: X509Certificate,
  chain: readonly CertificateFacts[],
  settings: TlsSettings,
  now: number,
): TlsFacts["verification"] {
  for (const { notBefore, notAfter } of chain) {
    if (now > notAfter) {
      return "expired";
    }
    if (now < notBefore) {
      return "not_yet_valid";
    }
  }
  if (!socket.authorized) {
    return "untrusted";
  }
  const named =
    settings.expectedNames.length === 0 ||
    settings.expectedNames.some((name) => carriesName(leaf, name));
  return named ? "ok" : "name";
}

function carriesName(leaf: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined;
}

function ephemeralKey(socket: TLSSocket): string | null {
  const info = socket.getEphemeralKeyInfo();
  if (info === null || !("type" in info)) {
    return null;
  }
  return [info.type, "name" in info ? info.name : null, info.size].filter(Boolean).join(" ");
}

/** The reason a verifying probe fails with; null when the certificate is as it should be. */
export function verificationFailure(facts: TlsFacts): FailureReason | null {
  switch (facts.verification) {
    case "ok":
      return null;
    case "expired":
      return "certificate_expired";
    case "not_yet_valid":
      return "certificate_not_yet_valid";
    case "name":
      return "certificate_name";
    case "untrusted":
    case "unverified":
      return "certificate_untrusted";
  }
}
