import { text, type Row } from "./coerce.ts";

/** The rows of one import by resource. */
export type RowTables = ReadonlyMap<string, readonly Row[]>;

/** The only row of a resource that is an object, or an empty one. */
export function firstRow(rows: RowTables, resource: string): Row {
  return rows.get(resource)?.[0] ?? {};
}

/** Rows of a resource by one of their fields; those without it are left out. */
export function groupBy(rows: RowTables, resource: string, field: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows.get(resource) ?? []) {
    const name = text(row, field);
    const group = name === null ? undefined : groups.get(name);
    if (group !== undefined) {
      group.push(row);
    } else if (name !== null) {
      groups.set(name, [row]);
    }
  }
  return groups;
}

/** What a resource's rows come to, by name. */
export function namedMap<T extends { readonly name: string }>(
  rows: RowTables,
  resource: string,
  convert: (row: Row) => T | null,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const row of rows.get(resource) ?? []) {
    const value = convert(row);
    if (value !== null) {
      found.set(value.name, value);
    }
  }
  return found;
}
