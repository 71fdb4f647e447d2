import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { checkCertificateName } from "../../src/net/https-proof.ts";
import { makeCertificate, type CertificateWishes } from "../support/made-certificate.ts";

function check(expected: string, wishes: CertificateWishes): string | null {
  const certificate = new X509Certificate(makeCertificate(wishes).cert).toLegacyObject();
  const error = checkCertificateName(expected, certificate);
  return error !== undefined && "code" in error ? String(error.code) : null;
}

test.each([
  ["ns1.example.com", { dnsNames: ["ns1.example.com"] }],
  ["NS1.example.com", { dnsNames: ["ns2.example.com", "ns1.EXAMPLE.com"] }],
  ["ns1.example.com", { dnsNames: ["*.example.com"] }],
  ["default ABCDEF", { commonName: "default ABCDEF" }],
  ["default abcdef", { commonName: "default ABCDEF" }],
] as const)("checkCertificateName › accepts %s when the certificate has %j", (expected, wishes) => {
  expect(check(expected, wishes)).toBeNull();
});

test.each([
  // What Node's own check takes: RFC 9525 6.3 does not.
  ["ns1.example.com", { commonName: "ns1.example.com" }],
  ["ns1.example.com", { commonName: "ns1.example.com", dnsNames: ["ns2.example.com"] }],
  ["ns1.example.com", { dnsNames: ["ns*.example.com"] }],
  ["ns1.example.com", { dnsNames: ["*.com"] }],
  ["a.ns1.example.com", { dnsNames: ["*.example.com"] }],
  ["192.0.2.1", { commonName: "192.0.2.1", dnsNames: ["192.0.2.1"] }],
  ["default ABCDEF", { commonName: "default ABCDEF and more" }],
] as const)("checkCertificateName › rejects %s when the certificate has %j", (expected, wishes) => {
  expect(check(expected, wishes)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});
