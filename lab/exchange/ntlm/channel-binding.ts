import { createHash, X509Certificate } from "node:crypto";
import { labCertificate, type CertificateName } from "../../certificates/lab-certificate.ts";

/** `tls-server-end-point` hashes with the certificate's signature hash, but never below SHA-256 (RFC 5929 4.1). */
function endPointHash(certificate: CertificateName): string {
  return certificate === "sha384" || certificate === "sha512" ? certificate : "sha256";
}

/** MD5 of the gss_channel_bindings structure for a connection that showed this certificate (MS-NLMP 2.2.2.1). */
export function channelBindingOf(name: CertificateName): Buffer {
  const der = new X509Certificate(labCertificate(name).certificate).raw;
  const data = Buffer.concat([
    Buffer.from("tls-server-end-point:", "latin1"),
    createHash(endPointHash(name)).update(der).digest(),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  // Initiator and acceptor addresses are empty: four zero words before the application data.
  return createHash("md5")
    .update(Buffer.concat([Buffer.alloc(16), length, data]))
    .digest();
}
