import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from "node:tls";

import type { ProbeRun } from "../wire/probe-run.ts";
import { proofOf } from "../wire/server-proof.ts";
import { TlsStore } from "../wire/tls-store.ts";
import type { TlsSettings } from "../wire/tls-settings.ts";

/** Socket options that the libraries hand on to Node, beyond those their types name. */
export type ClientSocketOptions = ConnectionOptions & {
  readonly localAddress?: string;
  readonly autoSelectFamily: false;
};

/**
 * Options for a library that dials by itself and then sends a secret, to speak TLS exactly as our own dial does. The
 * library verifies its own connection, by the same names, authority or pins: our look just before was another one. A pin
 * becomes the only trust anchor (`looked`: the pinned certificate, as the look has seen it); dates count then, which the
 * look passes over, since Node.js cannot be told to.
 */
export function clientSocketOptions(
  run: ProbeRun,
  settings: TlsSettings | null,
  looked: Buffer | null = null,
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
  const proof = proofOf(settings);
  return {
    ...base,
    secureContext: store.contextFor(settings, proof.kind === "pinned" ? looked : null),
    rejectUnauthorized: proof.kind !== "unverified",
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      proof.kind === "pinned"
        ? pinError(proof.sha256, certificate)
        : identityError(settings.expectedNames, certificate),
  };
}

function pinError(pins: readonly string[], certificate: PeerCertificate): Error | undefined {
  const shown = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  return pins.includes(shown) ? undefined : coded("the certificate is not the pinned one");
}

function identityError(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  const errors = names.map((name) => checkServerIdentity(name, certificate));
  return errors.includes(undefined)
    ? undefined
    : (errors[0] ?? coded("no name is known that the certificate would have to hold"));
}

function coded(message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}
