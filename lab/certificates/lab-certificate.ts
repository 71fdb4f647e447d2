import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Server certificates of the lab. `mail` is the one all Exchange servers share; `other` has the same names and another
 * key and serial; `adc` is the management address's; `sha384` and `sha512` are `mail`'s kin with another signature hash.
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

export interface LabCertificate {
  readonly name: CertificateName;
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

/** Certificate and key as PEM. Throws when the package was installed without its lab. */
export function labCertificate(name: CertificateName): LabCertificate {
  return { name, certificate: read(`${name}.pem`), key: read(`${name}.key.pem`) };
}

/** PEM of the authority that signed all of them but `self_signed`. */
export function labCa(): string {
  return read("ca.pem");
}

/** Absolute path of the authority's PEM file, for programs that want a file. */
export function labCaFile(): string {
  return join(certificateDirectory(), "ca.pem");
}

/** Absolute paths of a certificate's PEM files, for programs that want files. */
export function labCertificateFiles(name: CertificateName): {
  readonly certificate: string;
  readonly key: string;
} {
  const directory = certificateDirectory();
  return {
    certificate: join(directory, `${name}.pem`),
    key: join(directory, `${name}.key.pem`),
  };
}

function read(file: string): string {
  return readFileSync(join(certificateDirectory(), file), "utf8");
}

/** The PEM files lie in the package's lab/certificates, wherever this module was built to. */
function certificateDirectory(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json"))) {
    const parent = dirname(directory);
    if (parent === directory) {
      throw new Error("The package's root was not found above the lab's certificates.");
    }
    directory = parent;
  }
  return join(directory, "lab", "certificates");
}
