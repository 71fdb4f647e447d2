import { createServer } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { MakeServer, Patience } from "../http/listener.ts";
import { clientCertificateOptions, clientCertificatePasses } from "./client-certificate.ts";
import type { WebConfigSource } from "./source.ts";

/**
 * Makes servers as the web configuration in force wants them: with TLS or without. Those with TLS are added to
 * `tlsServers`, so that a renewed certificate can be given to them. Whether a client certificate is asked for is settled
 * here for a server's life; whether it will do is looked up at each connection.
 */
export function lockedServers(
  source: WebConfigSource,
  tlsServers: TlsServer[],
  patience: Patience,
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
