import type { TLSSocket } from "node:tls";
import { createServer } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { subjectAltNames } from "../../net/certificate-facts.ts";
import type { ServerTls } from "./load.ts";
import type { MakeServer, HttpTimeouts } from "../http/listener.ts";
import type { WebConfigSource } from "./source.ts";

/** What Node's server is told for each kind of client authentication; the rest is checked after the handshake. */
function clientCertificateOptions({ clientAuth }: ServerTls): {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
} {
  return {
    requestCert: clientAuth !== "NoClientCert",
    rejectUnauthorized: clientAuth === "RequireAndVerifyClientCert",
  };
}

/** Whether a connection may stay, by its client certificate. */
function clientCertificatePasses(socket: TLSSocket, tls: ServerTls): boolean {
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

/**
 * Makes servers as the web configuration in force wants them: with TLS or without. Those with TLS are added to
 * `tlsServers`, so that a renewed certificate can be given to them. Whether a client certificate is asked for is settled
 * here for a server's life; whether it will do is looked up at each connection.
 */
export function lockedServers(
  source: WebConfigSource,
  tlsServers: TlsServer[],
  patience: HttpTimeouts,
): MakeServer {
  return (settings, handle) => {
    const { tls } = source.current();
    if (tls === null) {
      return createServer(settings, handle);
    }
    const server = createTlsServer(
      {
        ...settings,
        ...tls.context,
        ...clientCertificateOptions(tls),
        handshakeTimeout: patience.headersMs,
      },
      handle,
    );
    server.on("secureConnection", (socket) => {
      if (!clientCertificatePasses(socket, source.current().tls ?? tls)) {
        socket.destroy();
      }
    });
    tlsServers.push(server);
    return server;
  };
}
