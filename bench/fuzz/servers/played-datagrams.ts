import { EventEmitter } from "node:events";
import type { UdpSocket } from "../../../src/net/network.ts";

/** Receives a datagram. */
export type Listener = (socket: PlayedDatagrams, asked: Buffer) => void;

/** A datagram socket without a descriptor, connected to a peer in memory. */
export class PlayedDatagrams extends EventEmitter implements UdpSocket {
  readonly #listener: Listener;
  #closed = false;

  constructor(listener: Listener) {
    super();
    this.#listener = listener;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A datagram arrives. */
  say(data: Buffer): void {
    if (!this.#closed) {
      this.emit("message", data);
    }
  }

  /** ICMP port unreachable. */
  refuse(): void {
    if (!this.#closed) {
      this.emit("error", Object.assign(new Error("recv ECONNREFUSED"), { code: "ECONNREFUSED" }));
    }
  }

  bind(_options: unknown, then: () => void): void {
    process.nextTick(then);
  }

  connect(_port: number, _address: string, then: () => void): void {
    process.nextTick(then);
  }

  send(data: Buffer, then: (error: Error | null) => void): void {
    process.nextTick(then, null);
    process.nextTick(() => {
      this.#listener(this, data);
    });
  }

  close(): void {
    this.#closed = true;
  }
}
