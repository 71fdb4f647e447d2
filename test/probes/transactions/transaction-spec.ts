import {
  labCa,
  labCertificate,
  type CertificateName,
} from "../../../lab/certificates/lab-certificate.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import type { TlsSettings } from "../../../src/model/tls-settings.ts";

/** As a client of today speaks TLS, trusting the lab's authority. */
export const CLIENT_TLS: TlsSettings = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  serverName: "mail.example.com",
  expectedNames: ["mail.example.com"],
  ca: labCa(),
  rejectUnauthorized: false,
  legacy: false,
};

/** The server side with one of the lab's certificates. */
export function serverTls(name: CertificateName = "mail"): { cert: string; key: string } {
  const { certificate, key } = labCertificate(name);
  return { cert: certificate, key };
}

/** A specification in clear text, with what a test changes. */
export function transactionSpec(
  transaction: TransactionName,
  change: Partial<TransactionSpec> = {},
): TransactionSpec {
  return {
    transaction,
    security: "none",
    tls: null,
    host: "mail.example.com",
    path: null,
    account: null,
    allowPlaintext: false,
    expect: "works",
    exchange: null,
    adc: null,
    options: {},
    ...change,
  };
}
