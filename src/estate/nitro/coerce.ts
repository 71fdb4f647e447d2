import { isIP } from "node:net";
import type { Port } from "../adc-service.ts";
import type { FieldSource } from "../fields.ts";
import type { Diagnostic } from "../model.ts";

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

/** Takes a diagnostic of the import. */
export type Report = (diagnostic: Diagnostic) => void;

/** A row as the values of an object's fields. What is empty counts as absent, as appliances leave it out or not. */
export function rowSource(row: Row, object: string, report: Report): FieldSource {
  return {
    object,
    line: null,
    report,
    written: ({ attributes, unit }) => {
      const attribute = attributes.find((one) => isTold(row[one]));
      const value = attribute === undefined ? undefined : wireTexts(row[attribute]);
      if (unit === null || value === undefined || value === null || !isTold(row[unit])) {
        return value;
      }
      const units = wireTexts(row[unit]);
      return units === null ? null : [...value, ...units];
    },
  };
}

function isTold(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !isEmptyList(value);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Null where a value is an object or holds one: no attribute of NITRO's is. */
function wireTexts(value: unknown): readonly string[] | null {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = items.filter((item) => typeof item !== "object").map(String);
  return texts.length === items.length ? texts : null;
}
