/**
 * Header fields, found by name without regard to letter case. Most answers are asked for two or three fields, so the text
 * is searched and not taken apart.
 */
export class HttpHeaders {
  readonly #text: string;
  #lower: string | null = null;

  /** The head as received, status line included. */
  constructor(text: string) {
    this.#text = text;
  }

  /** First value, or null. The name is given in lower case. */
  get(name: string): string | null {
    return this.#find(name, 0)?.value ?? null;
  }

  all(name: string): readonly string[] {
    const values: string[] = [];
    for (let found = this.#find(name, 0); found !== null; found = this.#find(name, found.next)) {
      values.push(found.value);
    }
    return values;
  }

  /** All fields, names in lower case, in order. */
  entries(): [name: string, value: string][] {
    const fields: [string, string][] = [];
    for (const line of this.#text.split(/\r?\n/).slice(1)) {
      const colon = line.indexOf(":");
      if (colon > 0) {
        fields.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
      }
    }
    return fields;
  }

  #find(name: string, from: number): { value: string; next: number } | null {
    this.#lower ??= this.#text.toLowerCase();
    const at = this.#lower.indexOf(`\n${name}:`, from);
    if (at === -1) {
      return null;
    }
    const start = at + name.length + 2;
    const end = this.#text.indexOf("\n", start);
    const next = end === -1 ? this.#text.length : end;
    return { value: this.#text.slice(start, next).trim(), next };
  }
}
