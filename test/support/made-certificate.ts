import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { bits, der, oid, pem } from "../../lab/certificates/der.ts";

export interface MadeCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface CertificateWishes {
  readonly commonName?: string;
  /** DNS names as they stand in the extension, whatever characters they hold; none: no extension at all. */
  readonly dnsNames?: readonly string[];
  readonly serial?: Buffer;
  /** GeneralizedTime or UTCTime, whatever characters it holds. */
  readonly notAfter?: string;
}

/** A self-signed certificate that says what no honest authority would sign. */
export function makeCertificate({
  commonName = "mail.example.com",
  dnsNames = [],
  serial = randomBytes(16),
  notAfter = "21231231235959Z",
}: CertificateWishes): MadeCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(0x30, oid("1.2.840.10045.4.3.2"));
  const name = der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0c, commonName))));
  const altNames = der(0x30, ...dnsNames.map((each) => der(0x82, Buffer.from(each, "latin1"))));
  const extensions =
    dnsNames.length === 0
      ? []
      : [der(0xa3, der(0x30, der(0x30, oid("2.5.29.17"), der(0x04, altNames))))];
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), serial),
    algorithm,
    name,
    der(0x30, der(0x18, "20240101000000Z"), der(0x18, notAfter)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    ...extensions,
  );
  const signature = sign("sha256", body, privateKey);
  const whole = der(0x30, body, algorithm, bits(signature));
  return {
    cert: pem("CERTIFICATE", whole),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
