import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bits, der, oid } from "../../../lab/certificates/der.ts";
import {
  CERTIFICATE_NAMES,
  labAuthority,
  labCa,
  labCertificate,
} from "../../../lab/certificates/lab-certificate.ts";
import { debianProgram } from "../../support/debian-program.ts";
import { labCaFile, labCertificateFiles } from "../../support/lab-certificate-files.ts";

const openssl = debianProgram("openssl", "openssl");

describe("DER encoder", () => {
  test("writes a length in as few bytes as possible", () => {
    const header = (length: number) => der(0x04, Buffer.alloc(length)).subarray(0, -length || 2);
    expect(header(127)).toEqual(Buffer.from([0x04, 0x7f]));
    expect(header(128)).toEqual(Buffer.from([0x04, 0x81, 0x80]));
    expect(header(256)).toEqual(Buffer.from([0x04, 0x82, 0x01, 0x00]));
    expect(header(65_536)).toEqual(Buffer.from([0x04, 0x83, 0x01, 0x00, 0x00]));
  });

  test("writes object identifiers and bit strings as in X.690", () => {
    expect(oid("1.2.840.10045.4.3.2").toString("hex")).toBe("06082a8648ce3d040302");
    expect(bits(Buffer.from([0xff])).toString("hex")).toBe("030200ff");
  });
});

describe("lab certificates", () => {
  test("match their keys and are signed by the authority unless self-signed", () => {
    const authority = new X509Certificate(labCa());
    expect(authority.ca).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    for (const name of CERTIFICATE_NAMES) {
      const { certificate, key } = labCertificate(name);
      const read = new X509Certificate(certificate);
      expect(read.ca, name).toBe(false);
      expect(read.keyUsage, name).toEqual(["1.3.6.1.5.5.7.3.1"]);
      expect(read.verify(authority.publicKey), name).toBe(name !== "self_signed");
      expect(key, name).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
      expect(labCertificate(name).certificate, name).toBe(certificate);
    }
    expect(labAuthority().certificate).toBe(labCa());
  });

  test("have the names and dates that their names promise", () => {
    const read = (name: (typeof CERTIFICATE_NAMES)[number]) =>
      new X509Certificate(labCertificate(name).certificate);
    expect(read("mail").checkHost("ex02.lab.example.com")).toBe("ex02.lab.example.com");
    expect(read("adc").checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(read("adc").checkIP("::1")).toBe("::1");
    expect(read("wrong_name").checkHost("mail.example.com")).toBeUndefined();
    expect(read("expired").validTo).toBe("Jan  1 00:00:00 2021 GMT");
    expect(read("not_yet_valid").validFrom).toBe("Jan  1 00:00:00 2100 GMT");
    expect(read("mail").validTo).toBe("Dec 31 23:59:59 2123 GMT");
    expect(read("other").serialNumber).not.toBe(read("mail").serialNumber);
  });

  test.skipIf(openssl === null)("are verified by OpenSSL with strict RFC 5280 checks", () => {
    for (const name of ["mail", "other", "adc", "wrong_name", "sha384", "sha512", "rsa"] as const) {
      const { certificate } = labCertificateFiles(name);
      expect(
        execFileSync(
          openssl ?? "",
          ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", labCaFile(), certificate],
          { encoding: "utf8" },
        ),
      ).toMatch(/: OK\n$/);
    }
  });
});
