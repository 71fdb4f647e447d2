import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  labAuthority,
  labCertificate,
  type CertificateAndKeyPem,
  type CertificateName,
} from "../../lab/certificates/lab-certificate.ts";

/** The lab's certificates as files, for programs that want files; gone with the process, whose test files share them. */
const DIRECTORY = mkdtempSync(join(tmpdir(), "adc-witness-certificates-"));
process.once("exit", () => {
  rmSync(DIRECTORY, { recursive: true, force: true });
});

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Absolute path of the authority's PEM file. */
export function labCaFile(): string {
  return labAuthorityFiles().certificate;
}

/** Absolute paths of the authority's PEM files. */
export function labAuthorityFiles(): CertificateFiles {
  return write("ca", labAuthority());
}

/** Absolute paths of a certificate's PEM files. */
export function labCertificateFiles(name: CertificateName): CertificateFiles {
  return write(name, labCertificate(name));
}

function write(name: string, { certificate, key }: CertificateAndKeyPem): CertificateFiles {
  const files = {
    certificate: join(DIRECTORY, `${name}.pem`),
    key: join(DIRECTORY, `${name}.key.pem`),
  };
  writeFileSync(files.certificate, certificate);
  writeFileSync(files.key, key);
  return files;
}
