import { ByteQueue } from "../lib/byte-queue.ts";
import type { Connection } from "./connection.ts";
import type { ExchangeError } from "./exchange-error.ts";

export interface Message {
  readonly kind: "message";
  readonly data: Buffer;
}

/** The length of the message at the start of the received bytes; null while unknown. It must apply bounds. */
export type LengthOf = (received: Buffer) => number | null | ExchangeError;

/** Cuts what comes over a connection into messages: one split over packets is one, several in a packet are several. */
export class MessageReader {
  readonly #connection: Connection;
  readonly #lengthOf: LengthOf;
  readonly #received = new ByteQueue();

  constructor(connection: Connection, lengthOf: LengthOf) {
    this.#connection = connection;
    this.#lengthOf = lengthOf;
  }

  async next(): Promise<Message | ExchangeError> {
    for (;;) {
      const { bytes } = this.#received;
      const length = this.#lengthOf(bytes);
      if (length !== null && typeof length !== "number") {
        return length;
      }
      if (length !== null && bytes.length >= length) {
        // A copy: the queue may write over what was let go.
        const data = Buffer.from(bytes.subarray(0, length));
        this.#received.skip(length);
        return { kind: "message", data };
      }
      const more = await this.#connection.read();
      if (more.kind !== "data") {
        return more.kind === "closed" && bytes.length > 0 ? { kind: "closed", midway: true } : more;
      }
      this.#received.append(more.data);
    }
  }

  /** Bytes that came after the last message. */
  get pending(): number {
    return this.#received.bytes.length;
  }
}
