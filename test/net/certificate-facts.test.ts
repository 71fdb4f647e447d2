import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { certificateFacts, certificateFactsBytes } from "../../src/net/certificate-facts.ts";
import { TlsStore } from "../../src/net/tls-store.ts";

/** A certificate with so many alternative names, and a subject as long as OpenSSL lets it be. */
function certificateWith(names: number): X509Certificate {
  const directory = mkdtempSync(join(tmpdir(), "adc-witness-many-names-"));
  try {
    const alternatives = Array.from(
      { length: names },
      (_, index) => `DNS:host-${String(index)}.example.com`,
    );
    const units = Array.from(
      { length: 20 },
      (_, index) => `${String(index)}.OU = ${"u".repeat(60)}`,
    );
    const text = [
      "[req]\ndistinguished_name = dn\nx509_extensions = v3\nprompt = no",
      `[dn]\nCN = host.example.com\n${units.join("\n")}`,
      `[v3]\nsubjectAltName = ${alternatives.join(",")}`,
    ];
    writeFileSync(join(directory, "c.cnf"), `${text.join("\n")}\n`);
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      "k.pem",
    ];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-config",
        "c.cnf",
        ...key,
        "-out",
        "c.pem",
        "-set_serial",
        `0x7f${"ab".repeat(100)}`,
      ],
      { cwd: directory, stdio: "pipe" },
    );
    return new X509Certificate(readFileSync(join(directory, "c.pem")));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("certificateFacts", () => {
  test("certificateFacts › keeps a bounded part of a certificate of thousands of names", () => {
    const facts = certificateFacts(certificateWith(4_000));
    expect(facts.names).toHaveLength(1_000);
    expect(facts.subject.length).toBeLessThanOrEqual(512);
    expect(facts.serial.length).toBeLessThanOrEqual(80);
    expect(certificateFactsBytes(facts)).toBeLessThan(100_000);
  });

  test("certificateFacts › tells all of an ordinary certificate", () => {
    const facts = certificateFacts(certificateWith(3));
    expect(facts.names).toEqual([0, 1, 2].map((index) => `host-${String(index)}.example.com`));
  });
});

test("TlsStore.certificate › shares the facts of one certificate", () => {
  const store = new TlsStore();
  const certificate = certificateWith(1);
  expect(store.certificate(certificate)).toBe(store.certificate(certificate));
});
