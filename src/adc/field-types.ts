import { isIP } from "../lib/ip.ts";
import type { Port } from "../model/adc-service.ts";
import type { CodeRange } from "../model/monitor.ts";

/**
 * How NetScaler writes one kind of value, and what it means. Both readers pass the written text, a duration as number
 * and unit; only this file decides which values are valid.
 */
export interface FieldType<T> {
  /** What a valid value is, to end a sentence with: `a whole number from 1 to 127`. */
  readonly expects: string;
  /** The value, or undefined if the text is not valid. */
  read(written: readonly string[]): T | undefined;
  /** The value as NITRO writes it, with its unit if it has one; undefined: the attribute is absent. */
  write(value: T): unknown;
}

/** The ADC limits names to 127 characters, and names of domain-based servers to 255. */
export const MAX_NAME_LENGTH = 255;

/** How NITRO transfers a duration: one attribute for the number and one for the unit. */
export interface WireDuration {
  readonly value: number;
  readonly unit: "MIN" | "SEC" | "MSEC";
}

/** Any text; an option without a value is invalid. */
export const text: FieldType<string | null> = {
  expects: "a text",
  read: ([first]) => first,
  write: (value) => value ?? undefined,
};

/** Control characters end a line or a text in every line protocol. */
const CONTROL = /[\u0000-\u001f\u007f]/;

/** A text that is used in a command of a line protocol: a line break in it would start a second command. */
export const line: FieldType<string | null> = {
  expects: "a text without control characters",
  read: ([first]) => (first === undefined || CONTROL.test(first) ? undefined : first),
  write: (value) => value ?? undefined,
};

/** A text; NITRO's `none` becomes null. */
export const textOrNone: FieldType<string | null> = convert(
  text,
  (value) => (value?.toLowerCase() === "none" ? null : value),
  (value) => value,
);

/** A keyword from an open list, in upper case. */
export const keyword: FieldType<string> = {
  expects: "a keyword",
  read: ([first]) => first?.toUpperCase(),
  write: (value) => value,
};

/**
 * Like {@link keyword}, but without a hyphen: in `ROUNDROBIN-cltTimeout 9000` a space is missing, and the ADC rejects
 * it.
 */
export const plainKeyword: FieldType<string> = {
  ...keyword,
  read: (written) =>
    written.length === 1 && /^\w+$/.test(written[0] ?? "") ? keyword.read(written) : undefined,
};

/** One of a few keywords. */
export function choice<const T extends string>(known: readonly T[]): FieldType<T> {
  return {
    expects: `one of ${known.join(", ")}`,
    read: ([first]) => known.find((one) => one === first?.toUpperCase()),
    write: (value) => value,
  };
}

/** One of a few keywords; each of `others` means null, and null is written as the first of them. */
export function choiceOrNone<const T extends string>(
  known: readonly T[],
  others: readonly string[] = [],
): FieldType<T | null> {
  const type = choice<string>([...known, ...others]);
  return {
    expects: type.expects,
    read: (written) => {
      const word = type.read(written);
      return word === undefined ? undefined : (known.find((one) => one === word) ?? null);
    },
    write: (value) => value ?? others[0],
  };
}

/**
 * A switch. Every spelling is accepted everywhere, because appliances mix them; `words` is NITRO's spelling for this
 * one.
 */
function flag(words: readonly [on: unknown, off: unknown]): FieldType<boolean> {
  return {
    expects: `${String(words[0])} or ${String(words[1])}`,
    read: ([first]) => truth(first ?? ""),
    write: (value) => words[value ? 0 : 1],
  };
}

export const yesNo: FieldType<boolean> = flag(["YES", "NO"]);
export const onOff: FieldType<boolean> = flag(["ON", "OFF"]);
export const enabled: FieldType<boolean> = flag(["ENABLED", "DISABLED"]);

/** A value of this type, or null if it is not set: the attribute is then absent. */
export function orNone<T>(type: FieldType<T>): FieldType<T | null> {
  return {
    expects: type.expects,
    read: (written) => type.read(written),
    write: (value) => (value === null ? undefined : type.write(value)),
  };
}

/** An option that is switched on by its presence; a JSON boolean in NITRO. */
export const present: FieldType<boolean> = {
  expects: "no value, true or false",
  read: ([first]) => (first === undefined ? true : truth(first)),
  write: (value) => value,
};

/** The value of a switch, in any spelling. */
export function truth(written: string): boolean | undefined {
  if (/^(enabled|yes|on|true)$/i.test(written)) {
    return true;
  }
  return /^(disabled|no|off|false)$/i.test(written) ? false : undefined;
}

/** A whole number within bounds. NITRO sends its documented type Double as a string, Integer as a number. */
export function whole(
  from: number,
  to: number,
  wire: "double" | "integer" = "double",
): FieldType<number> {
  return {
    expects: `a whole number from ${String(from)} to ${String(to)}`,
    read: ([first]) => {
      const value = wholeNumber(first ?? "");
      return value !== null && value >= from && value <= to ? value : undefined;
    },
    write: (value) => (wire === "double" ? String(value) : value),
  };
}

/** Like {@link whole}, or null if not set; NITRO writes 0 for that if 0 is no valid value. */
export function wholeOrNone(
  from: number,
  to: number,
  wire: "double" | "integer" = "double",
): FieldType<number | null> {
  const type = orNone(whole(from, to, wire));
  return {
    ...type,
    read: (written) =>
      from > 0 && wholeNumber(written[0] ?? "") === 0 ? null : type.read(written),
  };
}

/** A whole number of seconds or minutes, stored in milliseconds. */
export function wholeUnits(unitMs: number, from: number, to: number): FieldType<number> {
  const unit = unitMs === 60_000 ? "minutes" : "seconds";
  return {
    ...convert(
      whole(from, to),
      (value) => value * unitMs,
      (value) => value / unitMs,
    ),
    expects: `a whole number of ${unit} from ${String(from)} to ${String(to)}`,
  };
}

const UNITS_MS = { MSEC: 1, SEC: 1_000, MIN: 60_000 } as const;

/**
 * `30`, `2 MIN`, `500 MSEC` (also as one word) in milliseconds; without a unit, seconds. The command reference gives
 * the bounds in seconds: they apply to other units too.
 */
export function duration(fromS: number, toS: number): FieldType<number> {
  const smallest = fromS === 0 ? "0" : "1 MSEC";
  return {
    expects: `a whole number of MSEC, SEC or MIN from ${smallest} to ${String(toS)} SEC`,
    read: ([first = "", second]) => {
      const [, number = "", glued] = /^([^a-z]{1,24})([a-z]{1,8})?$/i.exec(first) ?? [];
      const value = wholeNumber(number);
      const unit = (glued ?? second ?? "SEC").toUpperCase();
      if (value === null || !isUnit(unit)) {
        return undefined;
      }
      const ms = value * UNITS_MS[unit];
      return value >= fromS && ms <= toS * UNITS_MS.SEC ? ms : undefined;
    },
    write: (value): WireDuration => inLargestUnit(value),
  };
}

function isUnit(written: string): written is keyof typeof UNITS_MS {
  return Object.hasOwn(UNITS_MS, written);
}

/** 60 s are returned as `1` and `MIN`, as by real appliances. */
function inLargestUnit(durationMs: number): WireDuration {
  const unit = (["MIN", "SEC"] as const).find(
    (one) => durationMs > 0 && durationMs % UNITS_MS[one] === 0,
  );
  const chosen = unit ?? (durationMs === 0 ? "SEC" : "MSEC");
  return { value: durationMs / UNITS_MS[chosen], unit: chosen };
}

/** A port, or `*`, which may also be written as 65535; null for 0, which means none. */
export const port: FieldType<Port | null> = {
  expects: "a port from 1 to 65534, or *",
  read: ([first = ""]) => {
    const value = first === "*" ? 65_535 : wholeNumber(first);
    if (value === null || value < 0 || value > 65_535) {
      return undefined;
    }
    return value === 65_535 ? "*" : value === 0 ? null : value;
  },
  write: (value) => (value === "*" ? 65_535 : (value ?? 0)),
};

/** A port that replaces that of the bound service; null for 0 and `*`, which mean no replacement. */
export const ownPort: FieldType<number | null> = convert(
  port,
  (value) => (value === "*" ? null : value),
  (value) => value,
);

/** An IP address; null for `0`, `0.0.0.0`, `::` and `*`, which mean none. */
export const address: FieldType<string | null> = {
  expects: "an IP address",
  read: ([first = ""]) => {
    if (/^(?:[0.:]{1,40}|\*)$/.test(first)) {
      return null;
    }
    return isIP(first) === 0 ? undefined : first;
  },
  write: (value) => value ?? "0.0.0.0",
};

/** Like {@link address}; the attribute is absent if there is none. */
export const addressOrNone: FieldType<string | null> = {
  ...address,
  write: (value) => value ?? undefined,
};

/** Several texts. */
export const texts: FieldType<readonly string[]> = {
  expects: "a list of strings",
  read: (written) => written,
  write: (value) => (value.length === 0 ? undefined : value),
};

/** Response codes and ranges: `200 301-302`, also separated by commas. */
export const codeRanges: FieldType<readonly CodeRange[] | null> = {
  expects: "response codes or ranges of them from 0 to 65535",
  read: (written) => {
    const ranges = written.flatMap((part) => part.split(",")).map(codeRange);
    const readable = ranges.filter((range) => range !== null);
    return readable.length === ranges.length && readable.length > 0 ? readable : undefined;
  },
  write: (value) =>
    value?.map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`)),
};

function codeRange(written: string): CodeRange | null {
  const [, first, second] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(written.trim()) ?? [];
  const from = Number(first);
  const to = Number(second ?? first);
  return first === undefined || to < from || to > 65_535 ? null : { from, to };
}

/** A value of another type, converted. */
export function convert<A, B>(
  type: FieldType<A>,
  decode: (value: A) => B,
  encode: (value: B) => A,
): FieldType<B> {
  return {
    expects: type.expects,
    read: (written) => {
      const value = type.read(written);
      return value === undefined ? undefined : decode(value);
    },
    write: (value) => type.write(encode(value)),
  };
}

/** A whole number from either reader; null for anything else, including fractions and exponents. */
export function wholeNumber(written: string): number | null {
  return /^\s{0,8}[+-]?\d{1,15}(?:\.0{1,9})?\s{0,8}$/.test(written) ? Number(written) : null;
}
