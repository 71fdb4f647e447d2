import { generateKeyPairSync } from "node:crypto";
import { distinguishedName, issueCertificate, type Digest, type KeyPair } from "./issue.ts";

/**
 * Server certificates of the lab. `mail` is the one all Exchange servers share; `other` has the same names and another
 * key and serial; `adc` is the management address's; `expired`, `not_yet_valid` and `wrong_name` are what they say;
 * `self_signed` is signed with its own key; `sha384` and `sha512` are like `mail` with another signature hash,
 * `rsa` and `weak_rsa` those with RSA keys of 2048 and 1024 bits (the last needs OpenSSL's security level 0).
 */
export const CERTIFICATE_NAMES = [
  "mail",
  "other",
  "adc",
  "expired",
  "not_yet_valid",
  "wrong_name",
  "self_signed",
  "sha384",
  "sha512",
  "rsa",
  "weak_rsa",
] as const;
export type CertificateName = (typeof CERTIFICATE_NAMES)[number];

export interface CertificateAndKeyPem {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface LabCertificate extends CertificateAndKeyPem {
  readonly name: CertificateName;
}

const MAIL_NAMES = [
  ...["mail", "autodiscover", "webmail", "aaa"].map((name) => `${name}.example.com`),
  ...["lab.example.com", "example.com"].flatMap((domain) =>
    [...Array.from({ length: 9 }, (_, index) => `ex0${String(index + 1)}`), "edge01", "edge02"].map(
      (server) => `${server}.${domain}`,
    ),
  ),
];
const ADC_NAMES = [
  "ns1.example.com",
  "ns2.example.com",
  "ns.example.com",
  "localhost",
  "127.0.0.1",
  "::1",
];
const ORGANISATION = "adc-witness lab";
const AUTHORITY = distinguishedName("adc-witness lab CA", ORGANISATION);
const FROM = new Date("2024-01-01T00:00:00Z");
const TO = new Date("2123-12-31T23:59:59Z");

export interface CertificateWishes {
  readonly commonName?: string;
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly digest?: Digest;
  readonly rsaBits?: number;
  readonly selfSigned?: boolean;
  readonly serial?: string;
}

const WISHES: Readonly<Record<CertificateName, CertificateWishes>> = {
  mail: {},
  other: {},
  adc: { commonName: "ns1.example.com", names: ADC_NAMES },
  expired: {
    notBefore: new Date("2020-01-01T00:00:00Z"),
    notAfter: new Date("2021-01-01T00:00:00Z"),
  },
  not_yet_valid: { notBefore: new Date("2100-01-01T00:00:00Z") },
  wrong_name: { commonName: "www.example.net", names: ["www.example.net"] },
  self_signed: {
    commonName: "ex01.lab.example.com",
    names: ["ex01.lab.example.com", "ex01"],
    selfSigned: true,
  },
  sha384: { digest: "sha384" },
  sha512: { digest: "sha512" },
  rsa: { rsaBits: 2048 },
  weak_rsa: { rsaBits: 1024 },
};

/** This process's authority and the certificates that it has issued, each created on first use. */
const LAB = createLabCertificates();

/** Certificate and key as PEM: always the same within a process, never the same in two. */
export function labCertificate(name: CertificateName): LabCertificate {
  return LAB.certificate(name);
}

/** A certificate of the lab's authority to order. */
export function certificateLike(wishes: CertificateWishes): CertificateAndKeyPem {
  return makeLeaf(wishes, LAB.authority().keys);
}

/** PEM of the authority that signed all of them but `self_signed`. */
export function labCa(): string {
  return LAB.authority().certificate;
}

/** The authority with its key, for a test that signs certificates itself. */
export function labAuthority(): CertificateAndKeyPem {
  const { certificate, keys } = LAB.authority();
  return { certificate, key: keyPem(keys) };
}

function createLabCertificates() {
  let made: { readonly certificate: string; readonly keys: KeyPair } | null = null;
  const known = new Map<CertificateName, LabCertificate>();
  const authority = () => (made ??= makeAuthority());
  return {
    authority,
    certificate: (name: CertificateName): LabCertificate => {
      let one = known.get(name);
      if (one === undefined) {
        one = { name, ...makeLeaf(WISHES[name], authority().keys) };
        known.set(name, one);
      }
      return one;
    },
  };
}

function makeAuthority() {
  const keys = ecKeys();
  const order = { subject: AUTHORITY, keys, issuer: null, names: [], authority: true };
  return { keys, certificate: issueCertificate({ ...order, notBefore: FROM, notAfter: TO }) };
}

function makeLeaf(wishes: CertificateWishes, authorityKeys: KeyPair): CertificateAndKeyPem {
  const { commonName = "mail.example.com", names = MAIL_NAMES, selfSigned = false } = wishes;
  const keys =
    wishes.rsaBits === undefined
      ? ecKeys()
      : generateKeyPairSync("rsa", { modulusLength: wishes.rsaBits });
  const certificate = issueCertificate({
    subject: distinguishedName(commonName, selfSigned ? undefined : ORGANISATION),
    keys,
    issuer: selfSigned ? null : { subject: AUTHORITY, keys: authorityKeys },
    names,
    notBefore: wishes.notBefore ?? FROM,
    notAfter: wishes.notAfter ?? TO,
    digest: wishes.digest ?? "sha256",
    ...(wishes.serial === undefined ? {} : { serial: wishes.serial }),
  });
  return { certificate, key: keyPem(keys) };
}

function ecKeys(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function keyPem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
