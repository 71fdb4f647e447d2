import { X509Certificate } from "node:crypto";
import type { ConnectionOptions, PeerCertificate } from "node:tls";

import { carriesName } from "../wire/certificate-facts.ts";
import type { ProbeRun } from "../wire/probe-run.ts";
import { TlsStore } from "../wire/tls-store.ts";
import type { TlsSettings } from "../wire/tls-settings.ts";

/** Socket options that the libraries hand on to Node, beyond those their types name. */
export type ClientSocketOptions = ConnectionOptions & {
  readonly localAddress?: string;
  readonly autoSelectFamily: false;
};

/**
 * Options for a library that dials by itself, to speak TLS exactly as our own dial does. Where verification is asked for,
 * the library verifies too: our look just before was another connection.
 */
export function clientSocketOptions(
  run: ProbeRun,
  settings: TlsSettings | null,
): ClientSocketOptions {
  const { localAddress, network } = run.context;
  const base = {
    autoSelectFamily: false as const,
    ...(localAddress === null ? {} : { localAddress }),
  };
  if (settings === null) {
    return base;
  }
  const store = network.tls ?? new TlsStore();
  return {
    ...base,
    secureContext: store.contextFor(settings),
    rejectUnauthorized: settings.rejectUnauthorized,
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      identityError(settings.expectedNames, certificate),
  };
}

function identityError(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  const leaf = new X509Certificate(certificate.raw);
  return names.length === 0 || names.some((name) => carriesName(leaf, name))
    ? undefined
    : new Error(`the certificate holds none of ${names.join(", ")}`);
}
