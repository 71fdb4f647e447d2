import { append } from "../../lib/steps.ts";

/**
 * Finds the items of lists by a key. A file may bind 100,000 members or policies to one object; searching the whole list
 * for each of them takes minutes. A list is read anew when its length is not the one known here.
 */
export class ListIndex<T> {
  private known = new WeakMap<readonly T[], { count: number; readonly byKey: Map<string, T[]> }>();

  private readonly keyOf: (item: T) => string;

  constructor(keyOf: (item: T) => string) {
    this.keyOf = keyOf;
  }

  /** The items of the list with this key, in its order. */
  at(list: readonly T[], key: string): readonly T[] {
    return this.of(list).byKey.get(key) ?? [];
  }

  /** Appends an item to the list. */
  push<U extends T>(list: U[], item: U): void {
    const index = this.of(list);
    list.push(item);
    index.count += 1;
    append(index.byKey, this.keyOf(item), item);
  }

  /** After a change of keys. */
  forget(): void {
    this.known = new WeakMap();
  }

  private of(list: readonly T[]): { count: number; readonly byKey: Map<string, T[]> } {
    const known = this.known.get(list);
    if (known?.count === list.length) {
      return known;
    }
    const byKey = new Map<string, T[]>();
    for (const item of list) {
      append(byKey, this.keyOf(item), item);
    }
    const made = { count: list.length, byKey };
    this.known.set(list, made);
    return made;
  }
}
