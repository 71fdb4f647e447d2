import type { TLSSocket } from "node:tls";
import { subjectAltNames } from "../../lib/subject-alt-names.ts";
import type { ServerTls } from "./load.ts";

/** What Node's server is told for each kind of client authentication; the rest is checked after the handshake. */
export function clientCertificateOptions({ clientAuth }: ServerTls): {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
} {
  return {
    requestCert: clientAuth !== "NoClientCert",
    rejectUnauthorized: clientAuth === "RequireAndVerifyClientCert",
  };
}

/** Whether a connection may stay, by its client certificate. */
export function clientCertificatePasses(socket: TLSSocket, tls: ServerTls): boolean {
  const given = tls.clientAuth === "NoClientCert" ? undefined : socket.getPeerX509Certificate();
  if (given === undefined) {
    const optional =
      tls.clientAuth === "NoClientCert" ||
      tls.clientAuth === "RequestClientCert" ||
      tls.clientAuth === "VerifyClientCertIfGiven";
    return (
      optional && (tls.allowedSans.length === 0 || tls.clientAuth !== "VerifyClientCertIfGiven")
    );
  }
  const verified = tls.clientAuth.includes("Verify");
  if (verified && !socket.authorized) {
    return false;
  }
  const names = subjectAltNames(given.subjectAltName ?? "").map(({ value }) => value);
  return tls.allowedSans.length === 0 || tls.allowedSans.some((name) => names.includes(name));
}
