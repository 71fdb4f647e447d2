/**
 * Reads a decision table written as text, one row a line: a cell is `*` or the values it admits, joined by `,`; the
 * last cell is the verdict. The first row that matches wins. Lines that begin with `#` are remarks.
 */
export interface TruthTable {
  readonly columns: readonly string[];
  readonly rows: readonly TruthRow[];
}

export interface TruthRow {
  readonly text: string;
  readonly admits: readonly (ReadonlySet<string> | null)[];
  readonly verdict: string;
}

export function readTruthTable(text: string): TruthTable {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const [head, ...body] = lines;
  const columns = (head ?? "").split(/\s+/).slice(0, -1);
  const rows = body.map((line) => {
    const cells = line.split(/\s+/);
    if (cells.length !== columns.length + 1) {
      throw new Error(`Row with ${String(cells.length)} cells: ${line}`);
    }
    const admits = cells
      .slice(0, -1)
      .map((cell) => (cell === "*" ? null : new Set(cell.split(","))));
    return { text: line, admits, verdict: cells.at(-1) ?? "" };
  });
  return { columns, rows };
}

/** The first row that admits these values, or undefined. */
export function matchRow(
  table: TruthTable,
  values: Readonly<Record<string, unknown>>,
): TruthRow | undefined {
  return table.rows.find((row) =>
    row.admits.every((admitted, index) => {
      const value = values[table.columns[index] ?? ""];
      return admitted === null || admitted.has(cellOf(value));
    }),
  );
}

function cellOf(value: unknown): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/** Every combination of the given values per key. */
export function combinations<T extends Record<string, readonly unknown[]>>(
  domain: T,
): { [K in keyof T]: T[K][number] }[] {
  let all: Record<string, unknown>[] = [{}];
  for (const [key, values] of Object.entries(domain)) {
    all = all.flatMap((partial) => values.map((value) => ({ ...partial, [key]: value })));
  }
  return all as { [K in keyof T]: T[K][number] }[];
}
