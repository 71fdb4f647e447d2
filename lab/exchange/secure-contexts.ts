import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from "node:tls";
import { labCertificate, type CertificateName } from "../certificates/lab-certificate.ts";
import type { TlsRange } from "./protocol-state.ts";

/** Makes each combination of certificate and versions once. */
export function createSecureContexts(): (
  certificate: CertificateName,
  range: TlsRange,
) => SecureContext {
  const made = new Map<string, SecureContext>();
  return (name, range) => {
    const key = `${name} ${range.min} ${range.max}`;
    const known = made.get(key);
    if (known !== undefined) {
      return known;
    }
    const { certificate, key: privateKey } = labCertificate(name);
    const context = createSecureContext({
      cert: certificate,
      key: privateKey,
      minVersion: range.min,
      maxVersion: range.max,
      // Level 0: TLS 1.0 and 1.1, and the lab's weak certificate, are refused by OpenSSL 3 above it.
      ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0`,
    });
    made.set(key, context);
    return context;
  };
}
