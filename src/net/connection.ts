import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { TlsFacts } from "../model/observation.ts";
import { socketError, type ExchangeError } from "./exchange-error.ts";
import type { ProbeRun } from "./probe-run.ts";
import type { RunResource } from "./transcript.ts";
import type { TlsSettings } from "../model/tls-settings.ts";
import { resetSocket } from "./reset-socket.ts";

/** How our side ends the connection: NetScaler's monitorConnectionClose knows both. */
export type CloseMode = "FIN" | "RESET";

export interface Data {
  readonly kind: "data";
  readonly data: Buffer;
}

/** What a handshake showed, with what it was asked for. */
export interface SecuredBy {
  readonly facts: TlsFacts;
  readonly settings: TlsSettings;
  readonly step: "tls" | "starttls";
}

/** Unread bytes kept before the peer is made to wait. */
const HIGH_WATER_BYTES = 64 * 1024;
const CLOSED: ExchangeError = { kind: "closed", midway: false };

/**
 * A connection of one run. Bytes are read in the order they came; every wait ends by data, by the peer, or by the
 * run's deadline. Closed by the run at its end at the latest.
 */
export class Connection implements RunResource {
  readonly run: ProbeRun;
  /** Address and port really dialled, after `connect_to` and DNS. */
  readonly remote: { readonly address: string; readonly port: number };
  socket: Socket;
  bytesReceived = 0;
  /** The leaf certificate that the peer showed on this very connection, for logins bound to it; null without TLS. */
  peerCertificate: X509Certificate | null = null;
  /** The handshake that secured this very connection; null in the clear. */
  secured: SecuredBy | null = null;
  closeMode: CloseMode = "FIN";

  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #paused = false;
  #ended: ExchangeError | null = null;
  #waiting: ((result: Data | ExchangeError) => void) | null = null;
  #closed = false;
  /** Set while the TCP handshake is under way. */
  #opening: ((why: ExchangeError | null) => void) | null = null;
  readonly #onData = (data: Buffer): void => this.take(data);
  readonly #onEnd = (): void => this.#end(CLOSED);
  readonly #onError = (error: NodeJS.ErrnoException): void => this.#failed(error);

  /** `emits`: the socket emits what comes as `data`; else whoever opened it passes that to `take`. */
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

  /** Calls back once when the TCP handshake is over: with null when the connection is open, else with why it does not. */
  whenOpen(done: (why: ExchangeError | null) => void): void {
    this.#opening = done;
    this.socket.on("connect", () => this.#opened(null));
  }

  /** What has come and is not yet read, else the next bytes, else why none will come. One reader at a time. */
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

  /** Gives back bytes that belong to the next reader. */
  unread(data: Buffer): void {
    if (data.length > 0) {
      this.#unread.unshift(data);
      this.#unreadBytes += data.length;
    }
  }

  /** Sends; what goes wrong shows at the next read. The transcript shows `shown` instead of the data when given. */
  write(data: string | Buffer, shown?: string): void {
    this.run.transcript.sent(shown ?? data);
    if (!this.socket.destroyed && this.socket.writable) {
      this.socket.write(data);
    }
  }

  /** Why nothing more will come, unread bytes apart; null while the connection is open. */
  get ended(): ExchangeError | null {
    return this.#ended;
  }

  /**
   * Hands the bare socket to a library or to TLS. Nothing of ours listens any more but for errors; the run still destroys
   * it when its time is over and at its end. Unread bytes are put back into the socket.
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

  /** Continues over another socket that wraps the detached one (TLS). */
  attach(socket: Socket): void {
    this.socket = socket;
    this.#ended = null;
    this.#listen(true);
  }

  /** Ends the connection: orderly, or with RST where no TLS runs over it. Repeated calls do nothing. */
  close(mode: CloseMode = this.closeMode): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.run.untrack(this);
    if (mode === "RESET" && !(this.socket instanceof TLSSocket)) {
      resetSocket(this.socket);
    } else if (this.socket.writableLength === 0) {
      // Nothing is queued: closing the descriptor sends FIN by itself and spares a system call and a turn of the loop.
      if (this.socket instanceof TLSSocket) {
        // Sends the farewell of TLS at once.
        this.socket.end();
      }
      this.socket.destroy();
    } else {
      // Sends what is queued and the farewell of TLS, then frees the descriptor without waiting for the peer.
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
    // A RST that answers a SYN is "refused": a reset came after the handshake, before we looked.
    this.#opened(error.code === "ECONNRESET" ? null : why);
  }

  /** What the peer has sent. */
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
