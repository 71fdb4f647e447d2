import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from "node:tls";
import type { Transform } from "node:stream";
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { ProbeRun } from "../../net/probe-run.ts";
import { TlsStore } from "../../net/tls-store.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { protocolBreak } from "../../net/break.ts";

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
  const errors = names.map((name) => checkServerIdentity(name, certificate));
  return errors.includes(undefined) ? undefined : errors[0];
}

/**
 * Words in the clear between the server's consent to TLS and the handshake. Whoever sits on the wire may have put them
 * there, for the client to take them for the server's first words under TLS (CVE-2011-0411): nothing that follows can be
 * believed, so they end the exchange.
 */
export const AHEAD_OF_TLS = protocolBreak("data was sent ahead of the TLS handshake");

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

type Logger = Exclude<NonNullable<SMTPConnection.Options["logger"]>, boolean>;

/** nodemailer throws such words away and goes on: only its log says so, in an entry of its own kind. */
export function discardedInput(told: () => void): Logger {
  const ignore = (): void => undefined;
  return {
    level: ignore,
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: (entry: unknown) => {
      if (typeof entry === "object" && entry !== null && "discarded" in entry) {
        told();
      }
    },
    error: ignore,
    fatal: ignore,
  };
}
