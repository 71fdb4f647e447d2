/**
 * Header fields, found by name without regard to letter case. Most answers are asked for two or three fields, so the text
 * is searched and not taken apart.
 */
export class HttpHeaders {
  readonly #text: string;
  #lower: string | null = null;

  /** The head as received, status line included. */
  constructor(text: string) {
    // A line that begins with white space goes on with the field before it (RFC 9112 section 5.2).
    this.#text = text.includes("\n ") || text.includes("\n\t") ? unfolded(text) : text;
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

  /** The members of a list field, in lower case and without parameters. */
  tokens(name: string): readonly string[] {
    return this.all(name)
      .join(",")
      .split(",")
      .map((token) => (token.split(";", 1)[0] ?? "").trim().toLowerCase())
      .filter((token) => token !== "");
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

/** The status line is no field: nothing goes on with it. */
function unfolded(text: string): string {
  const [first = "", ...lines] = text.split("\n");
  const fields: string[] = [];
  for (const line of lines) {
    const goesOn = /^[ \t]/.test(line) && fields.length > 0;
    fields.push(goesOn ? `${(fields.pop() ?? "").trimEnd()} ${line.trim()}` : line);
  }
  return [first, ...fields].join("\n");
}
