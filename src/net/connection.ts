import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { TlsFacts } from "../model/observation.ts";
import { socketError, type ExchangeError } from "./exchange-error.ts";
import type { ProbeRun } from "./probe-run.ts";
import type { RunResource } from "./transcript.ts";
import type { TlsSettings } from "../model/tls-settings.ts";
import { resetSocket } from "./reset-socket.ts";

/** How the agent closes the connection; the values of NetScaler's monitorConnectionClose. */
export type CloseMode = "FIN" | "RESET";

export interface Data {
  readonly kind: "data";
  readonly data: Buffer;
}

/** Result of a handshake, with its settings. */
export interface SecuredBy {
  readonly facts: TlsFacts;
  readonly settings: TlsSettings;
  readonly step: "tls" | "starttls";
}

/** Unread bytes to buffer before the socket is paused. */
const HIGH_WATER_BYTES = 64 * 1024;
const CLOSED: ExchangeError = { kind: "closed", midway: false };

/**
 * A connection of one run. Every wait ends with data, a close by the peer, or the run's deadline. The run closes it at its end
 * at the latest.
 */
export class Connection implements RunResource {
  readonly run: ProbeRun;
  /** Address and port that were dialled, after `connect_to` and DNS. */
  readonly remote: { readonly address: string; readonly port: number };
  socket: Socket;
  bytesReceived = 0;
  /** The leaf certificate presented on this connection, for channel binding; null without TLS. */
  peerCertificate: X509Certificate | null = null;
  /** The handshake of this connection; null without TLS. */
  secured: SecuredBy | null = null;
  closeMode: CloseMode = "FIN";

  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #paused = false;
  #ended: ExchangeError | null = null;
  #waiting: ((result: Data | ExchangeError) => void) | null = null;
  #closed = false;
  /** Set during the TCP handshake. */
  #opening: ((why: ExchangeError | null) => void) | null = null;
  readonly #onData = (data: Buffer): void => this.take(data);
  readonly #onEnd = (): void => this.#end(CLOSED);
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#failed(error);

  /** `emits`: the socket emits `data`; otherwise the opener passes received bytes to `take`. */
  constructor(
    run: ProbeRun,
    socket: Socket,
    remote: { address: string; port: number },
    emits = true,
  ) {
    this.run = run;
    this.socket = socket;
    this.remote = remote;
    run.track(this);
    this.#listen(emits);
  }

  /** Calls back once after the TCP handshake: with null if the connection is open, else with the error. */
  whenOpen(done: (why: ExchangeError | null) => void): void {
    this.#opening = done;
    this.socket.on("connect", () => this.#opened(null));
  }

  /** Returns buffered bytes, else waits for more; returns the error if none will come. One reader at a time. */
  read(): Promise<Data | ExchangeError> {
    const unread = this.#unread;
    if (unread.length > 0) {
      const data =
        unread.length === 1 && unread[0] !== undefined ? unread[0] : Buffer.concat(unread);
      this.#unread = [];
      this.#unreadBytes = 0;
      if (this.#paused) {
        this.#paused = false;
        this.socket.resume();
      }
      return Promise.resolve({ kind: "data", data });
    }
    const over = this.#ended ?? this.run.interrupted;
    if (over !== null) {
      return Promise.resolve(over);
    }
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Puts bytes back for the next reader. */
  unread(data: Buffer): void {
    if (data.length > 0) {
      this.#unread.unshift(data);
      this.#unreadBytes += data.length;
    }
  }

  /** Sends data. Errors appear at the next read. The transcript shows `shown` instead, if given. */
  write(data: string | Buffer, shown?: string): void {
    this.run.transcript.sent(shown ?? data);
    if (!this.socket.destroyed && this.socket.writable) {
      this.socket.write(data);
    }
  }

  /** Why no more bytes will arrive; null while the connection is open. */
  get ended(): ExchangeError | null {
    return this.#ended;
  }

  /**
   * Hands the raw socket to a library or to TLS. Only the error listener stays; the run still destroys the socket at its
   * deadline and at its end. Unread bytes are put back into the socket.
   */
  detach(): Socket {
    const { socket } = this;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onEnd);
    socket.pause();
    for (const data of this.#unread.reverse()) {
      socket.unshift(data);
    }
    this.#unread = [];
    this.#unreadBytes = 0;
    return socket;
  }

  /** Continues on another socket (TLS) that wraps the detached one. */
  attach(socket: Socket): void {
    this.socket = socket;
    this.#ended = null;
    this.#listen(true);
  }

  /** Closes the connection: with FIN, or with RST if there is no TLS. Idempotent. */
  close(mode: CloseMode = this.closeMode): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.run.untrack(this);
    if (mode === "RESET" && !(this.socket instanceof TLSSocket)) {
      resetSocket(this.socket);
    } else if (this.socket.writableLength === 0) {
      // Nothing is queued: closing the descriptor sends FIN and saves a system call and a turn of the loop.
      if (this.socket instanceof TLSSocket) {
        // Sends close_notify at once.
        this.socket.end();
      }
      this.socket.destroy();
    } else {
      // Sends queued data and close_notify, then frees the descriptor without waiting for the peer.
      this.socket.destroySoon();
    }
  }

  interrupt(why: ExchangeError): void {
    this.#end(why);
    this.#closed = true;
    this.run.untrack(this);
    this.socket.destroy();
    this.#opened(why);
  }

  release(): void {
    this.close();
  }

  #listen(emits: boolean): void {
    const { socket } = this;
    socket.on("error", this.#onError);
    if (emits) {
      socket.on("data", this.#onData);
    }
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  #opened(why: ExchangeError | null): void {
    this.run.called();
    const done = this.#opening;
    this.#opening = null;
    done?.(why);
  }

  #failed(error: NodeJS.ErrnoException): void {
    const why = socketError(error);
    this.#end(why);
    // A RST in response to a SYN is ECONNREFUSED; ECONNRESET means a reset after the handshake.
    this.#opened(error.code === "ECONNRESET" ? null : why);
  }

  /** Bytes received from the peer. */
  take(data: Buffer): void {
    this.run.called();
    this.bytesReceived += data.length;
    this.run.transcript.received(data);
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting({ kind: "data", data });
      return;
    }
    this.#unread.push(data);
    this.#unreadBytes += data.length;
    if (this.#unreadBytes > HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true;
      this.socket.pause();
    }
  }

  #end(why: ExchangeError): void {
    this.#ended ??= why;
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting(this.#ended);
    }
  }
}
