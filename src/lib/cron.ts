import { parse, validateDetailed } from "node-cron";

/** A cron expression's fields as sets of numbers; Sunday is 0. All of them must match, the two day fields included. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
}

/** Highest step that makes sense in minute, hour, day, month and weekday. */
const LONGEST_STEP = [59, 23, 31, 12, 7] as const;

/**
 * Reads five cron fields (minute hour day month weekday) by node-cron's own parser, and with its meaning: a day must
 * match both day fields, so that `0 22 8-14 * 2` is the second Tuesday. Null when it is no such expression, when a step
 * is longer than its field (node-cron lets `90` pass as a step of minutes), or when it uses `L`, `W` or `#`.
 */
export function parseCron(text: string): CronFields | null {
  const words = text.trim().split(/\s+/);
  if (words.length !== 5 || words.some(hasLongStep) || !validateDetailed(text).valid) {
    return null;
  }
  const fields = parse(text);
  const daysOfMonth = numbers(fields.dayOfMonth);
  const daysOfWeek = numbers(fields.dayOfWeek);
  if (daysOfMonth === null || daysOfWeek === null) {
    return null;
  }
  return {
    minutes: fields.minute,
    hours: fields.hour,
    daysOfMonth,
    months: fields.month,
    daysOfWeek: [...new Set(daysOfWeek.map((day) => day % 7))],
  };
}

function hasLongStep(word: string, index: number): boolean {
  return [...word.matchAll(/\/(\d+)/g)].some(([, step]) => {
    const length = Number(step);
    return length === 0 || length > (LONGEST_STEP[index] ?? 0);
  });
}

function numbers(values: readonly (number | string)[]): number[] | null {
  const read = values.map(Number);
  return read.every(Number.isInteger) ? read : null;
}
