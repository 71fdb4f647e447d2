import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import { tlsVersionOptions, type TlsRange } from "../tls-range.ts";
import { resetSocket } from "../../../src/net/reset-socket.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A certificate and its key as PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** The TLS side of a vserver towards its clients; its certificate may be replaced while it runs. */
export class TlsTermination {
  readonly #range: TlsRange;
  #certificate: CertificateAndKey | null;
  /** Created at the first handshake, because an estate may have hundreds of unused vservers. */
  #context: SecureContext | null = null;

  constructor(range: TlsRange, certificate: CertificateAndKey | null) {
    this.#range = range;
    this.#certificate = certificate;
  }

  /** What new handshakes get; null: none, and handshakes are reset. */
  use(certificate: CertificateAndKey | null): void {
    this.#certificate = certificate;
    this.#context = null;
  }

  /** Performs the handshake; null if it failed, and the socket is then closed. */
  accept(socket: Socket): Promise<TLSSocket | null> {
    const context = this.#made();
    if (context === null) {
      resetSocket(socket);
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

  #made(): SecureContext | null {
    if (this.#context === null && this.#certificate !== null) {
      this.#context = createSecureContext({
        cert: this.#certificate.certificate,
        key: this.#certificate.key,
        ...tlsVersionOptions(this.#range),
      });
    }
    return this.#context;
  }
}
