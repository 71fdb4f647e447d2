import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hasName, certificateFacts } from "../../src/net/certificate-facts.ts";
import { TlsStore } from "../../src/net/tls-store.ts";
import { makeCertificate, type CertificateWishes } from "../support/made-certificate.ts";

const made = (wishes: CertificateWishes): X509Certificate =>
  new X509Certificate(makeCertificate(wishes).cert);

describe("carriesName", () => {
  it.each<[when: string, dnsNames: readonly string[], name: string, carried: boolean]>([
    ["the name is listed", ["mail.example.com"], "mail.example.com", true],
    ["letter case differs", ["MAIL.example.com"], "mail.EXAMPLE.com", true],
    ["a wildcard covers one label", ["*.example.com"], "mail.example.com", true],
    ["a wildcard would cover two labels", ["*.example.com"], "a.mail.example.com", false],
    ["a wildcard would cover none", ["*.example.com"], "example.com", false],
    ["a wildcard is partial", ["ma*.example.com"], "mail.example.com", false],
    ["a wildcard is in the middle", ["mail.*.com"], "mail.example.com", false],
    ["there is only a common name", [], "mail.example.com", false],
    ["only the common name matches", ["other.example.com"], "mail.example.com", false],
    ["a NUL cuts a name off", ["mail.example.com\0.evil.example"], "mail.example.com", false],
    ["a comma pretends another entry", ["x, DNS:mail.example.com"], "mail.example.com", false],
    ["150 stars end with a letter", [`${"*".repeat(150)}z`], "mail.example.com", false],
    ["an address is asked for", ["192.0.2.1"], "192.0.2.1", false],
  ])("returns the expected result when %s", (_when, dnsNames, name, carried) => {
    expect(hasName(made({ dnsNames }), name)).toBe(carried);
  });
});

describe("certificateFacts", () => {
  it("keeps a bounded part when a certificate holds 10,000 names and a huge serial", () => {
    const dnsNames = Array.from({ length: 10_000 }, (_, at) => `${at.toString(36)}.x`);
    const facts = certificateFacts(
      made({
        dnsNames,
        serial: Buffer.alloc(5_000, 0x5a),
        commonName: "n".repeat(60_000),
      }),
    );
    expect(facts.names).toHaveLength(100);
    expect(facts.serial.length).toBeLessThanOrEqual(65);
    expect(facts.subject.length).toBeLessThanOrEqual(513);
    expect(facts.issuer.length).toBeLessThanOrEqual(513);
  });

  it("keeps one name as one when it holds a comma", () => {
    expect(certificateFacts(made({ dnsNames: ["x, DNS:evil.example, DNS:y"] })).names).toEqual([
      "x\\u002c dns:evil.example\\u002c dns:y",
    ]);
  });

  it("counts as expired when the end is no time", () => {
    expect(certificateFacts(made({ notAfter: "never" })).notAfter).toBe(0);
  });
});

describe("TlsStore.certificate", () => {
  it("shares the facts when a certificate is seen again", () => {
    const store = new TlsStore();
    const certificate = made({ dnsNames: ["mail.example.com"] });
    expect(store.certificate(certificate)).toBe(store.certificate(certificate));
  });
});
