import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Connection } from "./connection.ts";
import { protocolError, type ExchangeError } from "./exchange-error.ts";
import type { LineReader } from "./line-reader.ts";
import type { RunResource } from "./transcript.ts";

const LOOPBACK = "127.0.0.1";
/**
 * Limits of what a server may send to a client library in one connection. imapflow spends about 40 µs per line and 8 µs per
 * word, so a limit on bytes alone would not bound its work. Real mailboxes stay far below.
 */
const MAX_LINES = 10_000;
const MAX_BYTES = 512 * 1024;
/** Limits of what a library parses in one turn of the event loop: a few milliseconds of work. */
const LINES_PER_TURN = 32;
const BYTES_PER_TURN = 2 * 1024;
/** Maximum wait for the reply to the logout; the reply is ignored. */
const LOGOUT_REPLY_MS = 500;

/** Result of a call into a library. */
export type LibraryResult<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  | ExchangeError;

export interface RelayOptions {
  /** Greeting passed to the library, since the real one has already been read. */
  readonly greeting: string;
  /** Called with each line of the library before it is sent; returns the text for the transcript. */
  readonly sending: (data: Buffer) => string;
}

/**
 * Relays an open connection to a client library that can only dial itself: the library dials a loopback port and both
 * directions are forwarded. Greeting, TLS, server verification and login thus use one connection, and only the library's public
 * API is needed. The run can still count the server's bytes, forward them in whole lines and small portions, end every wait,
 * and close.
 */
export class ClientRelay implements RunResource {
  readonly host: string;
  readonly port: number;
  /** Why the server side is closed; null while it is open. */
  serverEnded: ExchangeError | null = null;

  readonly #connection: Connection;
  readonly #reader: LineReader;
  readonly #options: RelayOptions;
  readonly #server: Server;
  #library: Socket | null = null;
  #ended: ExchangeError | null;
  #waiting: ((why: ExchangeError) => void) | null = null;

  /** Accepts one client and rejects all others. The session must have no unread reply. */
  static async open(
    connection: Connection,
    reader: LineReader,
    options: RelayOptions,
  ): Promise<ClientRelay> {
    const server = createServer({ noDelay: true });
    await listenOnLoopback(server);
    return new ClientRelay(connection, reader, options, server);
  }

  private constructor(
    connection: Connection,
    reader: LineReader,
    options: RelayOptions,
    server: Server,
  ) {
    this.#connection = connection;
    this.#reader = reader;
    this.#options = options;
    this.#server = server;
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
    this.#ended = connection.run.interrupted;
    connection.run.track(this);
    // Keeps listening until the end: another program could take over a released port and receive the password.
    server.on("connection", (client) => {
      if (this.#library === null) {
        this.#join(client);
      } else {
        client.destroy();
      }
    });
  }

  /** Waits for a library call, the end of the connection, or the end of the run. One call at a time. */
  async wait<T>(call: () => Promise<T>): Promise<LibraryResult<T>> {
    if (this.#ended !== null) {
      return this.#ended;
    }
    const over = new Promise<ExchangeError>((resolve) => {
      this.#waiting = resolve;
    });
    const called = call().then(
      (value): LibraryResult<T> => ({ kind: "value", value }),
      (error: unknown): LibraryResult<T> => ({ kind: "error", error }),
    );
    const result = await Promise.race([called, over]);
    this.#waiting = null;
    return result;
  }

  /** Ends the wait for errors that the library reports only as events. */
  fail(why: ExchangeError): void {
    this.#ended ??= why;
    this.#waiting?.(this.#ended);
  }

  /** Logs out, briefly waits for the server's reply, and closes both sides. */
  async logOut(goodbye: () => Promise<unknown>): Promise<void> {
    const enough = setTimeout(() => this.fail({ kind: "timeout" }), LOGOUT_REPLY_MS);
    await this.wait(goodbye);
    clearTimeout(enough);
    this.#connection.run.phase("quit");
    this.release();
    this.#connection.close();
  }

  interrupt(why: ExchangeError): void {
    this.fail(why);
    this.release();
  }

  release(): void {
    this.#connection.run.untrack(this);
    this.#server.close();
    this.#library?.destroy();
  }

  #join(library: Socket): void {
    this.#library = library;
    // The library's calls report the end.
    library.on("error", () => undefined);
    library.on("data", (data) => {
      this.#connection.write(data, this.#options.sending(data));
    });
    library.on("close", () => {
      // The library has had time to process the server's last bytes.
      setImmediate(() => this.fail(this.serverEnded ?? { kind: "closed", midway: true }));
    });
    library.write(this.#options.greeting);
    void this.#forward(library);
  }

  async #forward(library: Socket): Promise<void> {
    let lines = 0;
    let bytes = 0;
    let turn = { lines: 0, bytes: 0 };
    while (!library.destroyed) {
      const next = await this.#reader.wholeLine();
      if (next.kind !== "message") {
        this.serverEnded = next;
        await nextTurn();
        library.end();
        return;
      }
      lines += 1;
      bytes += next.data.length;
      if (lines > MAX_LINES || bytes > MAX_BYTES) {
        const most = lines > MAX_LINES ? `${MAX_LINES} lines` : `${MAX_BYTES} bytes`;
        this.interrupt(protocolError(`more than ${most}`));
        return;
      }
      if (turn.lines >= LINES_PER_TURN || turn.bytes + next.data.length > BYTES_PER_TURN) {
        await nextTurn();
        turn = { lines: 0, bytes: 0 };
      }
      turn.lines += 1;
      turn.bytes += next.data.length;
      library.write(next.data);
    }
  }
}

/**
 * Listens on a random address of 127.0.0.0/8, so that a client of a previous owner of the port is not accepted by mistake.
 * Falls back to 127.0.0.1 where the host has no such address.
 */
async function listenOnLoopback(server: Server): Promise<void> {
  const octet = () => String(randomInt(1, 255));
  for (const host of [`127.${octet()}.${octet()}.${octet()}`, LOOPBACK]) {
    server.listen(0, host);
    try {
      await once(server, "listening");
      return;
    } catch (error) {
      if (host === LOOPBACK) {
        throw error;
      }
    }
  }
}
