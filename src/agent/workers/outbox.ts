/** Gathers what is to be posted during one turn of the event loop: a message costs more than one item in it. */
export class Outbox<Item> {
  #items: Item[] = [];
  #flush: NodeJS.Immediate | null = null;
  readonly #post: (items: readonly Item[]) => void;

  constructor(post: (items: readonly Item[]) => void) {
    this.#post = post;
  }

  put(item: Item): void {
    this.#items.push(item);
    this.#flush ??= setImmediate(() => {
      const items = this.#items;
      this.clear();
      this.#post(items);
    });
  }

  /** Drops what has not been posted yet. */
  clear(): void {
    this.#items = [];
    if (this.#flush !== null) {
      clearImmediate(this.#flush);
      this.#flush = null;
    }
  }
}
