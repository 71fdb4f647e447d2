import { X509Certificate } from "node:crypto";
import type { ConnectionOptions, PeerCertificate } from "node:tls";
import type { Transform } from "node:stream";
import { carriesName } from "../../net/certificate-facts.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { proofOf } from "../../net/server-proof.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { protocolError } from "../../net/exchange-error.ts";

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
  const store = network.tls;
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
  return pins.includes(shown) ? undefined : coded("the certificate does not match the pin");
}

function identityError(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  const leaf = new X509Certificate(certificate.raw);
  if (names.some((name) => carriesName(leaf, name))) {
    return undefined;
  }
  return coded(
    names.length === 0
      ? "no name is known that the certificate would have to hold"
      : `the certificate holds none of ${names.join(", ")}`,
  );
}

function coded(message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}

/**
 * Words in the clear between the server's consent to TLS and the handshake. Whoever sits on the wire may have put them
 * there, for the client to take them for the server's first words under TLS (CVE-2011-0411): nothing that follows can be
 * believed, so they end the exchange.
 */
export const AHEAD_OF_TLS = protocolError("data was sent ahead of the TLS handshake");

/**
 * Tells of what reaches imapflow's parser during the handshake, and keeps it out. By itself imapflow notices what came in
 * one packet with the consent; a packet more, queued while the lines of the one before are parsed, would be read under TLS.
 */
export function keepOutOfHandshake(parser: Transform, told: () => void): void {
  let handshakes = false;
  // The clear connection is taken off the parser, and the secured one put on.
  parser.once("unpipe", () => {
    handshakes = true;
    parser.once("pipe", () => {
      handshakes = false;
    });
  });
  const parse = parser._transform.bind(parser);
  parser._transform = (chunk: Buffer, encoding, done) => {
    if (handshakes) {
      told();
      done();
      return;
    }
    parse(chunk, encoding, done);
  };
}
