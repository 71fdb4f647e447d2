import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { bits, der, oid, pem } from "./der.ts";

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** The issuer: a name and its key. */
export interface Issuer {
  readonly subject: Buffer;
  readonly keys: KeyPair;
}

export interface CertificateOrder {
  readonly subject: Buffer;
  readonly keys: KeyPair;
  /** Null: its own signature. */
  readonly issuer: Issuer | null;
  /** DNS names and IP addresses; none for an authority. */
  readonly names: readonly string[];
  readonly authority?: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly digest?: Digest;
  /** In hexadecimal digits. Default: a new one. */
  readonly serial?: string;
}

export type Digest = "sha256" | "sha384" | "sha512";

/** Signature algorithms (RFC 5758, RFC 4055). */
const ALGORITHMS: Readonly<Record<"ec" | "rsa", Readonly<Record<Digest, string>>>> = {
  ec: {
    sha256: "1.2.840.10045.4.3.2",
    sha384: "1.2.840.10045.4.3.3",
    sha512: "1.2.840.10045.4.3.4",
  },
  rsa: {
    sha256: "1.2.840.113549.1.1.11",
    sha384: "1.2.840.113549.1.1.12",
    sha512: "1.2.840.113549.1.1.13",
  },
};

/** A distinguished name: organisation (where there is one), then common name. */
export function distinguishedName(commonName: string, organisation?: string): Buffer {
  const part = (type: string, text: string): Buffer =>
    der(0x31, der(0x30, oid(type), der(0x0c, text)));
  return der(
    0x30,
    ...(organisation === undefined ? [] : [part("2.5.4.10", organisation)]),
    part("2.5.4.3", commonName),
  );
}

/**
 * An X.509 v3 certificate (RFC 5280) as PEM: what `openssl ca` would make of the same order. Node.js can read
 * certificates but not make them; each process of the lab makes its own keys instead of shipping them.
 */
export function issueCertificate(order: CertificateOrder): string {
  const { subject, keys, digest = "sha256" } = order;
  const { issuer = null, authority = false } = order;
  const signer = issuer ?? { subject, keys };
  const algorithm = algorithmOf(signer.keys, digest);
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serialNumber(order.serial)),
    algorithm,
    signer.subject,
    der(0x30, time(order.notBefore), time(order.notAfter)),
    subject,
    keys.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, ...extensionsOf(order, signer, authority))),
  );
  const signature = sign(digest, body, signer.keys.privateKey);
  return pem("CERTIFICATE", der(0x30, body, algorithm, bits(signature)));
}

/** Positive, and never the same twice unless asked for. */
function serialNumber(wanted: string | undefined): Buffer {
  if (wanted === undefined) {
    return Buffer.concat([Buffer.from([1]), randomBytes(15)]);
  }
  const bytes = Buffer.from(wanted.length % 2 === 0 ? wanted : `0${wanted}`, "hex");
  return (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]);
}

function extensionsOf(order: CertificateOrder, signer: Issuer, authority: boolean): Buffer[] {
  const always = [
    extension("2.5.29.19", true, authority ? der(0x30, der(0x01, Buffer.from([0xff]))) : der(0x30)),
    // keyCertSign and cRLSign, or digitalSignature and keyEncipherment.
    extension("2.5.29.15", true, der(0x03, Buffer.from(authority ? [1, 0x06] : [5, 0xa0]))),
    extension("2.5.29.14", false, der(0x04, keyIdentifier(order.keys))),
  ];
  if (authority) {
    return always;
  }
  return [
    ...always,
    extension("2.5.29.35", false, der(0x30, der(0x80, keyIdentifier(signer.keys)))),
    extension("2.5.29.37", false, der(0x30, oid("1.3.6.1.5.5.7.3.1"))),
    extension("2.5.29.17", false, der(0x30, ...order.names.map(alternativeName))),
  ];
}

function extension(type: string, critical: boolean, content: Buffer): Buffer {
  const mark = critical ? [der(0x01, Buffer.from([0xff]))] : [];
  return der(0x30, oid(type), ...mark, der(0x04, content));
}

function alternativeName(name: string): Buffer {
  switch (isIP(name)) {
    case 4:
      return der(0x87, Buffer.from(name.split(".").map(Number)));
    case 6:
      if (name !== "::1") {
        throw new Error(`The lab has no certificate for ${name}.`);
      }
      return der(0x87, Buffer.from([...new Array<number>(15).fill(0), 1]));
    default:
      return der(0x82, name);
  }
}

function keyIdentifier({ publicKey }: KeyPair): Buffer {
  return createHash("sha1")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

function algorithmOf({ privateKey }: KeyPair, digest: Digest): Buffer {
  const rsa = privateKey.asymmetricKeyType === "rsa";
  const type = oid(ALGORITHMS[rsa ? "rsa" : "ec"][digest]);
  return der(0x30, type, ...(rsa ? [der(0x05)] : []));
}

/** UTCTime up to 2049, GeneralizedTime after it (RFC 5280, section 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, "");
  return date.getUTCFullYear() < 2050 ? der(0x17, `${digits.slice(2)}Z`) : der(0x18, `${digits}Z`);
}
