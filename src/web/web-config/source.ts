import {
  currentFingerprint,
  loadWebConfig,
  OPEN_DOORS,
  type WebConfig,
  type ServerTls,
} from "./load.ts";
import type { TLSSocket } from "node:tls";
import { createServer } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { subjectAltNames } from "../../net/certificate-facts.ts";
import type { MakeServer, HttpTimeouts } from "../http/listener.ts";

/** The web configuration in force, kept in step with its files. */
interface WebConfigSource {
  readonly current: () => WebConfig;
  /** Looks at the files now; resolves when a change is in force or refused. */
  readonly refresh: () => Promise<void>;
  readonly close: () => void;
}

export interface SourceEvents {
  readonly changed: (config: WebConfig) => void;
  readonly refused: (message: string) => void;
}

export type OpenedSource =
  | { readonly kind: "open"; readonly source: WebConfigSource }
  | { readonly kind: "failed"; readonly message: string };

const LOOK_EVERY_MS = 1_000;

/** Opens the file; without one all doors are open. A change that cannot be used leaves the old state in force. */
export async function openWebConfig(
  path: string | null,
  events: SourceEvents,
): Promise<OpenedSource> {
  if (path === null) {
    const nothing = {
      current: () => OPEN_DOORS,
      refresh: () => Promise.resolve(),
      close: () => undefined,
    };
    return { kind: "open", source: nothing };
  }
  const first = await loadWebConfig(path);
  if (first.kind === "failed") {
    return first;
  }
  let { config, fingerprint } = first;
  let refused: string | null = null;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const seen = await currentFingerprint(path ?? "").catch((error: unknown) => String(error));
    if (seen === fingerprint || seen === refused) {
      return;
    }
    const next = await loadWebConfig(path ?? "");
    if (next.kind === "failed") {
      // Said once for each state of the files: certificates are often replaced in two steps.
      refused = seen;
      events.refused(next.message);
      return;
    }
    refused = null;
    ({ config, fingerprint } = next);
    events.changed(config);
  }

  function refresh(): Promise<void> {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  }

  const timer = setInterval(() => void refresh(), LOOK_EVERY_MS);
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
