import type { FieldType, WireDuration } from "./field-types.ts";
import { isPlaceholder } from "./nsconf/lexer.ts";
import type { Diagnostic } from "../model/estate.ts";
import type { SourceLine } from "../model/source-line.ts";

/**
 * One attribute of a NetScaler object: its names, what it may be, and what stands where nothing is written. A table of them,
 * keyed by the property of our model, is all that the ns.conf reader, the NITRO reader, the lab's NITRO rows and the
 * reference in docs/ know of an object's attributes.
 */
export interface Field<T> {
  /** The option of the command line, spelt as its reference spells it, without the dash. */
  readonly option: string;
  /** The option as statements hold it, in lower case. */
  readonly key: string;
  /** NITRO's attributes: the one it writes first, then where else firmware may return the same. */
  readonly attributes: readonly string[];
  /** NITRO's attribute for the unit of a duration. */
  readonly unit: string | null;
  readonly type: FieldType<T>;
  readonly default: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values of a table, by property. */
export type Values<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

/** A table's entry. NITRO's attribute is the option in lower case unless `names` says otherwise. */
export function field<T>(
  option: string,
  type: FieldType<T>,
  fallback: NoInfer<T>,
  names: { readonly attributes?: readonly string[]; readonly unit?: string } = {},
): Field<T> {
  const key = option.toLowerCase();
  return {
    option,
    key,
    attributes: names.attributes ?? [key],
    unit: names.unit ?? null,
    type,
    default: fallback,
  };
}

/** Where the values of one object stand: a statement of ns.conf or a row of NITRO. */
export interface FieldSource {
  /** The object, for diagnostics. */
  readonly object: string;
  readonly line: SourceLine;
  /** What is written for a field: undefined when nothing is, null when it is no text or number. */
  readonly written: (field: Field<unknown>) => readonly string[] | null | undefined;
  readonly report: (diagnostic: Diagnostic) => void;
  /** A command, which the ADC refuses as a whole where one value does not fit; NITRO answers with what the ADC has. */
  readonly isCommand?: boolean;
  /** Whatever is written for a field brings its default back: `unset`. */
  readonly resets?: boolean;
}

/** The values that a source holds. One that does not fit is left out after a diagnostic, so that the default stands. */
export function readFields<F extends Fields>(fields: F, source: FieldSource): Partial<Values<F>> {
  const values: Record<string, unknown> = {};
  for (const property in fields) {
    const value = readField(fields[property], source);
    if (value !== undefined) {
      values[property] = value;
    }
  }
  return values as Partial<Values<F>>;
}

/** As {@link readFields}, with the defaults where nothing fitting is written. */
export function readWhole<F extends Fields>(fields: F, source: FieldSource): Values<F> {
  const values: Record<string, unknown> = {};
  for (const property in fields) {
    const value = readField(fields[property], source);
    values[property] = value === undefined ? fields[property]?.default : value;
  }
  return values as Values<F>;
}

function readField(one: Field<unknown> | undefined, source: FieldSource): unknown {
  const written = one === undefined ? undefined : source.written(one);
  if (one === undefined || written === undefined) {
    return undefined;
  }
  if (source.resets === true) {
    return one.default;
  }
  const value = written === null ? undefined : one.type.read(written);
  if (value === undefined) {
    source.report(refusal(one, written, source));
  }
  return value;
}

/**
 * What stands where nothing is written. V8 keeps an object that is given a dozen properties one by one as a hash table, four
 * times as large and slow to copy, and so all copies; one that it parses is laid out as a literal is.
 */
export function defaultsOf<F extends Fields>(fields: F): Values<F> {
  const names = Object.keys(fields).map((property) => `${JSON.stringify(property)}:null`);
  const values = JSON.parse(`{${names.join()}}`) as Record<string, unknown>;
  for (const property in fields) {
    values[property] = fields[property]?.default;
  }
  return values as Values<F>;
}

/** An object's values as NITRO writes them; undefined stands for an attribute that is absent. */
export function rowOf<F extends Fields>(
  fields: F,
  values: Readonly<Values<F>>,
): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [property, { attributes, unit, type }] of Object.entries(fields)) {
    const [attribute = property] = attributes;
    const wire = type.write(values[property]);
    if (unit === null) {
      row[attribute] = wire;
    } else {
      const duration = wire as WireDuration;
      row[attribute] = duration.value;
      row[unit] = duration.unit;
    }
  }
  return row;
}

/** A number with or without unit: nothing else is quoted, for a text may be a secret in the wrong place. */
const QUOTABLE = /^(?:[+-]?\d[\d.eE+-]{0,30}|[+-]?Infinity|NaN|\*|MSEC|SEC|MIN)$/i;

function refusal(
  { option, type, default: fallback }: Field<unknown>,
  written: readonly string[] | null,
  { object, line, isCommand = false }: FieldSource,
): Diagnostic {
  const quotable = written !== null && written.length > 0 && written.every(isQuotable);
  const shown = quotable ? written.join(" ") : describe(written);
  const stands = defaultText(type, fallback);
  const effect = isCommand
    ? `the ADC refuses the whole command. The rest of it is read here, without this option (default: ${stands})`
    : `it is ignored (default: ${stands})`;
  return {
    severity: isCommand && isToFillIn(written) ? "info" : "warning",
    rule: quotable ? "value_out_of_range" : "unreadable_value",
    line,
    object,
    message: `-${option} of ${object}: ${shown} is not ${type.expects}; ${effect}.`,
  };
}

function isToFillIn(written: readonly string[] | null): boolean {
  return written !== null && written.length > 0 && written.every(isPlaceholder);
}

function isQuotable(word: string): boolean {
  return QUOTABLE.test(word);
}

function describe(written: readonly string[] | null): string {
  if (written === null) {
    return "a nested value";
  }
  const length = written.join(" ").length;
  return length === 0 ? "an empty value" : `a string of ${String(length)} characters`;
}

/** The default as NITRO would write it, for messages and the reference. */
export function defaultText<T>(type: FieldType<T>, fallback: T): string {
  const wire = type.write(fallback);
  if (wire === undefined || wire === null) {
    return "none";
  }
  if (Array.isArray(wire)) {
    return wire.join(" ");
  }
  if (typeof wire === "object") {
    const { value, unit } = wire as Partial<WireDuration>;
    return value === undefined ? "none" : `${String(value)} ${unit ?? ""}`.trimEnd();
  }
  return typeof wire === "string" ? wire : JSON.stringify(wire);
}
