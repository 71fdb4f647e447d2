import {
  currentVersionStamp,
  loadWebConfig,
  DEFAULT_WEB_CONFIG,
  type WebConfig,
  type ServerTls,
} from "./load.ts";
import type { TLSSocket } from "node:tls";
import { createServer } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { subjectAltNames } from "../../net/certificate-facts.ts";
import type { ServerFactory, HttpTimeouts } from "../http/listener.ts";

/** The current web configuration, reloaded when its files change. */
interface WebConfigSource {
  readonly current: () => WebConfig;
  /** Checks the files now; resolves when a change is applied or rejected. */
  readonly refresh: () => Promise<void>;
  readonly close: () => void;
}

export interface SourceEvents {
  readonly changed: (config: WebConfig) => void;
  readonly rejected: (message: string) => void;
}

export type OpenedSource =
  | { readonly kind: "open"; readonly source: WebConfigSource }
  | { readonly kind: "failed"; readonly message: string };

const CHECK_EVERY_MS = 1_000;

/** Opens the file; without one there is no TLS and no authentication. An invalid change keeps the previous configuration. */
export async function openWebConfig(
  path: string | null,
  events: SourceEvents,
): Promise<OpenedSource> {
  if (path === null) {
    const nothing = {
      current: () => DEFAULT_WEB_CONFIG,
      refresh: () => Promise.resolve(),
      close: () => undefined,
    };
    return { kind: "open", source: nothing };
  }
  const first = await loadWebConfig(path);
  if (first.kind === "failed") {
    return first;
  }
  let { config, versionStamp } = first;
  let rejectedStamp: string | null = null;
  let checking: Promise<void> | null = null;

  async function check(): Promise<void> {
    const current = await currentVersionStamp(path ?? "").catch((error: unknown) => String(error));
    if (current === versionStamp || current === rejectedStamp) {
      return;
    }
    const next = await loadWebConfig(path ?? "");
    if (next.kind === "failed") {
      // Logged once per state of the files, since certificates are often replaced in two steps.
      rejectedStamp = current;
      events.rejected(next.message);
      return;
    }
    rejectedStamp = null;
    ({ config, versionStamp } = next);
    events.changed(config);
  }

  function refresh(): Promise<void> {
    checking ??= check().finally(() => {
      checking = null;
    });
    return checking;
  }

  const timer = setInterval(() => void refresh(), CHECK_EVERY_MS);
  timer.unref();
  return {
    kind: "open",
    source: {
      current: () => config,
      refresh,
      close: () => {
        clearInterval(timer);
      },
    },
  };
}

/** Options of Node's server for each kind of client authentication; the rest is checked after the handshake. */
function clientCertificateOptions({ clientAuth }: ServerTls): {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
} {
  return {
    requestCert: clientAuth !== "NoClientCert",
    rejectUnauthorized: clientAuth === "RequireAndVerifyClientCert",
  };
}

/** Whether a connection's client certificate is acceptable. */
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
 * Creates servers by the current web configuration, with or without TLS. TLS servers are added to `tlsServers`, to receive
 * renewed certificates. Whether a client certificate is requested is fixed for a server's life; its acceptance is checked per
 * connection.
 */
export function createServerFactory(
  source: WebConfigSource,
  tlsServers: TlsServer[],
  timeouts: HttpTimeouts,
): ServerFactory {
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
        handshakeTimeout: timeouts.headersMs,
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
