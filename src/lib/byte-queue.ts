const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Bytes that came and are not yet used. They may come one by one: what waits is copied only when its store is outgrown, so
 * that a head of 64 KB in tiny pieces costs no more than in one.
 */
export class ByteQueue {
  /** All that wait. A view, valid until the next change. */
  bytes: Buffer = EMPTY;
  /** Room of our own that begins with what waits; null while that is the very piece that came. */
  #store: Buffer | null = null;

  append(data: Buffer): void {
    const { bytes } = this;
    if (bytes.length === 0) {
      this.bytes = data;
      this.#store = null;
      return;
    }
    const length = bytes.length + data.length;
    if (this.#store === null || this.#store.length < length) {
      this.#store = Buffer.allocUnsafe(2 * length);
      bytes.copy(this.#store);
    }
    data.copy(this.#store, bytes.length);
    this.bytes = this.#store.subarray(0, length);
  }

  /** Lets go of so many bytes at the front. */
  skip(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.#store = this.#store?.subarray(count) ?? null;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.#store = null;
  }
}
