import type { Duplex } from "node:stream";

/** Stop reading from the peer while this much is buffered. */
const HIGH_WATER_BYTES = 256 * 1024;

/**
 * Reads bytes from a stream: up to a marker, a fixed number, or all that are available.
 * One owner, one reader at a time. An error of the stream ends it like a close; `failure` says which it was.
 */
export class ByteSource {
  readonly #stream: Duplex;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes >= HIGH_WATER_BYTES) {
        stream.pause();
      }
      this.#signal();
    });
    const end = (): void => {
      this.#ended = true;
      this.#signal();
    };
    stream.on("end", end);
    stream.on("close", end);
    stream.on("error", (error: Error) => {
      this.#failure ??= error;
      end();
    });
  }

  /** Why the stream ended, when not in order. */
  get failure(): Error | null {
    return this.#failure;
  }

  get ended(): boolean {
    return this.#ended && this.#waitingBytes === 0;
  }

  /** All available bytes, at least one; null at the end. */
  async some(): Promise<Buffer | null> {
    while (this.#waitingBytes === 0) {
      if (this.#ended) {
        return null;
      }
      await this.#more();
    }
    return this.#take(this.#waitingBytes);
  }

  /** At most `count` bytes, at least one; null at the end. */
  async atMost(count: number): Promise<Buffer | null> {
    while (this.#waitingBytes === 0) {
      if (this.#ended) {
        return null;
      }
      await this.#more();
    }
    return this.#take(Math.min(count, this.#waitingBytes));
  }

  /** Everything up to and including `marker`; null when the stream ends or `maxBytes` pass without it. */
  async until(marker: string, maxBytes: number): Promise<Buffer | null> {
    for (;;) {
      const all = this.#joined();
      const at = all.indexOf(marker, 0, "latin1");
      if (at >= 0) {
        return this.#take(at + marker.length);
      }
      if (this.#ended || all.length > maxBytes) {
        return null;
      }
      await this.#more();
    }
  }

  /** Puts back what was read too early. */
  unread(bytes: Buffer): void {
    if (bytes.length > 0) {
      this.#waiting.unshift(bytes);
      this.#waitingBytes += bytes.length;
    }
  }

  #joined(): Buffer {
    if (this.#waiting.length > 1) {
      this.#waiting = [Buffer.concat(this.#waiting)];
    }
    return this.#waiting[0] ?? Buffer.alloc(0);
  }

  #take(count: number): Buffer {
    const all = this.#joined();
    const taken = all.subarray(0, count);
    const rest = all.subarray(count);
    this.#waiting = rest.length > 0 ? [rest] : [];
    this.#waitingBytes = rest.length;
    if (this.#stream.isPaused() && this.#waitingBytes < HIGH_WATER_BYTES) {
      this.#stream.resume();
    }
    return taken;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
