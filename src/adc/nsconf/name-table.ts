/**
 * Objects by name; an exact match first, then one without regard to case, because hand-written configurations mix it. The
 * command reference calls only the names of policies' parts case-insensitive (expressions, pattern sets) and says
 * nothing about those of servers, services and vservers.
 */
export class NameTable<T> {
  readonly exact = new Map<string, T>();
  /** Keys by name in lower case; built when a name is first not found as written. */
  private folded: Map<string, string> | null = null;
  /** The same for names that several keys share, in lower case. */
  private readonly namesakes = new Map<string, Set<string>>();

  /** The key of the object that this name leads to; undefined: there is none. */
  keyOf(name: string): string | undefined {
    if (this.exact.has(name)) {
      return name;
    }
    if (this.exact.size === 0) {
      return undefined;
    }
    if (this.folded === null) {
      this.folded = new Map();
      for (const key of this.exact.keys()) {
        this.fold(key, this.folded);
      }
    }
    return this.folded.get(name.toLowerCase());
  }

  get(name: string): T | undefined {
    const found = this.exact.get(name);
    if (found !== undefined) {
      return found;
    }
    const key = this.keyOf(name);
    return key === undefined ? undefined : this.exact.get(key);
  }

  has(name: string): boolean {
    return this.keyOf(name) !== undefined;
  }

  /** Removes the object that this name leads to. Another that differs only by case stays. */
  delete(name: string): void {
    const key = this.keyOf(name);
    if (key === undefined) {
      return;
    }
    this.exact.delete(key);
    const lower = key.toLowerCase();
    const others = this.namesakes.get(lower);
    others?.delete(key);
    const [other] = others ?? [];
    if (other === undefined) {
      this.folded?.delete(lower);
    } else {
      this.folded?.set(lower, other);
    }
  }

  set(name: string, value: T): void {
    this.exact.set(name, value);
    if (this.folded !== null) {
      this.fold(name, this.folded);
    }
  }

  /**
   * Whether a reference leads to the object that this name leads to: it is the exact name, or differs only by case and
   * belongs to no other object. Also if there is no such object, or it is removed in the meantime.
   */
  meaning(name: string): (reference: string | null) => boolean {
    const key = this.keyOf(name) ?? name;
    const lower = key.toLowerCase();
    return (reference) =>
      reference === key ||
      (reference !== null && reference.toLowerCase() === lower && !this.exact.has(reference));
  }

  private fold(key: string, folded: Map<string, string>): void {
    const lower = key.toLowerCase();
    const known = folded.get(lower);
    if (known !== undefined && known !== key) {
      const all = this.namesakes.get(lower) ?? new Set([known]);
      this.namesakes.set(lower, all.add(key));
    }
    folded.set(lower, key);
  }
}
