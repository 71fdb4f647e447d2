import { ByteQueue } from "../lib/bytes.ts";
import type { Connection } from "./connection.ts";
import { type ExchangeError, protocolError } from "./exchange-error.ts";

interface Message {
  readonly kind: "message";
  readonly data: Buffer;
}

/** Returns the length of the first message; null while unknown. Must enforce a maximum. */
export type LengthOf = (received: Buffer) => number | null | ExchangeError;

/** Splits a byte stream into messages, independent of packet boundaries. */
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
        // A copy, because the queue may overwrite released bytes.
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

  /** Bytes received after the last message. */
  get pending(): number {
    return this.#received.bytes.length;
  }
}

export interface Line {
  readonly kind: "line";
  /** Without its line end; decoded as UTF-8 if valid. */
  readonly text: string;
}

export interface Lines {
  readonly kind: "lines";
  /** In order; the last one ended the wait. */
  readonly lines: readonly string[];
}

/** Maximum length of a line. */
const MAX_LINE_BYTES = 8 * 1024;
/** Maximum size of a multi-line reply. */
const MAX_ANSWER_BYTES = 64 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/**
 * Reads lines (IMAP, POP3, SMTP, FTP, NNTP) from one buffer, independent of packet boundaries. Over-long lines and replies are
 * a `protocol_error`.
 */
export class LineReader {
  readonly #messages: MessageReader;
  /** Number of bytes already searched for a line end. */
  #scanned = 0;

  constructor(connection: Connection) {
    this.#messages = new MessageReader(connection, (received) => this.#lineLength(received));
  }

  async line(): Promise<Line | ExchangeError> {
    const next = await this.wholeLine();
    if (next.kind !== "message") {
      return next;
    }
    const { data } = next;
    const stop = data.length - (data.at(-2) === RETURN ? 2 : 1);
    return { kind: "line", text: data.toString("utf8", 0, stop) };
  }

  /** The bytes of the next line, including its line end. */
  wholeLine(): Promise<Message | ExchangeError> {
    return this.#messages.next();
  }

  #lineLength(received: Buffer): number | null | ExchangeError {
    const end = received.indexOf(NEWLINE, this.#scanned);
    this.#scanned = end === -1 ? received.length : 0;
    if ((end === -1 ? received.length : end) > MAX_LINE_BYTES) {
      return protocolError(`a line of more than ${MAX_LINE_BYTES} bytes`);
    }
    return end === -1 ? null : end + 1;
  }

  /** Lines up to and including the first for which `last` returns true. */
  async until(last: (line: string) => boolean): Promise<Lines | ExchangeError> {
    const lines: string[] = [];
    let bytes = 0;
    for (;;) {
      const next = await this.line();
      if (next.kind !== "line") {
        return next.kind === "closed" && lines.length > 0 ? { kind: "closed", midway: true } : next;
      }
      bytes += next.text.length + 2;
      if (bytes > MAX_ANSWER_BYTES) {
        return protocolError(`a response of more than ${MAX_ANSWER_BYTES} bytes`);
      }
      lines.push(next.text);
      if (last(next.text)) {
        return { kind: "lines", lines };
      }
    }
  }

  /** Lines before the terminating dot, with dot-stuffing removed (POP3, NNTP). */
  async untilDot(): Promise<Lines | ExchangeError> {
    const answer = await this.until((line) => line === ".");
    if (answer.kind !== "lines") {
      return answer;
    }
    const lines = answer.lines
      .slice(0, -1)
      .map((line) => (line.startsWith(".") ? line.slice(1) : line));
    return { kind: "lines", lines };
  }

  /** Unread bytes after the last line; there must be none before a TLS handshake. */
  get pending(): number {
    return this.#messages.pending;
  }
}
