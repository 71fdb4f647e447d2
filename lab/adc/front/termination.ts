import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import { tlsVersionOptions, type TlsRange } from "../tls-range.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A certificate and its key as PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** The TLS side of a vserver towards its clients; its certificate may be replaced while it runs. */
export class TlsTermination {
  readonly #range: TlsRange;
  #context: SecureContext | null = null;

  constructor(range: TlsRange, certificate: CertificateAndKey | null) {
    this.#range = range;
    this.use(certificate);
  }

  /** What new handshakes get; null: none, and handshakes are reset. */
  use(certificate: CertificateAndKey | null): void {
    this.#context =
      certificate === null
        ? null
        : createSecureContext({
            cert: certificate.certificate,
            key: certificate.key,
            ...tlsVersionOptions(this.#range),
          });
  }

  /** Performs the handshake; null when it failed, and the socket is gone then. */
  accept(socket: Socket): Promise<TLSSocket | null> {
    const context = this.#context;
    if (context === null) {
      socket.resetAndDestroy();
      return Promise.resolve(null);
    }
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: ["http/1.1"],
    });
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        socket.destroy();
      }, HANDSHAKE_TIMEOUT_MS);
      const failed = (): void => {
        clearTimeout(timer);
        resolve(null);
      };
      secure.on("error", () => {
        socket.destroy();
        failed();
      });
      secure.on("close", failed);
      secure.on("secure", () => {
        clearTimeout(timer);
        resolve(secure);
      });
    });
  }
}
