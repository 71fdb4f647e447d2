import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { startServerTls } from "./listener.ts";

/** Longest command line that is read; a client that sends more is cut. */
const LINE_LIMIT = 64 * 1024;
/** Bytes kept for a reader that is busy, before the socket is paused. */
const HIGH_WATER = 256 * 1024;

/** A connection of a line protocol, seen from the server. Bytes are text in latin1, so that nothing is lost. */
export interface LineConnection {
  /** The next line without its end; null if the client has disconnected or sent too much. */
  readLine(): Promise<string | null>;
  /** Exactly this many bytes; null if the client disconnects before. */
  readBytes(count: number): Promise<Buffer | null>;
  /** Sends after the delay the protocol has now, and waits while the client does not read. */
  send(data: string | Buffer): Promise<void>;
  /** Answers the client's TLS handshake; clear text already received is dropped. False when it failed. */
  startTls(context: SecureContext): Promise<boolean>;
  isSecure(): boolean;
  isOpen(): boolean;
  end(): void;
}

export function createLineConnection(
  socket: Socket,
  options: {
    readonly secure: boolean;
    readonly delayMs: () => number;
    /** Bytes that another reader has already read from the socket. */
    readonly received?: Buffer;
  },
): LineConnection {
  let current = socket;
  let secure = options.secure;
  let ended = false;
  let pending: Buffer = options.received ?? Buffer.alloc(0);
  let wake: (() => void) | null = null;

  function wakeUp(): void {
    const waiting = wake;
    wake = null;
    waiting?.();
  }

  function onData(chunk: Buffer): void {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    if (pending.length > HIGH_WATER && wake === null) {
      current.pause();
    }
    wakeUp();
  }

  function onEnd(): void {
    ended = true;
    wakeUp();
  }

  function attach(to: Socket): void {
    current = to;
    to.on("data", onData);
    to.once("end", onEnd);
    to.once("close", onEnd);
    to.on("error", onEnd);
  }

  function detach(): void {
    current.removeListener("data", onData);
    current.removeListener("end", onEnd);
    current.removeListener("close", onEnd);
  }

  async function more(): Promise<boolean> {
    if (ended) {
      return false;
    }
    current.resume();
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    return true;
  }

  function take(count: number): Buffer {
    const taken = pending.subarray(0, count);
    pending = pending.subarray(count);
    return taken;
  }

  attach(socket);
  return {
    async readLine() {
      let searched = 0;
      for (;;) {
        const end = pending.indexOf(10, searched);
        if (end >= 0) {
          const line = take(end + 1).toString("latin1", 0, end);
          return line.endsWith("\r") ? line.slice(0, -1) : line;
        }
        searched = pending.length;
        if (searched > LINE_LIMIT) {
          current.destroy();
          return null;
        }
        if (!(await more())) {
          return null;
        }
      }
    },
    async readBytes(count) {
      const parts: Buffer[] = [];
      let missing = count;
      for (;;) {
        const part = take(Math.min(missing, pending.length));
        parts.push(part);
        missing -= part.length;
        if (missing === 0) {
          return Buffer.concat(parts);
        }
        if (!(await more())) {
          return null;
        }
      }
    },
    async send(data) {
      const delayMs = options.delayMs();
      if (delayMs > 0) {
        await delay(delayMs, undefined, { ref: false });
      }
      const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
      if (current.writable && !current.write(bytes)) {
        await drainedOrClosed(current);
      }
    },
    startTls(context) {
      detach();
      pending = Buffer.alloc(0);
      const raw = current;
      return new Promise((resolve) => {
        raw.once("close", () => {
          onEnd();
          resolve(false);
        });
        startServerTls(raw, context, (secured) => {
          secure = true;
          attach(secured);
          resolve(true);
        });
      });
    },
    isSecure: () => secure,
    isOpen: () => !ended && current.writable,
    end() {
      current.end();
    },
  };
}

/** Waits for a slow reader; resolves when the client disconnects, too. */
export function drainedOrClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
  });
}
