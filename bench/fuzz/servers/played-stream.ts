import { Socket } from "node:net";

/** Its other end, in memory. */
export interface Peer {
  readonly opened: (socket: PlayedStream) => void;
  readonly heard: (socket: PlayedStream, asked: Buffer) => void;
}

/** A Node socket without a descriptor, connected to a peer in memory. */
export class PlayedStream extends Socket {
  readonly #peer: Peer;

  constructor(peer: Peer) {
    super();
    this.#peer = peer;
    process.nextTick(() => {
      if (!this.destroyed) {
        this.emit("connect");
        peer.opened(this);
      }
    });
  }

  /** Bytes arrive. */
  say(data: Buffer): void {
    if (!this.destroyed && data.length > 0) {
      this.push(data);
    }
  }

  /** FIN arrives. */
  finish(): void {
    if (!this.destroyed) {
      this.push(null);
      // Like a socket with a handle: an end is noticed even without a reader.
      this.read(0);
    }
  }

  /** RST arrives. */
  breakOff(): void {
    this.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  }

  override resetAndDestroy(): this {
    return this.destroy();
  }

  override _read(): void {
    // The peer sends at any time.
  }

  override _write(asked: Buffer, _encoding: unknown, done: (error?: Error | null) => void): void {
    done();
    this.#peer.heard(this, asked);
  }

  override _writev(
    pieces: readonly { readonly chunk: unknown }[],
    done: (error?: Error | null) => void,
  ): void {
    done();
    this.#peer.heard(this, Buffer.concat(pieces.map(({ chunk }) => chunk as Buffer)));
  }
}
