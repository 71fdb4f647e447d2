import { isIP } from "node:net";
import type { Port } from "../../model/adc-service.ts";
import type { CodeRange } from "../../model/monitor.ts";
import type { Draft } from "./draft.ts";
import type { Statement } from "./statements.ts";

/**
 * Reads the typed values of one statement's keys. A key that is absent gives undefined, and so does one whose value
 * cannot be read, after a diagnostic that names the key: the default then stands.
 */
export class KeyReader {
  private readonly statement: Statement;
  private readonly draft: Draft;
  private readonly object: string;

  constructor(statement: Statement, draft: Draft, object: string) {
    this.statement = statement;
    this.draft = draft;
    this.object = object;
  }

  has(key: string): boolean {
    return this.statement.keys.has(key);
  }

  values(key: string): readonly string[] | undefined {
    return this.statement.keys.get(key);
  }

  /** The first value. */
  text(key: string): string | undefined {
    const values = this.statement.keys.get(key);
    return values?.length === 0 ? this.unreadable(key) : values?.[0];
  }

  number(key: string): number | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : (wholeNumber(text) ?? this.unreadable(key));
  }

  /** ENABLED, YES, ON and TRUE against DISABLED, NO, OFF and FALSE. */
  flag(key: string): boolean | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : (truth(text) ?? this.unreadable(key));
  }

  /** `30`, `2 MIN`, `500 MSEC` in milliseconds; seconds without a unit. */
  durationMs(key: string): number | undefined {
    const values = this.statement.keys.get(key);
    return values === undefined ? undefined : (milliseconds(values) ?? this.unreadable(key));
  }

  private unreadable(key: string): undefined {
    this.draft.diagnostics.push({
      severity: "warning",
      rule: "unreadable_value",
      line: this.statement.line,
      object: this.object,
      message: `The value of -${key.slice(0, 40)} cannot be read; the default stands instead.`,
    });
    return undefined;
  }
}

/** Null unless the text is a plain whole number that fits. */
export function wholeNumber(text: string): number | null {
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}

export function truth(text: string): boolean | null {
  if (/^(enabled|yes|on|true)$/i.test(text)) {
    return true;
  }
  return /^(disabled|no|off|false)$/i.test(text) ? false : null;
}

/** A port, or `*` (which the ADC also writes as 65535 in places); null when it is neither. */
export function portOf(text: string): Port | null {
  if (text === "*" || text === "65535") {
    return "*";
  }
  const port = wholeNumber(text);
  return port !== null && port >= 0 && port < 65_535 ? port : null;
}

/** `200`, `301-302`; anything else is null. */
export function codeRange(text: string): CodeRange | null {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  return from === undefined ? null : { from: Number(from), to: Number(to ?? from) };
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["MSEC", 1],
  ["SEC", 1_000],
  ["MIN", 60_000],
]);

function milliseconds(values: readonly string[]): number | null {
  const [, digits, glued] = /^(\d{1,10})([A-Za-z]+)?$/.exec(values[0] ?? "") ?? [];
  const unit = UNIT_MS.get((glued ?? values[1] ?? "SEC").toUpperCase());
  return digits === undefined || unit === undefined ? null : Number(digits) * unit;
}
