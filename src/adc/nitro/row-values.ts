import { isIP } from "node:net";
import type { Port } from "../../model/adc-service.ts";
import type { CodeRange } from "../../model/monitor.ts";

/**
 * One row of a NITRO answer, as it came. Every field is read through the functions below: appliances write numbers as
 * strings or numbers, booleans in four ways, and leave out what is empty (NITRO docs: type Double travels as a string).
 */
export type Row = Readonly<Record<string, unknown>>;

/** A text that says something; null when absent, empty or not a text. Numbers become texts. */
export function text(row: Row, field: string): string | null {
  const value = row[field];
  if (typeof value === "string") {
    return value === "" ? null : value;
  }
  return typeof value === "number" ? String(value) : null;
}

/** As {@link text}, with NITRO's written nothings (`none`, `NONE`, `None`) read as null. */
export function textOrNone(row: Row, field: string): string | null {
  const value = text(row, field);
  return value === null || value.toLowerCase() === "none" ? null : value;
}

/** A finite number, or null. */
export function number(row: Row, field: string): number | null {
  const value = row[field];
  const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : null;
}

/** YES/NO, ON/OFF, ENABLED/DISABLED, TRUE/FALSE in any case, or a boolean; null for anything else. */
export function flag(row: Row, field: string): boolean | null {
  const value = row[field];
  if (typeof value === "boolean") {
    return value;
  }
  switch (typeof value === "string" ? value.toUpperCase() : "") {
    case "YES":
    case "ON":
    case "ENABLED":
    case "TRUE":
      return true;
    case "NO":
    case "OFF":
    case "DISABLED":
    case "FALSE":
      return false;
    default:
      return null;
  }
}

/** A list of texts; a single text counts as a list of one, an absent field as empty. */
export function list(row: Row, field: string): readonly string[] {
  const value = row[field];
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items
    .filter((item) => typeof item === "string" || typeof item === "number")
    .map(String)
    .filter((item) => item !== "");
}

/** A port; 65535 is NITRO's wildcard, 0 and absent are null. */
export function port(row: Row, field: string): Port | null {
  const value = row[field] === "*" ? 65535 : number(row, field);
  if (value === null || !Number.isInteger(value) || value <= 0 || value > 65535) {
    return null;
  }
  return value === 65535 ? "*" : value;
}

/** An IP literal that points somewhere; null for absent, `0`, `0.0.0.0` and `::`. */
export function address(row: Row, field: string): string | null {
  const value = text(row, field);
  return value === null || isIP(value) === 0 || /^[0.:]+$/.test(value) ? null : value;
}

/** A duration in milliseconds from a number and its unit field; seconds when the unit is not told. */
export function durationMs(row: Row, field: string, unitField: string): number | null {
  const value = number(row, field);
  if (value === null) {
    return null;
  }
  switch (text(row, unitField)?.toUpperCase()) {
    case "MSEC":
      return value;
    case "MIN":
      return value * 60_000;
    default:
      return value * 1_000;
  }
}

/** Response codes as NITRO lists them, `["200","301-302"]`; null when none is given. */
export function codeRanges(row: Row, field: string): readonly CodeRange[] | null {
  const ranges = list(row, field).flatMap((item) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(item.trim());
    const from = Number(match?.[1]);
    return match === null ? [] : [{ from, to: match[2] === undefined ? from : Number(match[2]) }];
  });
  return ranges.length === 0 ? null : ranges;
}

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
