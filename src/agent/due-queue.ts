/** A binary heap of what is due when: push and pop in O(log n), so that ten thousand probes cost no more than ten. */
export class DueQueue<T> {
  readonly #entries: { dueAt: number; item: T }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** When the earliest entry is due, or null when there is none. */
  get earliest(): number | null {
    return this.#entries[0]?.dueAt ?? null;
  }

  push(dueAt: number, item: T): void {
    const entries = this.#entries;
    const entry = { dueAt, item };
    let index = entries.length;
    entries.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || parent.dueAt <= dueAt) {
        break;
      }
      entries[index] = parent;
      index = parentIndex;
    }
    entries[index] = entry;
  }

  /** Takes out the earliest entry if it is due at `now`, else undefined. */
  popDue(now: number): { dueAt: number; item: T } | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.dueAt > now) {
      return undefined;
    }
    const last = this.#entries.pop();
    if (last !== undefined && last !== first) {
      this.#sink(last);
    }
    return first;
  }

  /** Drops every entry whose item is not to be kept. O(n log n). */
  keep(isKept: (item: T) => boolean): void {
    const kept = this.#entries.filter(({ item }) => isKept(item));
    this.clear();
    for (const { dueAt, item } of kept) {
      this.push(dueAt, item);
    }
  }

  clear(): void {
    this.#entries.length = 0;
  }

  #sink(entry: { dueAt: number; item: T }): void {
    const entries = this.#entries;
    const length = entries.length;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = entries[childIndex];
      const right = entries[childIndex + 1];
      if (child !== undefined && right !== undefined && right.dueAt < child.dueAt) {
        childIndex += 1;
        child = right;
      }
      if (childIndex >= length || child === undefined || child.dueAt >= entry.dueAt) {
        break;
      }
      entries[index] = child;
      index = childIndex;
    }
    entries[index] = entry;
  }
}
