import type { FieldType, WireDuration } from "./field-types.ts";
import { isPlaceholder } from "./placeholders.ts";
import type { Diagnostic } from "../model/estate.ts";
import type { SourceLine } from "../model/source-line.ts";

/**
 * One attribute of a NetScaler object: its names, its valid values and its default. A table of them, keyed by the
 * property of our model, is the only source from which the ns.conf reader, the NITRO reader, the lab's NITRO rows and
 * the reference in docs/ know an object's attributes.
 */
export interface Field<T> {
  /** The command-line option, spelt as in the command reference, without the hyphen. */
  readonly option: string;
  /** The option as statements store it, in lower case. */
  readonly key: string;
  /** NITRO's attributes: the one to write first, then alternatives that some firmware returns. */
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

/** An entry of a table. NITRO's attribute is the option in lower case unless `names` says otherwise. */
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

/** Where the values of one object come from: a statement of ns.conf or a row of NITRO. */
export interface FieldSource {
  /** The object, for diagnostics. */
  readonly object: string;
  readonly line: SourceLine;
  /** The written value of a field: undefined if there is none, null if it is neither text nor number. */
  readonly written: (field: Field<unknown>) => readonly string[] | null | undefined;
  readonly report: (diagnostic: Diagnostic) => void;
  /**
   * Whether this is a command, which the ADC rejects as a whole if one value is invalid. NITRO returns what the ADC
   * has.
   */
  readonly isCommand?: boolean;
  /** Any value of a field restores its default: `unset`. */
  readonly resets?: boolean;
}

/** The values in a source. An invalid one is left out with a diagnostic, so that the default applies. */
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

/** Like {@link readFields}, with defaults for missing and invalid values. */
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
  // In a template, whose names are open too, so is everything else.
  if (value === undefined && !(isPlaceholder(source.object) && isToFillIn(written))) {
    source.report(refusal(one, written, source));
  }
  return value;
}

/**
 * The default values. V8 stores an object that is given a dozen properties one by one as a hash table, which is four
 * times as large and slow to copy, and so are its copies; an object that it parses is laid out like a literal.
 */
export function defaultsOf<F extends Fields>(fields: F): Values<F> {
  const names = Object.keys(fields).map((property) => `${JSON.stringify(property)}:null`);
  const values = JSON.parse(`{${names.join()}}`) as Record<string, unknown>;
  for (const property in fields) {
    values[property] = fields[property]?.default;
  }
  return values as Values<F>;
}

/** An object's values as NITRO writes them; undefined stands for an absent attribute. */
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

/** A number with or without unit: nothing else is quoted, because a text may be a misplaced secret. */
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
    ? `the ADC rejects the whole command. This import uses the rest of it, without this option (default: ${stands})`
    : `it is ignored (default: ${stands})`;
  if (isCommand && isToFillIn(written)) {
    const message = `-${option} of ${object}: the value is still to be filled in; this import uses the default (${stands}).`;
    return { severity: "info", rule: "not_filled_in", line, object, message };
  }
  return {
    severity: "warning",
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
