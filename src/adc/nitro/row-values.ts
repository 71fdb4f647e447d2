import type { Port } from "../../model/adc-service.ts";
import { address as readAddress, port as readPort, truth } from "../field-types.ts";
import type { FieldSource } from "../fields.ts";
import type { Diagnostic } from "../../model/estate.ts";

/**
 * One row of a NITRO answer, unchanged. Every field is read through the functions below: appliances write numbers as strings
 * or numbers, booleans in four ways, and omit empty fields (NITRO docs: type Double is sent as a string).
 */
export type Row = Readonly<Record<string, unknown>>;
/** A text; null if absent, empty or not a text. Numbers become texts. */
export function text(row: Row, field: string): string | null {
  const value = row[field];
  if (typeof value === "string") {
    return value === "" ? null : value;
  }
  return typeof value === "number" ? String(value) : null;
}

/** A number within bounds; null if absent, out of bounds or not a number. */
export function number(row: Row, field: string, from: number, to: number): number | null {
  const value = row[field];
  const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof parsed === "number" && parsed >= from && parsed <= to ? parsed : null;
}

/** A counter or a number of connections. */
export function count(row: Row, field: string): number | null {
  const value = number(row, field, 0, Number.MAX_SAFE_INTEGER);
  return value !== null && Number.isInteger(value) ? value : null;
}
/** YES/NO, ON/OFF, ENABLED/DISABLED, TRUE/FALSE in any case, or a boolean; null for anything else. */
export function flag(row: Row, field: string): boolean | null {
  const value = row[field];
  return typeof value === "boolean" ? value : (truth(text(row, field) ?? "") ?? null);
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
  return readPort.read([text(row, field) ?? ""]) ?? null;
}
/** An IP address; null if absent, `0`, `0.0.0.0` or `::`. */
export function address(row: Row, field: string): string | null {
  return readAddress.read([text(row, field) ?? ""]) ?? null;
}

/** Takes a diagnostic of the import. */
export type Report = (diagnostic: Diagnostic) => void;

/** A row as the values of an object's fields. Empty values count as absent, because appliances may omit them. */
export function rowSource(row: Row, object: string, report: Report): FieldSource {
  return {
    object,
    line: null,
    report,
    written: ({ attributes, unit }) => {
      for (const attribute of attributes) {
        if (isPresent(row[attribute])) {
          const value = wireTexts(row[attribute]);
          const units = unit === null || !isPresent(row[unit]) ? [] : wireTexts(row[unit]);
          return value === null || units === null ? null : [...value, ...units];
        }
      }
      return undefined;
    },
  };
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !isEmpty(value);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Null where a value is an object or holds one: no attribute of NITRO's is. */
function wireTexts(value: unknown): readonly string[] | null {
  if (typeof value === "string") {
    return [value];
  }
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = items.filter((item) => typeof item !== "object").map(String);
  return texts.length === items.length ? texts : null;
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
/** What is read from a resource's rows, by name. */
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

/** Kinds of texts that are interpreted. */
export const UNKNOWN_TEXT_KINDS = ["lastresponse", "state", "role"] as const;

/** A text of the appliance that is not understood. */
export interface UnknownText {
  readonly kind: (typeof UNKNOWN_TEXT_KINDS)[number];
  readonly text: string;
}

/** Maximum reported per poll: an appliance may send a different one for each member. */
const MAX_UNKNOWN_TEXTS = 50;
const MAX_CHARS = 200;

/** Collects texts that were not understood, each once. */
export class UnknownTexts {
  readonly #texts = new Map<string, UnknownText>();

  /** Keeps the text unless `known` matches it. */
  add(kind: UnknownText["kind"], value: string, known: RegExp): void {
    const short = value.trim().slice(0, MAX_CHARS);
    if (this.#texts.size < MAX_UNKNOWN_TEXTS && !known.test(short)) {
      this.#texts.set(`${kind} ${short}`, { kind, text: short });
    }
  }

  all(): readonly UnknownText[] {
    return [...this.#texts.values()];
  }
}
